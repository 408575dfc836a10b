"""Sites and devices: what people enter about them, and the certificates of a server.

sites.py         adding sites and devices: begin here
descriptions.py  name, note and tags of a device
importing.py     devices from a CSV file; csv_text.py reads what spreadsheets write
current.py       the current state of a terminal, for all who show it
certificates.py  the certificates in a server's store, as its agent reported them
"""
