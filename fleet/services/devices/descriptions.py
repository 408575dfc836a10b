"""What people write about a device: its name, note and tags, whether a person sets it by hand, and its address or port. All
other facts come from its agent."""

import ipaddress
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from fleet.cutover.states import BEFORE_WINDOW
from fleet.models import Cutover, Device, Role, role_of
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound

MAX_NAME, MAX_NOTE, MAX_TAG = 100, 500, 40  # characters
MAX_TAGS = 20
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Described:
    """New values of what people write. None leaves a field as it is."""

    name: str | None = None
    note: str | None = None
    tags: Sequence[str] | None = None
    by_hand: bool | None = None
    address: str | None = None  # the device's own IP address; "" for none
    port: int | None = None  # on which the server listens, where no agent tells it


def describe(user: Any, device_id: int, words: Described) -> Device:
    """Like update(), for a form: where the name is taken, it raises Invalid for that field instead of Conflict."""
    try:
        return update(user, device_id, words)
    except Conflict as error:
        raise Invalid(("name", "is the name of another device of this site")) from error


def update(user: Any, device_id: int, words: Described) -> Device:
    """Change what people write. Raises Forbidden, NotFound, Invalid with every wrong field, and Conflict if the site has
    another device with that name."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin edits a device")
    if errors := check(words):
        raise Invalid(*errors)
    changes: dict[str, Any] = {"name": words.name and words.name.strip(), "note": words.note, "tags": tidy_tags(words.tags)}
    changes |= {"by_hand": words.by_hand, "address": words.address and tidy_address(words.address)}
    changes |= {"port": words.port}
    try:
        with transaction.atomic():
            device = Device.objects.select_for_update().filter(pk=device_id).first()
            if device is None:
                raise NotFound("there is no such device")
            return _apply(device, {k: v for k, v in changes.items() if v is not None})
    except IntegrityError as error:
        raise Conflict(f"the site has another device named {changes['name']!r}") from error


def _apply(device: Device, changes: dict[str, Any]) -> Device:
    before = device.name
    for field, value in changes.items():
        setattr(device, field, value)
    if changes:
        device.save(update_fields=list(changes))
    if device.name != before:
        _rename_in_plans(device, before)
    return device


def _rename_in_plans(device: Device, before: str) -> None:
    """Plans exclude terminals by name, so an excluded one must be renamed there, too."""
    for plan in Cutover.objects.select_for_update().filter(site=device.site_id, state__in=sorted(BEFORE_WINDOW)):
        if before in plan.exclude:
            plan.exclude = sorted(device.name if n == before else n for n in plan.exclude)
            plan.save(update_fields=["exclude"])


def check(words: Described) -> list[tuple[str, str]]:
    """What is wrong with these values, as pairs of field and message. The import uses it, too."""
    errors: list[tuple[str, str]] = []
    if words.name is not None:
        errors += check_name(words.name.strip())
    if words.note is not None and (len(words.note) > MAX_NOTE or not is_plain(words.note)):
        errors.append(("note", f"must be one line of at most {MAX_NOTE} characters"))
    tags = tidy_tags(words.tags) or []
    if len(tags) > MAX_TAGS:
        errors.append(("tags", f"are more than {MAX_TAGS}"))
    if any(len(t) > MAX_TAG or not is_plain(t) for t in tags):
        errors.append(("tags", f"must each be at most {MAX_TAG} plain characters"))
    if words.address and not tidy_address(words.address):
        errors.append(("address", "must be an IP address, such as 192.168.1.20"))
    if words.port is not None and not 1 <= words.port <= MAX_PORT:
        errors.append(("port", f"must be a whole number from 1 to {MAX_PORT}"))
    return errors


def tidy_address(text: str) -> str:
    """The IP address as it is usually written, or "" for what is none."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    if getattr(address, "scope_id", None):  # another name for an interface of this one machine
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def check_name(name: str) -> list[tuple[str, str]]:
    """Errors of a name. It is shown everywhere and typed into lists, so it must be one line without separators."""
    if not name:
        return [("name", "must not be empty")]
    if len(name) > MAX_NAME:
        return [("name", f"is longer than {MAX_NAME} characters")]
    if not is_plain(name):
        return [("name", "contains a control character")]
    if "," in name:
        return [("name", "must not contain a comma, because commas separate lists of names")]
    return []


def is_plain(text: str) -> bool:
    """Whether there are no control characters, line breaks, direction marks or lone surrogates. With them, a name could
    look like another one."""
    return not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


def tidy_tags(tags: Sequence[str] | None) -> list[str] | None:
    """The tags without blanks and doubles, in the given order."""
    return None if tags is None else list(dict.fromkeys(t.strip() for t in tags if t.strip()))
