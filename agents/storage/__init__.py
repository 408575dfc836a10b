"""What an agent keeps on its disk so that a crash at any moment loses nothing.

atomic.py   rewriting a file: the old bytes or the new ones, never a mixture
journal.py  the write-ahead record: how to undo is on disk before the act. Begin here
ledger.py   the state that follows from the journal's records, without a file or a clock
"""
