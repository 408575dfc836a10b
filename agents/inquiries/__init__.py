"""What a person asks this device on the Site page: ask the server once, learn what a terminal asks, look for settings.

inquiries.py  takes the dashboard's inquiries one at a time: begin here
checking.py   asks the server once by a probe profile
recording.py  listens, passes everything on, proposes a probe profile
adopting.py   keeps what a person has confirmed
"""
