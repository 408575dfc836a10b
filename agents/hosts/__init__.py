"""What a step touches on a device. host.py puts it together for a till and for a server: begin there.

inventory/  what the dashboard is told about the device
certstore/  the machine's certificates, and the roots that the device trusts

Here: netsh*.py and httpsys_registry.py (http.sys), sc*.py (services), program.py (running a program with an argument
list), settings_store.py and registry.py (settings), lookup.py (asking the server as a till does), spare_binding.py (the
binding of a rehearsal's spare port).
"""
