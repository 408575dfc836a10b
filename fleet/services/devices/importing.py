"""Imports devices from a CSV file: all of them, or none."""

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from fleet.models import Device, Role, Site, role_of
from fleet.services.agents.enrolment import new_token
from fleet.services.devices import csv_text
from fleet.services.devices.descriptions import Described, check, check_name, tidy_tags
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound

MAX_BYTES = 1_000_000
MAX_ROWS = 10_000
MAX_ERRORS = 100
COLUMNS = ("name", "kind", "note", "tags", "by_hand")
BY_HAND = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}  # words of that column
# The policy of a new site: a rehearsal not older than three days, because certificates and tills change.
REHEARSAL_HOURS = 72


@dataclass(frozen=True, slots=True)
class NewDevice:
    """One row that can be imported."""

    line: int  # of the file
    name: str
    kind: str
    note: str
    tags: tuple[str, ...]
    by_hand: bool = False  # a person sets it in a cutover


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site that is made together with its first devices."""

    name: str
    zone: str
    two_persons: bool


def parse(text: str, site: Site) -> list[NewDevice]:
    """The devices in this CSV. Raises Invalid with pairs of field and message; a field is, for example, "line 3, kind"."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise Invalid(("file", f"is larger than {MAX_BYTES // 1000:,} kB"))
    if "\0" in text:
        raise Invalid(("file", "contains NUL characters: save it as CSV in UTF-8"))
    table = csv_text.read(text, COLUMNS)
    header, rows = _header(table.header), table.rows
    if not rows:
        raise Invalid(("file", "has no rows below its header"))
    if len(rows) > MAX_ROWS:
        raise Invalid(("file", f"has {len(rows):,} rows; at most {MAX_ROWS:,} at a time"))
    return _Checker(site, table.separator).check(header, rows)


def site_of(target: "int | NewSite") -> Site:
    """The site with this id, or a new one that is checked but not saved. Raises Invalid, NotFound."""
    if isinstance(target, int):
        site = Site.objects.filter(pk=target).first()
        if site is None:
            raise NotFound("there is no such site")
        return site
    name = target.name.strip()
    errors = [("site_name", message) for _, message in check_name(name)]
    if Site.objects.filter(name=name).exists():
        errors.append(("site_name", "is the name of another site"))
    if target.zone not in zoneinfo.available_timezones():
        errors.append(("zone", f"{target.zone[:40]!r} is not an IANA time zone, such as Australia/Sydney"))
    if errors:
        raise Invalid(*errors)
    return Site(name=name, zone=target.zone, two_persons=target.two_persons, rehearsal_hours=REHEARSAL_HOURS)


def import_devices(user: Any, target: "int | NewSite", text: str, now: dt.datetime) -> list[tuple[NewDevice, str]]:
    """Create the devices, each with a one-time token for its agent, by which the admin accepts it. The tokens are returned
    once and not kept. Raises Forbidden, NotFound, Invalid, Conflict."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin imports devices")
    site = site_of(target)
    wanted = parse(text, site)
    try:
        with transaction.atomic():
            if site.pk is None:
                site.save()
            devices = [_device(site, row) for row in wanted]
            made = Device.objects.bulk_create(devices, batch_size=500)
            actor = user.get_username()
            return [(row, new_token(device, now, actor=actor)) for row, device in zip(wanted, made, strict=True)]
    except IntegrityError as error:
        raise Conflict("another import was faster: a site or device with one of these names now exists") from error


def _device(site: Site, row: NewDevice) -> Device:
    return Device(site=site, kind=row.kind, name=row.name, note=row.note, tags=list(row.tags), by_hand=row.by_hand)


def _header(row: csv_text.Record) -> list[str]:
    """The column names in lower case. `name` must be among them. Empty ones at the end are dropped: spreadsheets leave them
    where columns were used before."""
    names = [cell.strip().lower() for cell in row.cells]
    while names and not names[-1]:
        names.pop()
    line = f"line {row.line}"
    errors = []
    if "name" not in names:
        errors.append((line, f"the first line must name the columns ({', '.join(COLUMNS)}); the column name is missing"))
    errors += [
        (f"{line}, column {_column(row, n)}", f"unknown column {name[:40]!r}")
        for n, name in enumerate(names)
        if name not in COLUMNS
    ]
    if len(set(names)) < len(names):
        errors.append((line, "a column appears twice"))
    if errors:
        raise Invalid(*errors)
    return names


def _column(row: csv_text.Record, number: int) -> int:
    """The column, as an editor shows it, of the header's cell with this number (from 0)."""
    cell = row.cells[number]
    return csv_text.column_of(row.raw, max(row.raw.find(cell.strip()), 0)) if cell.strip() else 1


class _Checker:
    """Checks every row, so that all errors are reported together."""

    def __init__(self, site: Site, separator: str) -> None:
        self.site, self.separator = site, separator
        here = Device.objects.filter(site_id=site.pk) if site.pk else Device.objects.none()
        self.taken = set(here.values_list("name", flat=True))
        self.has_server = here.filter(kind=Device.Kind.SERVER).exists()
        self.seen: dict[str, int] = {}
        self.errors: list[tuple[str, str]] = []

    def check(self, header: list[str], rows: list[csv_text.Record]) -> list[NewDevice]:
        """The rows as devices. Raises Invalid."""
        out = [self._row(row, header) for row in rows]
        if len(self.errors) > MAX_ERRORS:
            more = len(self.errors) - MAX_ERRORS
            self.errors = [*self.errors[:MAX_ERRORS], ("file", f"and {more} more")]
        if self.errors:
            raise Invalid(*self.errors)
        return out

    def _row(self, row: csv_text.Record, header: list[str]) -> NewDevice:
        line, cells = row.line, row.cells
        if any(cell.strip() for cell in cells[len(header) :]):
            self.errors.append((f"line {line}", f"has {len(cells)} cells, the header {len(header)}"))
        if other := csv_text.other_separator(row, self.separator, len(header)):
            mine = csv_text.SEPARATORS[self.separator]
            self.errors.append((f"line {line}, column {other[0]}", f"has {other[1]} between its cells, the header {mine}"))
        values = dict(zip(header, (c.strip() for c in cells), strict=False))
        name, kind = values.get("name", ""), values.get("kind", "").lower() or "terminal"
        # A cell may have several lines: those of a note are joined to one, and each line of tags is a tag.
        note = " ".join(values.get("note", "").split()) if _has_lines(values.get("note", "")) else values.get("note", "")
        tags = tuple(tidy_tags(re.split(r"[,;\r\n]", values.get("tags", ""))) or ())
        problems = check(Described(name, note, tags))
        if kind not in Device.Kind.values:
            problems.append(("kind", f"is {kind[:20]!r}; it must be server or terminal"))
        by_hand = BY_HAND.get(values.get("by_hand", "").lower())
        if by_hand is None:
            problems.append(("by_hand", f"is {values['by_hand'][:20]!r}; it must be yes or no"))
        elif by_hand and kind == Device.Kind.SERVER:
            problems.append(("by_hand", "is for terminals only"))
        problems += self._doubles(line, name, kind)
        self.errors += [(f"line {line}, {field}", message) for field, message in problems]
        return NewDevice(line, name, kind, note, tags, bool(by_hand))

    def _doubles(self, line: int, name: str, kind: str) -> list[tuple[str, str]]:
        problems = []
        if name and name in self.taken:
            problems.append(("name", f"{name[:40]!r} exists at this site already"))
        if name and name in self.seen:
            problems.append(("name", f"{name[:40]!r} is also on line {self.seen[name]}"))
        self.seen.setdefault(name, line)
        if kind == Device.Kind.SERVER:
            if self.has_server:
                problems.append(("kind", "a site can have only one server"))
            self.has_server = True
        return problems


def _has_lines(text: str) -> bool:
    return "\n" in text or "\r" in text
