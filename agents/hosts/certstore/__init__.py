"""The machine's certificates. Begin with store.py. folder.py is the lab's store, windows.py that of Windows, reader.py their
common interface. roots.py: the roots that this device trusts."""
