"""Asking the strict library: it refuses in many ways, which become one exception here."""

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Refused(ValueError):
    """The library cannot read it; the text is the library's."""


def ask(read: Callable[[], Value]) -> Value:
    """The library's answer. Raises Refused for everything that the library raises, also for a panic of its Rust code, so
    that a strange certificate never looks like an error of ours."""
    try:
        return read()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # A panic in the library's Rust code is not an Exception.
        raise Refused(str(error) or type(error).__name__) from error
