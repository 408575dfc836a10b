"""Rehearsing HTTPS with nothing changed: the server's shadow listener, and a till's probe of it, made where it stands."""
