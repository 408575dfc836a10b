"""Parses what `netsh http show` prints, by the shape of the values and never by a label: labels are translated, and columns,
blank lines and titles differ between versions of Windows. Pure functions."""

import ipaddress
import re
from dataclasses import dataclass

from agents.hosts.netsh_lines import INVISIBLE, NARROWEST, clean, lines_of, stripped, value_of, whole_value

_ENDPOINT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[\w*](?:[\w.-]*\w)?):([0-9]{1,5})")
_NUMBER = re.compile(r"[0-9]{1,5}")
# What a row of the Central Certificate Store has in place of a hash: nothing, a word for "none", or zeros.
_NO_HASH = re.compile(r"[-\u2013\u2014]*|[(<][^\W\d]{0,16}[)>]|0{40}")
_HASH = re.compile(r"[0-9A-Fa-f]{40}")
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
# After the port, anything may follow: a path is Unicode, with blanks and braces.
_URL = re.compile(r"(https?)://\s*(\[[^\s\]]+\]|[^\s:/\[\]]+):([0-9]{1,5})((?:[:/].*)?)", re.IGNORECASE)
# An access list may have no entries (D:P).
_SDDL = re.compile(r"[ODGS]:\S*\(|(?:O:[A-Z0-9-]+)?(?:G:[A-Z0-9-]+)?D:(?:P|AR|AI|NO_ACCESS_CONTROL)*$")
_RULED, _SHORTEST_RULE = re.compile(r"[-=─]+"), 3
_ERROR = re.compile(r"(?::\s|\uff1a)\s*(\d{1,5})\s*$", re.MULTILINE)
_BLANK_BEFORE_HOST = re.compile(r"//\s+")
# In characters: a host name with its port; the longest access list that Windows accepts.
_LONGEST_OF_BINDING, _LONGEST_OF_RESERVATION = 320, 200_000
_BROKEN_NUMBER = re.compile(rf"^(.{{{NARROWEST - 1},}}\d)\r?\n(?=\d{{1,4}}\s*$)", re.MULTILINE)
CENTRAL = "CCS:"


@dataclass(frozen=True, slots=True)
class Binding:
    """One certificate binding."""

    endpoint: str  # ADDRESS:PORT or NAME:PORT; CCS:PORT for the Central Certificate Store
    certhash: str | None  # 40 upper-case hex digits; None if it cannot be read, and for the central store, which has none
    appid: str | None
    store: str | None

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    @property
    def central(self) -> bool:
        """Whether http.sys takes the certificate for this port from the Central Certificate Store."""
        return self.endpoint.startswith(CENTRAL)


@dataclass(frozen=True, slots=True)
class Reservation:
    """One URL reservation."""

    url: str
    sddl: str | None  # the access list; None if the output ended before it

    @property
    def scheme(self) -> str:
        return self.url.partition(":")[0].lower()

    @property
    def port(self) -> int:
        match = _URL.fullmatch(self.url)
        return int(match[3]) if match else 0


@dataclass(frozen=True, slots=True)
class Bindings:
    """The result of parse_sslcert()."""

    rows: tuple[Binding, ...]
    certain: bool  # False if the text was not understood, or a row's hash could not be read


@dataclass(frozen=True, slots=True)
class Reservations:
    """The result of parse_urlacl()."""

    rows: tuple[Reservation, ...]
    certain: bool  # False if the text was not understood


def parse_sslcert(text: str) -> Bindings:
    """The bindings in the output of `netsh http show sslcert`."""
    values = _values(text)
    central = _central(values)
    before: list[str] = []
    rows: list[list[str]] = []
    for place, value in enumerate(values):
        if place in central:
            rows.append([f"{CENTRAL}{int(value)}"])
        elif _is_endpoint(value):
            rows.append([value])
        else:
            (rows[-1] if rows else before).append(value)
    bindings = tuple(_binding(row) for row in rows)
    understood = not any(map(_GUID.fullmatch, before)) and all(map(_is_understood, rows))
    certain = understood and all(row.certhash or row.central for row in bindings)
    return Bindings(bindings, certain if bindings else _is_empty(text))


def parse_urlacl(text: str) -> Reservations:
    """The reservations in the output of `netsh http show urlacl`. A prefix is not cleaned: its path may contain
    blanks and invisible characters."""
    rows: list[Reservation] = []
    lines = lines_of(text)
    for number in range(len(lines)):
        value, more = whole_value(lines, number, _is_of_reservation, _LONGEST_OF_RESERVATION)
        if value is None:
            continue
        if (match := _URL.fullmatch(value)) and 1 <= int(match[3]) <= 65535:
            rows.append(Reservation(_BLANK_BEFORE_HOST.sub("//", value, count=1), None))
        elif rows and rows[-1].sddl is None and _SDDL.match(bare := value.translate(INVISIBLE)):
            rows[-1] = Reservation(rows[-1].url, bare if more else _unwrap(bare, lines[number + 1 :]))
    return Reservations(tuple(rows), bool(rows) or _is_empty(text))


