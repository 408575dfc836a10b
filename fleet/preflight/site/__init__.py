"""Can this site be moved? From what its agents told to a verdict:

reading.py         what agents told (fleet.device_facts) -> view.py: the site, no database
check.py           a SiteView -> readiness.py: items and the verdict. Begin here
*_rules.py         one file per question; codes.py lists every code with its severity and remedy
passed_checks.py   the checks that passed, so that a page can show them
field_failures.py  twenty known ways in which a cutover fails in the field, and their codes
advice.py          does this site need HTTPS?
"""
