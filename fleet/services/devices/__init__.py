"""Sites and devices: what people enter about them.

sites.py         adding sites and devices: begin here
descriptions.py  name, note and tags of a device
importing.py     devices from a CSV file; csv_text.py reads what spreadsheets write
current.py       the current state of a terminal, for all who show it
"""
