"""What needs a person: one list for the Fleet page and for scripts.

listing.py puts it together: begin there. items.py defines an item. The other files are the sources of items, each with a
fixed number of queries.
"""
