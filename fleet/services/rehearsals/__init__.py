"""Rehearsals: every terminal tries the certificate over its own network connection, days before the cutover, and nothing
is changed.

lifecycle.py  begins a rehearsal, takes answers, ends it: begin here
probes.py     what each agent is asked to do
schedule.py   what happens as time passes: time limits, scheduled rehearsals, measuring after a cutover
measured.py   what HTTPS costs at the site, for the pages
"""
