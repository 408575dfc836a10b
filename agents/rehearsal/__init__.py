"""Rehearsing HTTPS without changing anything. Begin with rehearsals.py, which takes the dashboard's orders.

The server opens a shadow listener on two spare ports (shadow.py; shadow_httpsys.py on Windows, shadow_openssl.py elsewhere). It
forwards requests to the live service (relay.py, forward.py). A terminal probes it (probe.py) and measures lookups (rounds.py,
wire.py). effort.py: CPU time of a handshake. sent_chain.py: the certificates that a port really sends.
"""
