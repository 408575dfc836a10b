"""Detects two programs with one identity, which exist when somebody has copied a device's state folder.

Each process of an agent makes a random `life` at its start and sends it in every Hello. An honest agent ends one process
before the next begins, so a life that was followed by another one never comes back. If it does come back, two processes
run side by side.

A message that was delayed on its way proves nothing. The Hello of a connection that was opened before the newest one may
come from a process that has died since, so fleet/gateway/hub.py refuses it. What arrives on an older connection does not
count either: it may have been written long before, and a till with a bad network would look like two."""

MOST = 50  # lives that are remembered; a copy sends its Hello again within seconds

Lives = list[str]


def follow(before: Lives, life: str) -> tuple[Lives, bool]:
    """The lives after this one has said hello, newest first, and whether that proves two programs. Agents of older
    versions send no life (""). They never prove anything themselves, but a life that comes back after one of them does."""
    if before[:1] == [life]:
        return before, False
    twice = life != "" and life in before
    return [life, *(one for one in before if one != life)][:MOST], twice
