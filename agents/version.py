"""Which agent this is, for the inventory: agents of one site should be alike."""

VERSION = "0.1.0"
