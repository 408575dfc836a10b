"""Checks that gate a cutover. Pure."""
