"""Asking the strict library without believing in its manners: what it cannot read it refuses in many ways."""

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Refused(ValueError):
    """The library cannot read it; the text is its own."""


def ask(read: Callable[[], Value]) -> Value:
    """What the library answers. Raises Refused for everything that it raises, a panic of its Rust included, so that
    no certificate is a fault of ours."""
    try:
        return read()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # A panic in the library's Rust is no Exception.
        raise Refused(str(error) or type(error).__name__) from error
