"""Bearer tokens for scripts. The token itself is shown once; only its SHA-256 is kept."""

import datetime as dt
import hashlib
from typing import Any

from django.db.models import Q

from fleet.models import ApiToken
from fleet.services import clock
from fleet.services.errors import Invalid
from fleet.services.text import letters_and_digits, why_not

PREFIX = "tw_"  # so that a token found in a log or a repository tells what it opens
LONGEST = 200
USE_NOTED_EVERY = dt.timedelta(minutes=1)


def create(user: Any, name: str = "") -> str:
    """Make a token for this user and return it; it cannot be shown again. Raises Invalid for an unfit name."""
    if why := why_not(name, longest=100):
        raise Invalid(("name", why))
    token = PREFIX + letters_and_digits(43)
    ApiToken.objects.create(user=user, name=name, digest=_digest(token))
    return token


def find(token: str) -> Any:
    """The active user whose token this is, or None. The lookup is by digest, so its time tells nothing
    about how much of a guess was right."""
    if not token.isascii() or not 0 < len(token) <= LONGEST:
        return None
    row = ApiToken.objects.select_related("user").filter(digest=_digest(token)).first()
    if row is None or not row.user.is_active:
        return None
    _note_use(row)
    return row.user


def _note_use(row: ApiToken) -> None:
    """At most once a minute: a script that polls must not turn every read into a write."""
    now = clock.now()
    before = now - USE_NOTED_EVERY
    if row.last_used_at is not None and row.last_used_at > before:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
