"""The machine's certificates. store.py is asked (begin here); folder.py is the lab's store, windows.py that of Windows,
reader.py what both can do. roots.py: the roots that this device trusts."""
