"""Two GETs with JSON, and the terminal's name in a header."""

import json

from agents.lab.dialects.dialect import Answer, Asked, Dialect
from agents.lab.layout import MEMBERS

_JSON = "application/json"
_INTERFACES = json.dumps([{"id": 1, "type": "Members", "default": True}, {"id": 2, "type": "Accounts", "default": False}])
_INTERFACES_PATH = "/netpos/interfaces"
_MEMBER_PATH = "/netpos/members/"


class Rest(Dialect):
    """See the module."""

    name = "rest"

    def interfaces(self, terminal: str, code: str) -> Asked:
        return Asked("GET", _INTERFACES_PATH, (("X-Terminal", terminal),))

    def lookup(self, member: int, terminal: str, code: str) -> Asked:
        return Asked("GET", f"{_MEMBER_PATH}{member}", (("X-Terminal", terminal),))

    def is_good(self, status: int, body: bytes, member: int) -> bool:
        return status == 200

    def answer(self, asked: Asked, code: str) -> Answer:
        terminal = asked.header("x-terminal")
        plain = asked.path.partition("?")[0]
        if asked.method == "GET" and plain == _INTERFACES_PATH:
            return Answer(200, _JSON, _INTERFACES.encode(), terminal)
        number = plain.removeprefix(_MEMBER_PATH)
        known = number.isascii() and number.isdigit() and int(number) in MEMBERS
        if asked.method == "GET" and plain.startswith(_MEMBER_PATH) and known:
            member = {"number": int(number), "name": f"Member {number}", "points": int(number) % 97}
            return Answer(200, _JSON, json.dumps(member).encode(), terminal)
        return Answer(404, _JSON, json.dumps({"error": "not found"}).encode(), terminal)
