"""Everything that a step touches on a device. Begin with host.py, which puts it together for a terminal and for a server.

inventory/  the facts about the device that the dashboard gets
certstore/  the machine's certificates, and the roots that the device trusts

Here: netsh*.py and httpsys_registry.py (http.sys), sc*.py (services), program.py (running a program with an argument
list), settings_store.py and registry.py (settings), lookup.py (requests to the server, as a terminal makes them),
spare_binding.py (the binding of a rehearsal's spare port).
"""
