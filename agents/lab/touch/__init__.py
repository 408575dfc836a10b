"""A reference Touch that keeps its settings in memory: it reads them when it starts, and writes them back when it ends.

state.py     whether it runs, and the orders that it gets, both as files
reference.py Touch itself, beside the lookups of its terminal: it obeys the orders
program.py   what its agent is given: orders Touch to close and to start
press.py     a person at the terminal while a probe profile is learnt
"""
