"""The Site page: the test member number, the probe profile, and what a person asks the site's devices.

views.py        the page, its member number and its probe profile
asking.py       trying, learning and finding: what is asked of a device, and its answer as it comes
view_models.py  what is read from the database for it
"""
