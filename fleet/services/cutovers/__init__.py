"""A cutover from its plan to its end.

planning.py       what a person asks for -> a draft
actions.py        submit, approve, start, pause, resume, retry, roll back, cancel
engine.py         one cutover under its lock: asks the domain what comes next, writes every change down
participants.py   which devices take part, and how the domain sees them
instructions.py   written, signed, and read by the gateway when they are delivered
reports.py        what agents say about instructions: in batches, each once; report_taker.py for one cutover
second_lookup.py  a terminal that says it works is asked again
by_hand.py        what a person says about a device without an agent
sweeps.py         what the clock does
cut_off.py        how long a terminal had no proven lookup
timings.py        how long things took at this site
restored.py       a database that was restored from a backup
"""
