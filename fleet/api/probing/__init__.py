"""The probe profile of a site, and what a person asks one device: for scripts.

profiles.py   read, change, remove the profile; the test member number
inquiries.py  ask a device and follow the answer
requests.py, responses.py   what scripts send and get
"""
