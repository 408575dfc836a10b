"""How `check_certificate` runs the preflight cut off from itself: guard.py is the caller's side, child.py the other."""
