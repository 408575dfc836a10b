"""How `check_certificate` runs the check in a process of its own: guard.py is the caller's side, child.py the process."""
