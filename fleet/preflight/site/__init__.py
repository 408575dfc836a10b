"""Can this site be moved? From what its agents reported to a verdict:

reading.py  JSON that agents sent -> view.py: typed, bounded values, no database
check.py    a SiteView            -> readiness.py: items and the verdict. Begin here
*_rules.py  one file per question; codes.py lists every code with its severity and remedy
passed_checks.py  what was asked and found good, so that a page can say so
field_failures.py the twenty ways in which such a night fails in the field, and their codes
advice.py   does this site need HTTPS?
"""
