"""Sites and devices: what people enter about them.

sites.py         adding sites and devices: begin here
descriptions.py  what people write about a device: name, note, tags, by hand, address
importing.py     devices from a CSV file; csv_text.py reads what spreadsheets write
current.py       the current state of a terminal, for all who show it
"""
