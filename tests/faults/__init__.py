"""The fault harness: a demo site is run, hurt and judged from outside, by what a person at a till could find out.

`python -m tests.faults points|trials|table|planted` is its command line (commands/).

points.py      every named point at which a process can be made to die
site.py        starts the demo, drives it over REST, reads and writes the lab's files
truth.py       who can really talk to the server, found by doing it with each terminal's own settings
invariants.py  what must hold at rest
plan.py        one random trial as a value, made from a seed and a number
injector.py    carries the faults of a plan out, and ends every one of them
drive.py       until the site is at rest: presses what a person would press
trial.py       one trial from beginning to end, and the site back on HTTP for the next
keep.py        what a failed trial leaves behind
summary.py     the table at the end
table.py       every point, forward and back, once and twice in a row
"""
