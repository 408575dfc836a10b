"""A till that lies: a program of its own with the real identity of one enrolled terminal, over real TLS.

voice.py      one connection to the gateway, and the messages of this version's protocol
till.py       the program: what it says of itself, what it does unasked, how it answers instructions
hellos.py     lies in the very first word
numbers.py    reports with numbers that nobody could have counted, about what nobody asked
noise.py      too much, too deep, too long, and not of this protocol
manners.py    how a liar answers what it is told to do
behaviours.py the list of all of these by name
seat.py       the harness' side: its honest agent is kept down, the liar put in its place, and back again
"""
