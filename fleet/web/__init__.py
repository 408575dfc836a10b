"""Pages for people. urls.py has one line for each page.

fleet/      the Fleet page, one device, agents, the import
plan/       planning a cutover
live/       a cutover as it runs
readiness/  can this site be moved

In this folder are the smaller pages (cutovers.py, audit.py, entry.py, errors.py) and what several pages use:
view_helpers.py (who may see a page, the frame around it), labels.py (states, schemes and times in words).
"""
