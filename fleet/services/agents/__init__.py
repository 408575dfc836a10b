"""Agents: who is let in, and who is not.

enrolment.py    a one-time token for one device
admission.py    knowing an agent again, its presence and inventory, shutting it out: begin here
hello_proof.py  what an agent can prove about its instructions
lives.py        two programs with one identity
alarms.py       what is wrong with an agent itself
rejected.py     the refusals
"""
