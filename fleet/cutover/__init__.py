"""What a cutover is. Pure Python: no Django, no clock, no I/O.

A cutover arms every device, flips the server, then flips the terminals wave by wave, and verifies.
Any doubt leads to a pause or to a rollback: the server first, then its terminals.

    states.py    the three state machines: cutover, device run, rehearsal
    snapshot.py  what the domain knows of a cutover, and what it may decide
    plan.py      snapshot + now -> what may happen next: begin here
    rollback.py  snapshot -> what must be undone, in which order
    reports.py   what an agent said -> the device run's next state
    proofs.py    whether an agent's evidence proves what it said
    by_hand.py   what a person said about a device without an agent -> the device run's next state
    causes.py    why a cutover stopped or turned back by itself
    waves.py     which terminal flips in which wave, and how many may fail
    window.py    maintenance window, point of no return
    forecast.py  how long things take, from measured timings
"""
