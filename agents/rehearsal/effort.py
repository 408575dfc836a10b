"""Measures the CPU time of one TLS handshake on the server, without a network."""

import ssl
import statistics
import sys
import time
from collections.abc import Callable

ROUNDS = 15

# On Windows a thread's CPU time has steps of about 16 ms, so the elapsed time is used there.
_now: Callable[[], float] = time.perf_counter if sys.platform == "win32" else time.thread_time


def cpu_ms(server: ssl.SSLContext) -> dict[str, float]:
    """Median milliseconds of the server's side of a handshake, `full` and `resumed`, over ROUNDS each. `resumed` is missing if
    sessions cannot be resumed. Takes about 100 ms of CPU time, so call it in a thread. Raises ssl.SSLError."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE  # only the server's side is measured
    times: dict[str, list[float]] = {"full": [], "resumed": []}
    for _ in range(ROUNDS):
        spent, session, _ = _handshake(server, client, None)
        times["full"].append(spent)
        spent, _, resumed = _handshake(server, client, session)
        if resumed:
            times["resumed"].append(spent)
    return {name: round(statistics.median(values), 3) for name, values in times.items() if values}


def _handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[float, ssl.SSLSession | None, bool]:
    """Milliseconds of the server's side; the session; and whether the given session was resumed."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(up, down, server_side=True)
    there = client.wrap_bio(down, up, server_hostname="rehearsal", session=session)
    spent, done = 0.0, {here: False, there: False}
    while not all(done.values()):
        done[there] = done[there] or _step(there)
        begun = _now()
        done[here] = done[here] or _step(here)
        spent += _now() - begun
    here.write(b".")  # with TLS 1.3 the client gets its session only when it reads
    there.read()
    return spent * 1000, there.session, bool(there.session_reused)


def _step(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
