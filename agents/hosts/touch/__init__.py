"""Touch as a program that is closed and started. Begin with program.py, which says what that means.

choice.py    which class stands for Touch on this machine
windows.py   Touch on Windows, in the user's session
elsewhere.py other systems, where an agent cannot do that
owed.py      what an undo still owes: a start, or a restart of the machine
"""
