"""Paths from the server's certificate up to a root that terminals have. paths.py finds them, chain.py judges one with the
rules of constraints.py, policies.py and signatures.py, library.py asks `cryptography` about it, dead_ends.py explains why
there is no path."""
