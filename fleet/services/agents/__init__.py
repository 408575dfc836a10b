"""Agents: which of them may connect.

enrolment.py    a one-time token for one device
admission.py    recognises an agent, keeps its presence and inventory, shuts it out: begin here
hello_proof.py  what an agent can prove about its instructions
lives.py        two programs with one identity
rejected.py     the refusals
"""
