"""What people do to a cutover: submit, approve, start, pause, resume, retry, roll back, cancel."""

import datetime as dt
from typing import Literal

from fleet.models import Cutover
from fleet.services.outcome import Next

Verb = Literal["submit", "approve", "start", "pause", "resume", "retry_failed", "roll_back", "cancel"]


def act(user, cutover_id: int, verb: Verb, now: dt.datetime) -> tuple[Cutover, Next]:  # type: ignore[no-untyped-def]
    """Do it. Raises NotFound, Forbidden where the role may not, Conflict with the reason where the state forbids it."""
    raise NotImplementedError
