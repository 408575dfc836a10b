"""Every terminal tries the certificate where it stands, days before the night, and nothing changes.

lifecycle.py  begins a rehearsal, takes answers, ends it: begin here
probes.py     what each agent is told
schedule.py   what the clock does: time limits, rehearsals by schedule, measuring after a cutover
measured.py   what HTTPS costs at the site, for the pages
"""
