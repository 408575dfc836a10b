"""Two programs with one identity: somebody has copied a device's state folder.

Each process of an agent makes a random `life` at its start and says it in every Hello. One process ends before the next
begins, so the lives of an honest agent follow each other and none ever comes back. One that does, after another was
heard, belongs to a process that has been there all the time beside that other one.

What is late on its way is no proof: the Hello of a connection that was opened before the newest one may be of a process
that has died since, and is not looked at (fleet/gateway/hub.py). Nor is what arrives on an older connection: it may have
been written long before, and a till whose network comes and goes would be taken for two."""

MOST = 50  # lives that are remembered; a copy says hello again within seconds

Lives = list[str]


def follow(before: Lives, life: str) -> tuple[Lives, bool]:
    """The lives after this one has said hello, newest first, and whether that proves two programs. Agents of older
    versions have none (""): of those nothing can be proved, but a life that comes back after one is proof as well."""
    if before[:1] == [life]:
        return before, False
    twice = life != "" and life in before
    return [life, *(one for one in before if one != life)][:MOST], twice
