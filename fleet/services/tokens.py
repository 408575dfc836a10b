"""Bearer tokens for scripts. The token itself is shown once; only its SHA-256 is kept."""

import datetime as dt
import hashlib
from typing import Any

from django.db.models import Q

from fleet.models import ApiToken
from fleet.services import clock
from fleet.services.errors import Invalid
from fleet.services.text import letters_and_digits, why_not

PREFIX = "tw_"  # so that a token which is found in a log or a repository can be recognised
LONGEST = 200  # characters of a token that is looked up at all
USE_NOTED_EVERY = dt.timedelta(minutes=1)


def create(user: Any, name: str = "") -> str:
    """Make a token for this user and return it. It cannot be shown again. Raises Invalid for a name that cannot be stored."""
    if why := why_not(name, longest=100):
        raise Invalid(("name", why))
    token = PREFIX + letters_and_digits(43)
    ApiToken.objects.create(user=user, name=name, digest=_digest(token))
    return token


def find(token: str) -> Any:
    """The active user whose token this is, or None. It is looked up by its digest, so the time that this takes does not
    tell how much of a guess was right."""
    if not token.isascii() or not 0 < len(token) <= LONGEST:
        return None
    row = ApiToken.objects.select_related("user").filter(digest=_digest(token)).first()
    if row is None or not row.user.is_active:
        return None
    _note_use(row)
    return row.user


def _note_use(row: ApiToken) -> None:
    """Write down that the token was used, at most once a minute: a script that polls must not cause a write each time."""
    now = clock.now()
    before = now - USE_NOTED_EVERY
    if row.last_used_at is not None and row.last_used_at > before:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
