"""Retries for files that another program has open. Windows may then refuse to replace, remove or even read them. Virus scanners
and indexers open every new file for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_USER_MAPPED_FILE; and ERROR_ACCESS_DENIED, which Windows returns for
# replacing an open file, and also for what is never allowed.
_OPEN_ELSEWHERE, _DENIED = frozenset((32, 33, 1224)), 5
# The retries block the whole agent. Reading happens often, and is repeated later anyway, so it has fewer.
READING_S, WRITING_S = (0.01, 0.04, 0.1, 0.2), (0.01, 0.04, 0.1, 0.25, 0.5, 1.0, 1.0)


def reading(act: Callable[[], T]) -> T:
    """The result of act(), repeated for about 0.3 s while another program has the file open. Raises its last OSError."""
    return _patiently(act, READING_S, _OPEN_ELSEWHERE)


def writing(act: Callable[[], T]) -> T:
    """The same for replacing and removing, for about 3 s."""
    return _patiently(act, WRITING_S, _OPEN_ELSEWHERE | {_DENIED})


def _patiently(act: Callable[[], T], pauses_s: tuple[float, ...], passing: frozenset[int]) -> T:
    for pause_s in pauses_s:
        try:
            return act()
        except OSError as error:
            if getattr(error, "winerror", None) not in passing:
                raise
        time.sleep(pause_s)
    return act()
