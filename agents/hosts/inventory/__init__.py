"""What the dashboard is told about a device. inventory.py is for every device (begin here), server.py for the part that
only a server has; kept.py keeps what is costly to read for a while."""
