"""Lines as they arrive: all that are available are read together, so that a file is processed in large pieces and a caller
who sends one line and waits gets its answer."""

from collections.abc import Iterator
from typing import Protocol

from fleet.management.preflight.limits import LINE_BYTES

_AT_ONCE = 65536


class Source(Protocol):
    """The part of standard input's buffer that is used here."""

    def read1(self, size: int, /) -> bytes:
        """The available bytes, at most `size`. Waits when none are available; empty at the end."""


def chunks(source: Source, longest: int = LINE_BYTES) -> Iterator[list[bytes | None]]:
    """Complete lines without their line ends; empty lines are left out. None stands for a line of more than `longest`
    bytes, which is dropped."""
    begun, too_long = bytearray(), False
    while data := source.read1(_AT_ONCE):
        *ended, last = data.split(b"\n")
        lines: list[bytes | None] = []
        for part in ended:
            lines.append(None if too_long or len(begun) + len(part) > longest else bytes(begun) + part)
            begun, too_long = bytearray(), False
        if too_long or len(begun) + len(last) > longest:
            begun, too_long = bytearray(), True
        else:
            begun += last
        if kept := [line for line in lines if line is None or line.strip()]:
            yield kept
    if too_long or begun.strip():
        yield [None if too_long else bytes(begun)]
