"""Rehearsing HTTPS with nothing changed: the server's shadow listener, and a till's look at it from its own seat."""
