"""The fault harness: it runs a demo site, disturbs it, and judges it from outside by what a person at a till could see.

`python -m tests.faults points|trials|table|planted` is its command line (commands/).

points.py      every named point at which a process can be made to die
site.py        starts the demo, drives it over REST, reads and writes the lab's files
database.py    the demo's database, which it can lock and copy
disk.py        fills the disk
truth.py       which terminals can really talk to the server: it tries with each terminal's own settings
invariants.py  what must be true when a cutover has ended
plan.py        one random trial as a value, made from a seed and a number
injector.py    carries out the faults of a plan, and ends each of them
drive.py       waits until a cutover has ended, and presses the buttons that a person would press
trial.py       one trial from beginning to end, after which the site is on HTTP again
campaign.py    many trials, on several sites at the same time
keep.py        what is kept of a failed trial
summary.py     the table of many trials
table.py       a death at every point, forward and back, once and twice in a row
hostile/       a program that takes the place of one terminal's agent and lies
"""
