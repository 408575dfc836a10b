"""What `manage.py bench` measures on one machine: measure.py a whole site, floor.py the least time that is possible."""
