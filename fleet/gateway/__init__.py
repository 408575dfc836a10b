"""The part of the dashboard that agents connect to: a plain ASGI application beside Django.

asgi.py          the entry point
conversation.py  what is said with one agent, from the challenge to its end: begin here
connection.py    one agent's WebSocket
hub.py           what all connections share: who is here, the queue of reports, notifications, presence
mailbox.py       delivery of what waits for agents: fetch, send, mark as sent; mail.py: the kinds of mail
answers.py       what agents answer in a rehearsal or to an inquiry
limits.py        how much one agent may send; intake.py, inventories.py, put_off.py: what waits to be stored
"""
