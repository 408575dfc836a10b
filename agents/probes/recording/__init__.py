"""Learning a probe profile from what a terminal really asks.

relay.py      stands between one terminal and its server for a minute; alters no byte
exchanges.py  reads requests and responses from copies of these bytes
masking.py    credentials are never kept
proposal.py   requests that were seen -> a profile, with the reasons: begin here
"""
