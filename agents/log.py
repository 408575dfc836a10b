"""Log lines that a program can read and that nobody can forge: one line for each event, text from other systems escaped."""

import logging
import re
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES, OLD_FILES = 5 * 1024 * 1024, 3
LONGEST_SAID = 200

# Control characters, line separators, and marks that change the direction of text.
_UNSAFE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape(text: str) -> str:
    """The text with everything that could break or disguise a line written as \\uXXXX."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def said(text: object) -> str:
    """Text from another system, or an error that may quote it, for use in a log line: escaped and shortened."""
    whole = escape(str(text))
    return whole if len(whole) <= LONGEST_SAID else f"{whole[: LONGEST_SAID - 1]}…"


class Formatter(logging.Formatter):
    """`2026-03-01T02:00:00Z INFO agents.runner the message`; a traceback goes into the same line."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"{stamp}.{int(record.msecs):03d}Z {record.levelname} {record.name} {escape(text)}"


class RotatingFile(RotatingFileHandler):
    """FILE is the newest file, FILE.1 the one before, up to FILE.OLD_FILES, each about FILE_BYTES large."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it. Raises OSError."""
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", errors="backslashreplace")

    def doRollover(self) -> None:
        """On Windows a file that somebody reads cannot be renamed. Until it can, the file grows, and no line is lost."""
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()


def to_stderr(level: int = logging.INFO) -> None:
    """Send all log lines of this process to standard error."""
    _to(logging.StreamHandler(sys.stderr), level)


def to_file(path: Path, level: int = logging.INFO) -> None:
    """Send all log lines to this file instead, because a program that Windows starts has no standard error. Raises OSError."""
    _to(RotatingFile(path), level)


def _to(handler: logging.Handler, level: int) -> None:
    handler.setFormatter(Formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("websockets").setLevel(logging.WARNING)
