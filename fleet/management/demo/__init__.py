"""The modules of `manage.py demo`: a supervisor, the parts that it keeps running, and a cutover to watch. site.py and
client.py drive a running demo from outside."""
