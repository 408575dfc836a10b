"""What agents tell about their devices, as typed and bounded values. The only place that takes their JSON apart. Pure: no
Django, no I/O.

facts.py    the values: what any device, a terminal, a server tells; what a rehearsal's check tells. Begin here
parse.py    JSON -> these values. It never raises, whatever the JSON is
lenient.py  one field of JSON -> a value of the expected type, or None

docs/agent-protocol.md lists the facts that agents send. Rows of the database keep the JSON as it came; the models have a
property for the value (Device.server_facts, Device.terminal_facts, TerminalCheck.check_facts, Rehearsal.listener_facts).
"""
