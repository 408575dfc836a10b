"""Names, notes and tags that people give to devices."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from fleet.cutover.states import BEFORE_WINDOW
from fleet.models import Cutover, Device, Role, role_of
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound
from fleet.services.text import why_not

MAX_NAME = 100
MAX_NOTE = 500
MAX_TAGS = 20
MAX_TAG = 40


def update(
    user: Any,
    device_id: int,
    *,
    name: str | None = None,
    note: str | None = None,
    tags: Sequence[str] | None = None,
    now: dt.datetime,
) -> Device:
    """Rename, annotate or tag a device; None leaves as it is. Raises NotFound, Forbidden where the role
    may not, Invalid naming every wrong field, Conflict where the site has another device of that name."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin changes a device")
    given = _checked(name, note, tags)
    try:
        with transaction.atomic():
            device = Device.objects.select_for_update().filter(pk=device_id).first()
            if device is None:
                raise NotFound("there is no such device")
            return _apply(device, given)
    except IntegrityError as error:
        raise Conflict(f"the site has another device named {given.get('name')!r}") from error


def _checked(name: str | None, note: str | None, tags: Sequence[str] | None) -> dict[str, Any]:
    """The fields that were given, trimmed. Raises Invalid with everything that is wrong, not only the first."""
    given: dict[str, Any] = {}
    errors: list[tuple[str, str]] = []
    if name is not None:
        given["name"] = name.strip()
        why = "must not be empty" if not given["name"] else why_not(given["name"], longest=MAX_NAME)
        errors += [("name", why)] if why else []
    if note is not None:
        given["note"] = note.strip()
        why = why_not(given["note"], longest=MAX_NOTE, lines=True)
        errors += [("note", why)] if why else []
    if tags is not None:
        given["tags"] = list(dict.fromkeys(tag.strip() for tag in tags))
        errors += _check_tags(tags)
    if errors:
        raise Invalid(*errors)
    return given


def _check_tags(tags: Sequence[str]) -> list[tuple[str, str]]:
    if len(tags) > MAX_TAGS:
        return [("tags", f"are more than {MAX_TAGS}")]
    errors = []
    for i, tag in enumerate(tags):
        why = "must not be empty" if not tag.strip() else why_not(tag.strip(), longest=MAX_TAG)
        errors += [(f"tags[{i}]", why)] if why else []
    return errors


def _apply(device: Device, given: dict[str, Any]) -> Device:
    before = device.name
    for field, value in given.items():
        setattr(device, field, value)
    if given:
        device.save(update_fields=list(given))
    if device.name != before:
        _rename_in_plans(device, before)
    return device


def _rename_in_plans(device: Device, before: str) -> None:
    """A plan excludes terminals by name: under its new name an excluded one must stay excluded."""
    plans = Cutover.objects.select_for_update().filter(site_id=device.site_id, state__in=BEFORE_WINDOW)
    for plan in plans:
        if before in plan.exclude:
            plan.exclude = sorted(device.name if n == before else n for n in plan.exclude)
            plan.save(update_fields=["exclude"])
