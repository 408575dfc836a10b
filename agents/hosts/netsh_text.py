"""What `netsh http show` prints, read by the shape of the values and never by a label: labels are translated,
columns, blank lines and titles differ between versions of Windows. Pure functions."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

# Direction marks, joiners and a byte-order mark: they come along when a thumbprint is copied from a dialog.
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF, 0xAD])
# The last colon that is followed by a blank parts label and value; a full-width colon needs no blank.
_PART = re.compile(r":\s|\uff1a")
_ENDPOINT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9*](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(\d{1,5})")
_HASH = re.compile(r"[0-9A-Fa-f]{40}")
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_URL = re.compile(r"(https?)://\s*(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})(/\S*)?")
_SDDL = re.compile(r"[ODGS]:\S*\(")
_RULED, _SHORTEST_RULE = re.compile(r"[-=─]+"), 3
_ERROR = re.compile(r"(?::\s|\uff1a)\s*(\d{1,5})\s*$", re.MULTILINE)
# No console breaks its lines earlier. Longest: a host's name with its port; an access list.
_NARROWEST, _LONGEST_OF_BINDING, _LONGEST_OF_RESERVATION = 60, 320, 2400
_MOST_BREAKS = _LONGEST_OF_RESERVATION // _NARROWEST
_BROKEN_NUMBER = re.compile(rf"^(.{{{_NARROWEST - 1},}}\d)\r?\n(?=\d{{1,4}}\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Binding:
    """One certificate binding. certhash: 40 upper-case hex digits, None where it cannot be read."""

    endpoint: str
    certhash: str | None
    appid: str | None
    store: str | None

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Reservation:
    """One URL reservation. sddl: None where the output was cut before it."""

    url: str
    sddl: str | None

    @property
    def scheme(self) -> str:
        return self.url.partition(":")[0]

    @property
    def port(self) -> int:
        match = _URL.fullmatch(self.url)
        return int(match[3]) if match else 0


@dataclass(frozen=True, slots=True)
class Bindings:
    """certain: False when the text was not understood, or a row's hash could not be read."""

    rows: tuple[Binding, ...]
    certain: bool


@dataclass(frozen=True, slots=True)
class Reservations:
    """certain: False when the text was not understood."""

    rows: tuple[Reservation, ...]
    certain: bool


def parse_sslcert(text: str) -> Bindings:
    """The bindings in the output of `netsh http show sslcert`."""
    rows: list[list[str]] = []
    for value in _values(text):
        if (match := _ENDPOINT.fullmatch(value)) and 1 <= int(match[2]) <= 65535:
            rows.append([value])
        elif rows:
            rows[-1].append(value)
    bindings = tuple(_binding(row) for row in rows)
    certain = all(row.certhash for row in bindings) if bindings else _is_empty(text)
    return Bindings(bindings, certain)


def parse_urlacl(text: str) -> Reservations:
    """The reservations in the output of `netsh http show urlacl`."""
    rows: list[Reservation] = []
    lines = _clean(text).splitlines()
    for number in range(len(lines)):
        value = _whole(lines, number, _is_of_reservation, _LONGEST_OF_RESERVATION)
        if value is None:
            continue
        if (match := _URL.fullmatch(value)) and 1 <= int(match[3]) <= 65535:
            rows.append(Reservation(re.sub(r"\s", "", value), None))
        elif rows and rows[-1].sddl is None and _SDDL.match(value):
            rows[-1] = Reservation(rows[-1].url, _unwrap(value, lines[number + 1 :]))
    return Reservations(tuple(rows), bool(rows) or _is_empty(text))


def parse_iplisten(text: str) -> tuple[str, ...] | None:
    """The addresses in the output of `netsh http show iplisten`, each on a line of its own; None when the text was not
    understood."""
    found = tuple(line.strip() for line in _clean(text).splitlines() if _is_address(line.strip()))
    return found if found or _is_empty(text) else None


