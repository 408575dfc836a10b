"""The dialects by name."""

from agents.lab.dialects.dialect import Dialect
from agents.lab.dialects.opaque import Opaque
from agents.lab.dialects.rest import Rest
from agents.lab.dialects.soap import Soap

_ALL: dict[str, Dialect] = {kind.name: kind() for kind in (Rest, Soap, Opaque)}
NAMES = tuple(_ALL)
DEFAULT = Rest.name


def of(name: str) -> Dialect:
    """The dialect of this name. Raises ValueError for any other."""
    if name not in _ALL:
        raise ValueError(f"{name!r} is none of {', '.join(NAMES)}")
    return _ALL[name]
