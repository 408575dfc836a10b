"""Probe profiles of sites: how the proofs of a cutover ask the server."""
