"""Printing what a file or a device says, on any console: neither its control characters nor an old code page matter."""

import re
from collections.abc import Iterable
from typing import TextIO

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def show(stream: TextIO, lines: Iterable[str]) -> None:
    """One line each."""
    for line in lines:
        plain = _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", line)
        encoding = stream.encoding or "ascii"
        stream.write(plain.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
