"""Devices by hand: what a person at a terminal or at the server sees, and the print-out of the plan.

views.py        the page of one device, and the print-out: begin here
view_models.py  reads the database
words.py        what to do at the device, and what happens next
qr.py           an address as a picture that a phone reads
"""
