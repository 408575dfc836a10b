"""No torn file in any crash: an agent's real file operations are recorded, and replayed up to every one of them.

night.py       a real agent's work, killed and started again: the program that is recorded
world.py       the machine that it works on
calls.py       the two recorders' common language, and what it says about files: operations
recorder.py    records inside of the agent's process; strace.py from outside, where strace is to be had
record.py      plays a night and returns what was recorded
disk.py        which bytes a disk may hold after a power cut: what was flushed, and any part of the rest
fates.py       which of these are tried
promises.py    what the agent may rely on after each operation
start.py       starts the agent on such a disk, and looks
proof.py       all of it together: every state of one recording, and what is wrong with it
bugs.py        what would be wrong, planted in the recording
"""
