"""A binary POST with a checksum. No probe profile can be written for it, so its sites have only the transport proof."""

import struct
import zlib

from agents.lab.dialects.dialect import Answer, Asked, Dialect
from agents.lab.layout import MEMBERS

_PATH = "/netpos"
_BINARY = "application/octet-stream"
_MAGIC = b"\xfe\xedNP"  # not UTF-8, so that it is never taken for a text
_LIST, _LOOK_UP = 1, 2


class Opaque(Dialect):
    """See the module."""

    name = "opaque"

    def interfaces(self, terminal: str, code: str) -> Asked:
        return Asked("POST", _PATH, (("Content-Type", _BINARY),), _packed(_LIST, 0, terminal.encode()))

    def lookup(self, member: int, terminal: str, code: str) -> Asked:
        return Asked("POST", _PATH, (("Content-Type", _BINARY),), _packed(_LOOK_UP, member, terminal.encode()))

    def is_good(self, status: int, body: bytes, member: int) -> bool:
        found = _unpacked(body)
        return status == 200 and found is not None and found[:2] == (_LOOK_UP, member)

    def answer(self, asked: Asked, code: str) -> Answer:
        if asked.method != "POST":
            return Answer(405, "text/plain", b"Method Not Allowed")
        found = _unpacked(asked.body)
        if asked.path != _PATH or found is None:
            return Answer(400, "text/plain", b"Bad Request")
        kind, member, name = found
        terminal = name.decode("utf-8", "replace")
        if kind == _LOOK_UP and member not in MEMBERS:
            return Answer(404, _BINARY, _packed(_LOOK_UP, 0, b""), terminal)
        return Answer(200, _BINARY, _packed(kind, member, b"Members\0Accounts" if kind == _LIST else b""), terminal)


def _packed(kind: int, member: int, rest: bytes) -> bytes:
    data = _MAGIC + struct.pack(">BIH", kind, member, len(rest)) + rest
    return data + struct.pack(">I", zlib.crc32(data))


def _unpacked(data: bytes) -> tuple[int, int, bytes] | None:
    """(kind, member, rest) of a message; None for anything else."""
    head = len(_MAGIC) + 7
    if len(data) < head + 4 or not data.startswith(_MAGIC) or struct.unpack(">I", data[-4:])[0] != zlib.crc32(data[:-4]):
        return None
    kind, member, length = struct.unpack(">BIH", data[len(_MAGIC) : head])
    return (kind, member, data[head:-4]) if len(data) == head + length + 4 else None
