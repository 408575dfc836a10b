"""The facts about a device that the dashboard gets. Begin with inventory.py, which is for every device; server.py is for the
facts that only a server has. kept.py caches facts that are costly to read."""