def error_number(text: str) -> int | None:
    """The Windows error number in what a changing command printed ("... Error: 183"), by its place at a
    line's end; None where there is none, which is success or an error without number."""
    match = _ERROR.search(_BROKEN_NUMBER.sub(r"\1", _clean(text)))
    return int(match[1]) if match else None


def _clean(text: str) -> str:
    return text.translate(_INVISIBLE).replace("\u00a0", " ").replace("\u202f", " ")


def _value(line: str) -> str | None:
    parts = _PART.split(line.rstrip() + " " if line.rstrip().endswith(":") else line.rstrip())
    return parts[-1].strip() if len(parts) > 1 else None


def _values(text: str) -> list[str]:
    """The values in the output of `show sslcert`."""
    lines = _clean(text).splitlines()
    found = (_whole(lines, number, _is_of_binding, _LONGEST_OF_BINDING) for number in range(len(lines)))
    return [value for value in found if value is not None]


def _whole(lines: list[str], number: int, wanted: Callable[[str], bool], longest: int) -> str | None:
    """This line's value: joined with the lines that it was broken over, if so it is one that is looked for. The
    longest counts, because an address, a path or an access list that is cut may look whole."""
    line = lines[number]
    value = _value(line)
    if value is None or len(line) < _NARROWEST:
        return value
    tails = [""]
    for more in lines[number + 1 : number + 1 + _MOST_BREAKS]:
        if not more.strip() or len(tails[-1]) + len(more) > longest or _value(more) is not None:
            break
        tails.append(tails[-1] + more)
    for tail in reversed(tails[1:]):
        # The break may have parted the value itself, or "http:" from "//", which looks like a label.
        for joined in ((value + tail).strip(), _value(line + tail)):
            if joined and wanted(joined):
                return joined
    return value


def _is_of_binding(value: str) -> bool:
    """An endpoint, a hash, which may have blanks in it, or a GUID."""
    return bool(_ENDPOINT.fullmatch(value) or _GUID.fullmatch(value) or _HASH.fullmatch(re.sub(r"\s", "", value)))


def _is_of_reservation(value: str) -> bool:
    """A whole URL, which ends with a slash, or a whole access list."""
    if _URL.fullmatch(value):
        return value.endswith("/")
    return _SDDL.match(value) is not None and value.endswith(")") and " " not in value and value.count("(") == value.count(")")


def _binding(values: list[str]) -> Binding:
    """A row from its values. The first hash and the first GUID count: what follows are other properties."""
    hashes = [joined for value in values[1:] if _HASH.fullmatch(joined := re.sub(r"\s", "", value))]
    places = [place for place, value in enumerate(values) if _GUID.fullmatch(value)]
    store = values[places[0] + 1] if places and places[0] + 1 < len(values) else None
    return Binding(
        endpoint=values[0],
        certhash=hashes[0].upper() if hashes else None,
        appid=values[places[0]] if places else None,
        store=None if store in (None, "", "(null)") else store,
    )


def _unwrap(sddl: str, following: list[str]) -> str | None:
    """A security descriptor that was broken over lines, joined; None when it is cut."""
    for line in following:
        if sddl.count("(") == sddl.count(")"):
            break
        if _value(line) is not None or not line.strip():
            return None
        sddl += line.strip()
    return sddl if sddl.count("(") == sddl.count(")") else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _is_empty(text: str) -> bool:
    """Nothing at all, or a title over a ruled line and nothing else: a list without rows. Both may be broken over lines
    where they are longer than a console is wide."""
    lines = [line.strip() for line in _clean(text).splitlines() if line.strip()]
    titles = [line for line in lines if not _RULED.fullmatch(line)]
    rules = lines[len(titles) :]
    if not lines:
        return True
    whole = lines[: len(titles)] == titles and bool(titles) and bool(rules) and len(rules[0]) >= _SHORTEST_RULE
    return whole and all(len(title) >= _NARROWEST for title in titles[:-1])
