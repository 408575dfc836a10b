"""Checks that gate a cutover. Pure: no Django, no I/O, no clock.

certificate/  is this certificate suitable for these terminals? Begin with check.py
site/         can this site be moved? Begin with check.py
cost/         what HTTPS costs, from what a site's own terminals measured
lazy.py       a property that is worked out once

What devices told comes from fleet.device_facts."""
