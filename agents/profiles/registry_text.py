"""The few registry values that a profile names, as bytes: so steps can save, compare and restore them like a file. A
snapshot is a JSON object, from value name to value. On disk it is only in the agent's journal."""

import json

from agents.profiles import json_text
from agents.profiles.text import Found


def dump(values: dict[str, str | int]) -> bytes:
    """The snapshot of these values."""
    return json.dumps(values, indent=0).encode()


def load(data: bytes) -> dict[str, str | int]:
    """The values of a snapshot."""
    values: dict[str, str | int] = json.loads(data)
    return values


def read(data: bytes, path: str, file: str) -> Found:
    """The value of this name. Raises StepError setting_missing or setting_invalid."""
    return json_text.read(data, _escaped(path), file)


def replace(data: bytes, path: str, value: str, file: str) -> bytes:
    """The snapshot with this value replaced. Raises StepError as read() does."""
    return json_text.replace(data, _escaped(path), value, file)


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")
