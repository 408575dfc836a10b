"""Profiles for tests, one per format, all of one made-up till."""

from typing import Any

from agents.profiles import validator
from agents.profiles.profile import Profile


def values(form: str = "ini", **changes: Any) -> dict[str, Any]:
    """A profile's TOML as values; `switch_true=...` changes a field inside a section, None removes one."""
    glue = "\\" if form == "registry" else "/"
    root = "Touch/" if form == "xml" else ""
    data: dict[str, Any] = {
        "role": "terminal", "format": form,
        "switch": {"at": f"{root}Customers{glue}Secured", "true": "True", "false": "False"},
        "host": {"at": f"{root}Customers{glue}NetPosHost"},
        "port": {"at": f"{root}Customers{glue}NetPosPort"},
        **({"key": r"HKLM\SOFTWARE\WOW6432Node\Samford"} if form == "registry" else {"file": f"Touch.{form}"}),
    }  # fmt: skip
    for name, value in changes.items():
        section, _, field = name.partition("_")
        place = data.setdefault(section, {}) if field else data
        if value is None:
            del place[field or section]
        else:
            place[field or section] = value
    return data


def profile(form: str = "ini", **changes: Any) -> Profile:
    return validator.parse(values(form, **changes))
