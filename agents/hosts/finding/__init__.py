"""Looking on a device for what its agent has to know: the service, the Services Monitor, the settings file, host and port.
Everything found is a proposal with a reason; a person confirms it.

looking.py    begin here: what is proposed on this device
server.py, terminal.py   the two roles
documents.py  XML files and the values in them
proposal.py   one proposal
"""
