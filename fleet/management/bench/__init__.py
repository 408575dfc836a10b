"""What `manage.py bench` measures, all in one run on one machine."""