def parse_iplisten(text: str) -> tuple[str, ...] | None:
    """The addresses in the output of `netsh http show iplisten`, each on a line of its own; None if the text was not
    understood."""
    found = tuple(line.strip() for line in clean(text).splitlines() if _is_address(line.strip()))
    return found if found or _is_empty(text) else None


def error_number(text: str) -> int | None:
    """The Windows error number at a line's end in the output of a command that changes something ("... Error: 183"). None means
    success, or an error without a number."""
    match = _ERROR.search(_BROKEN_NUMBER.sub(r"\1", clean(text)))
    return int(match[1]) if match else None


def _central(values: list[str]) -> set[int]:
    """The indexes at which a row of the Central Certificate Store begins. Its endpoint is a bare port, and other properties are
    bare numbers, too. The difference is the GUID that follows right after the place of the hash."""
    found: set[int] = set()
    for place in (place for place, value in enumerate(values) if _GUID.fullmatch(value)):
        before = ["", "", *values[:place]][-2:]
        if any(map(_is_endpoint, before)):
            continue
        if _is_port(before[0]) and (_NO_HASH.fullmatch(_joined(before[1])) or not _HASH.fullmatch(_joined(before[1]))):
            found.add(place - 2)
        elif _is_port(before[1]):
            found.add(place - 1)
    return found


def _is_understood(values: list[str]) -> bool:
    """Whether this row is unambiguous. A second GUID belongs to another row, whose endpoint was not recognized. In a row of the
    central store there must be no hash."""
    places = [place for place, value in enumerate(values) if _GUID.fullmatch(value)]
    if len(places) > 1:
        return False
    if not values[0].startswith(CENTRAL):
        return True
    return places == [1] or _NO_HASH.fullmatch(_joined(values[1])) is not None


def _is_endpoint(value: str) -> bool:
    match = _ENDPOINT.fullmatch(value)
    return match is not None and 1 <= int(match[2]) <= 65535


def _is_port(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None and 1 <= int(value) <= 65535


def _joined(value: str) -> str:
    return re.sub(r"\s", "", value)


def _values(text: str) -> list[str]:
    """The values in the output of `show sslcert`."""
    lines = lines_of(clean(text))
    found = (whole_value(lines, number, _is_of_binding, _LONGEST_OF_BINDING) for number in range(len(lines)))
    return [value for value, _ in found if value is not None]


def _is_of_binding(value: str) -> bool:
    """Whether it is an endpoint, a port, a hash (which may contain blanks), or a GUID."""
    shapes = (_ENDPOINT, _NUMBER, _GUID)
    return any(shape.fullmatch(value) for shape in shapes) or _HASH.fullmatch(_joined(value)) is not None


def _is_of_reservation(value: str) -> bool:
    """Whether it is a complete URL, which ends with a slash, or a complete access list."""
    if _URL.fullmatch(value):
        return value.endswith("/")
    return _SDDL.match(value) is not None and value.endswith(")") and " " not in value and value.count("(") == value.count(")")


def _binding(values: list[str]) -> Binding:
    """A row made from its values. The first hash and the first GUID count; those that follow are other properties."""
    places = [place for place, value in enumerate(values) if _GUID.fullmatch(value)]
    head = values[1:] if not values[0].startswith(CENTRAL) else []
    hashes = [joined for value in head if _HASH.fullmatch(joined := _joined(value))]
    store = values[places[0] + 1] if places and places[0] + 1 < len(values) else None
    return Binding(
        endpoint=values[0],
        certhash=hashes[0].upper() if hashes else None,
        appid=values[places[0]] if places else None,
        store=None if store in (None, "", "(null)") else store,
    )


def _unwrap(sddl: str, following: list[str]) -> str | None:
    """A security descriptor that was broken into lines, joined; None if its end is missing."""
    for line in following:
        more = stripped(line).translate(INVISIBLE)
        if sddl.count("(") == sddl.count(")") and not more.startswith("("):
            break
        if value_of(line) is not None or not more:
            return sddl if more == "" and sddl.count("(") == sddl.count(")") else None
        sddl += more
    return sddl if sddl.count("(") == sddl.count(")") else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _is_empty(text: str) -> bool:
    """Whether it is a list without rows: nothing at all, or only a title above a ruled line. Either may be broken into several
    lines if it is longer than the console is wide."""
    lines = [line.strip() for line in clean(text).splitlines() if line.strip()]
    titles = [line for line in lines if not _RULED.fullmatch(line)]
    rules = lines[len(titles) :]
    if not lines:
        return True
    whole = lines[: len(titles)] == titles and bool(titles) and bool(rules) and len(rules[0]) >= _SHORTEST_RULE
    return whole and all(len(title) >= NARROWEST for title in titles[:-1])
