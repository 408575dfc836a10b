"""The values that a message's fields may have, and how a message is built from JSON. Neither side trusts the other's values.

A message with a number out of its bounds is refused as a whole. So such a number never reaches a database column, or the
number by which an agent tells an old instruction from a new one."""

import dataclasses
import functools
import re
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

MOST = 2**40  # for every counter: one step every millisecond for 35 years, and still far below the limit of a database column
MAX_BODY_BYTES = 1024 * 1024  # of an HTTP request or response that an agent reads
MAX_ANSWER_BYTES = 128 * 1024  # of an answer in a rehearsal or to an inquiry, as it is sent
MAX_CHAIN = 10  # certificates that a listener sends, in a rehearsal's probe
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL and UTF-8 cannot store these
T = TypeVar("T")
DAY_MS = 24 * 3600 * 1000


class ProtocolError(Exception):
    """A message that does not follow this protocol. `field` names the part that is wrong. Agent and dashboard both raise it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Within:
    """The bounds of a whole number, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Longest:
    """How many characters a text may have."""

    characters: int
    cut: bool = False  # True: a longer text is cut; False: it is refused


Number = Annotated[int, Within(0, MOST)]
Moment = Annotated[int, Within(946_684_800_000, 7_258_118_400_000)]  # from the year 2000 to the year 2200
Duration = Annotated[int, Within(0, 14 * DAY_MS)]
Port = Annotated[int, Within(0, 65535)]
Count = Annotated[int, Within(0, 1000)]
Version = Annotated[int, Within(0, 2**15)]
Name = Annotated[str, Longest(200)]
Key = Annotated[str, Longest(200)]  # base64 of 32 or 64 bytes
Life = Annotated[str, Longest(64)]
Secret = Annotated[str, Longest(4096)]
Profile = Annotated[str, Longest(16 * 1024)]  # a probe profile in TOML
Place = Annotated[str, Longest(1000)]  # a path or name on a device
Body = Annotated[str, Longest(128 * 1024)]
Words = Annotated[str, Longest(16 * 1024, cut=True)]


def build(cls: type, data: dict[str, Any], path: str = "", *, bound: bool = True) -> object:
    """An instance of the dataclass with these fields. bound: whether bounds are checked. Raises ProtocolError."""
    hints = _hints(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}
    for name in data:
        if name not in known:
            raise ProtocolError(f"{path}{_short(name)}", "is unknown")
    values = {}
    for name, spec in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f"{path}{name}", bound=bound)
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise ProtocolError(f"{path}{name}", "is missing")
    return cls(**values)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _short(name: str) -> str:
    """A field name that the other side sent, made safe for an error message of ours."""
    return name[:40].encode("ascii", "backslashreplace").decode()


def _value(hint: Any, value: Any, path: str, *, bound: bool) -> Any:
    """`value`, if it has the hinted type and is within its bounds. A boolean is not a number. Raises ProtocolError."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        plain = _value(args[0], value, path, bound=bound)
        return _bounded(plain, args[1], path) if bound else plain
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in args:
            return None
        return _value(next(a for a in args if a is not type(None)), value, path, bound=bound)
    if origin is Literal:
        if not isinstance(value, str) or value not in args:
            raise ProtocolError(path, f"must be one of {', '.join(args)}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise ProtocolError(path, "is not a list")
        return tuple(_value(args[0], item, f"{path}[{i}]", bound=bound) for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ProtocolError(path, "is not an object")
        return build(typing.cast(type, hint), value, f"{path}.", bound=bound)
    plain = origin or hint
    if not isinstance(value, plain) or (plain is int and isinstance(value, bool)):
        raise ProtocolError(path, f"is not of type {plain.__name__}")
    return value


def _bounded(value: Any, bound: Within | Longest, path: str) -> Any:
    if isinstance(bound, Within):
        if bound.low <= value <= bound.high:
            return value
        raise ProtocolError(path, f"must be from {bound.low} to {bound.high}")
    if bound.cut:
        return value[: bound.characters]
    if len(value) > bound.characters:
        raise ProtocolError(path, f"is longer than {bound.characters} characters")
    if _NO_TEXT.search(value):
        raise ProtocolError(path, "has a character that cannot be stored")
    return value


def mended(message: T) -> T:
    """The message with every number that is out of its bounds set to the nearest bound."""
    changes = {}
    for name, hint in _hints(typing.cast(type, type(message))).items():
        for bound in getattr(hint, "__metadata__", ()):
            if isinstance(bound, Within):
                changes[name] = min(max(getattr(message, name), bound.low), bound.high)
    return dataclasses.replace(message, **changes)  # type: ignore[type-var]
