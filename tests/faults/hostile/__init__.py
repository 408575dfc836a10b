"""A till that lies: a program that uses the real identity of one enrolled terminal over real TLS.

voice.py      one connection to the gateway, and the messages of this version's protocol
till.py       the program: what it says about itself, what it does unasked, how it answers instructions
hellos.py     lies in the first message
numbers.py    reports with impossible numbers, about instructions that nobody gave
noise.py      messages that are too many, too deep, too long or not of this protocol
manners.py    how a liar answers instructions
behaviours.py the list of all of these by name
impostor.py   the side of the harness: it replaces an honest agent by the liar, and brings it back
"""
