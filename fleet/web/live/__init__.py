"""A cutover as it runs.

views.py        the page, its buttons, the question that a destructive one asks first: begin here
stream.py       server-sent events: what changed since
listener.py     the broker's notifications, once for all browsers of this process
fragments.py    the parts of the page that change, each rendered for the page and for the stream alike
view_models.py  reads the database
messages.py     the sentences
"""
