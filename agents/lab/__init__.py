"""The lab: a reference NetPOS.Net server, reference terminals, and emulated `netsh` and `sc`. docs/lab.md describes it.

Begin with build.py, which makes a lab folder, and layout.py, which names its files. netpos.py is the server's process,
terminal.py a terminal, agents.py runs the real agents. netsh*.py and sc*.py are the emulated programs (texts/ has their
languages), machine.py the state that they share. faults.py injects faults, misconfigurations.py plants wrong settings."""
