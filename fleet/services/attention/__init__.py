"""What needs a person: one list for the Fleet page and for scripts.

listing.py puts it together: begin there. items.py says what an item is; the other files are its sources, each with a
fixed number of queries.
"""
