"""Terminals by hand: what a person at the terminal sees, and the print-out of the plan.

views.py        the page of one terminal, and the print-out: begin here
view_models.py  reads the database
words.py        what to do at the terminal, and what happens next
qr.py           an address as a picture that a phone reads
"""
