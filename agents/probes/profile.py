"""A probe profile as a value: the two requests that prove that a terminal works."""

from dataclasses import dataclass

PLACEHOLDERS = ("member", "terminal", "access_code")
MAX_BYTES = 16 * 1024  # of a profile's text: it is part of every signed instruction


class ProbeError(Exception):
    """A profile, or a request made from one, is not usable. errors: one sentence for each mistake, each with its field."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class JsonValue:
    """One value inside a JSON document."""

    path: tuple[str, ...]
    """Names and list positions from the top down."""
    value: str
    """What must stand there, as text; true, false and null in lower case. Placeholders are filled."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a response must be like. A field that is None is not looked at; there is always at least the status."""

    status: int
    type: str | None = None
    """Media type in lower case, without parameters."""
    contains: str | None = None
    """Text that must occur in the body. Placeholders are filled."""
    matches: str | None = None
    """A pattern (pattern.py) that must be found in the body."""
    json: JsonValue | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """One request, with placeholders, and what its response must be like. Host and port are never part of it: they always
    come from the device's own settings."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: str
    expect: Expectation

    @property
    def texts(self) -> tuple[str, ...]:
        """Every part of the request in which a placeholder may stand."""
        return (self.path, self.body, *(value for _, value in self.headers))

    def uses(self, placeholder: str) -> bool:
        """Whether the value of this placeholder is needed to ask, or to judge the response."""
        judged = (self.expect.contains, self.expect.json.value if self.expect.json else None)
        return any(f"{{{placeholder}}}" in text for text in (*self.texts, *judged) if text)


@dataclass(frozen=True, slots=True)
class ProbeProfile:
    """The two requests of one site's dialect."""

    interfaces: Probe
    """A read that needs no member: the list of interfaces."""
    member: Probe
    """A lookup of the test member."""


@dataclass(frozen=True, slots=True)
class Values:
    """What placeholders are filled with."""

    member: str
    terminal: str
    access_code: str = ""
    """"" where the device's settings profile does not say where it stands."""
