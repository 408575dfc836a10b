"""What `manage.py demo` is made of: a supervisor, the parts that it keeps alive, and a cutover to watch."""
