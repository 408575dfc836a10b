"""The Fleet page and what it leads to.

home.py       all sites, their servers and terminals: begin here
devices.py    one terminal, or the server
agents.py     which devices have an agent; tokens; revoking an agent
importing.py  devices from a CSV file
view_models.py  reads the database
"""
