"""Runs under Wine: `python echo_httpapi.py PORT WORKERS BODY` listens through http.sys, says `listening`, and answers each
request with what it has understood of it (BODY: the most bytes of a body), until a line comes on standard input. Then it
shuts the listener, and says how many of the workers that were waiting have ended, and which answers did not find their
client any more."""

import hashlib
import json
import sys
import threading

from agents.winapi import httpapi
from agents.winapi.httpapi import Ended, Listener
from agents.winapi.httpapi_request import Request
from tests.windows.wine_httpapi import WineDll

LIMIT_S = 20.0
unheard = []


def seen(request: Request) -> bytes:
    sums = {name: [len(value), hashlib.sha256(value.encode("latin-1")).hexdigest()] for name, value in request.headers}
    body = None if request.body is None else [len(request.body), hashlib.sha256(request.body).hexdigest()]
    told = {"verb": request.verb, "target": request.target, "url": request.url, "headers": sums, "body": body}
    return json.dumps(told).encode()


def work(listener: Listener) -> None:
    try:
        while True:
            request = listener.receive()
            headers = (("Content-Type", "application/json"), ("X-Seen", "a"), ("X-Seen", "b"))
            if not listener.answer(request, 200, "Very Well", headers, seen(request)):
                unheard.append(request.target)
    except Ended:
        return


def main(port: int, count: int, body: int) -> None:
    httpapi.MAX_BODY_BYTES = body
    listener = Listener([f"http://+:{port}/"], WineDll())
    workers = [threading.Thread(target=work, args=(listener,), daemon=True) for _ in range(count)]
    for worker in workers:
        worker.start()
    sys.stdout.write('"listening"\n')
    sys.stdout.flush()
    sys.stdin.readline()
    listener.shut()
    for worker in workers:
        worker.join(LIMIT_S)
    ended = sum(not worker.is_alive() for worker in workers)
    listener.close()
    sys.stdout.write(json.dumps({"ended": ended, "unheard": unheard}) + "\n")


main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
