"""The section [restart] of a profile: every mistake is named, with what would be right; a server has none."""

from typing import Any

import pytest
from profile_samples import values

from agents.catalogue import Restart
from agents.profiles import validator
from agents.profiles.profile import ProfileError
from agents.profiles.restart import NEVER, TouchRestart

GOOD = {"how": "program", "name": "Touch.exe", "start": "C:\\Program Files (x86)\\Samford Software\\Touch.exe"}

WRONG: dict[str, tuple[Any, str, str]] = {
    "no section": ("never", "restart", "write a section [restart]"),
    "how missing": ({}, "restart.how", "is missing; write never, program or reboot"),
    "how unknown": ({"how": "kill"}, "restart.how", "write never, program or reboot"),
    "how no text": ({"how": True}, "restart.how", "write never, program or reboot"),
    "limit too short": ({**GOOD, "limit_s": 4}, "restart.limit_s", "from 5 to 600"),
    "limit too long": ({**GOOD, "limit_s": 601}, "restart.limit_s", "from 5 to 600"),
    "limit a truth": ({**GOOD, "limit_s": True}, "restart.limit_s", "from 5 to 600"),
    "limit a fraction": ({**GOOD, "limit_s": 30.5}, "restart.limit_s", "from 5 to 600"),
    "name missing": ({**GOOD, "name": None}, "restart.name", "is missing"),
    "name a path": ({**GOOD, "name": "C:\\Touch.exe"}, "restart.name", "as Task Manager shows it"),
    "name with a star": ({**GOOD, "name": "*.exe"}, "restart.name", "as Task Manager shows it"),
    "name empty": ({**GOOD, "name": " "}, "restart.name", "as Task Manager shows it"),
    "start missing": ({**GOOD, "start": None}, "restart.start", "absolute path"),
    "start relative": ({**GOOD, "start": "Touch.exe"}, "restart.start", "absolute path"),
    "start without a drive": ({**GOOD, "start": "\\Touch.exe"}, "restart.start", "absolute path"),
    "start on a drive only": ({**GOOD, "start": "C:Touch.exe"}, "restart.start", "absolute path"),
    "start a folder": ({**GOOD, "start": "C:\\Touch\\"}, "restart.start", "absolute path"),
    "start a script": ({**GOOD, "start": "C:\\Touch.bat"}, "restart.start", ".exe"),
    "start with a quote": ({**GOOD, "start": 'C:\\"x".exe'}, "restart.start", "absolute path"),
    "start of two lines": ({**GOOD, "start": "C:\\a\nb.exe"}, "restart.start", "absolute path"),
    "arguments one text": ({**GOOD, "arguments": "/a /b"}, "restart.arguments", "one for each argument"),
    "arguments numbers": ({**GOOD, "arguments": [1]}, "restart.arguments", "texts of one line"),
    "arguments too many": ({**GOOD, "arguments": ["x"] * 21}, "restart.arguments", "at most 20"),
    "arguments too long": ({**GOOD, "arguments": ["x" * 1001]}, "restart.arguments", "texts of one line"),
    "arguments with a zero": ({**GOOD, "arguments": ["a\0b"]}, "restart.arguments", "texts of one line"),
    "kill a text": ({**GOOD, "kill": "yes"}, "restart.kill", "in the middle of a sale"),
    "unknown": ({**GOOD, "stop": "x"}, "restart.stop", "[restart] has arguments, how, kill, limit_s, name, start"),
    "start for a reboot": ({"how": "reboot", "start": "C:\\T.exe"}, "restart.start", 'only for how = "program"'),
    "kill without a restart": ({"how": "never", "kill": True}, "restart.kill", 'only for how = "program"'),
}  # fmt: skip


def parse(section: Any) -> TouchRestart:
    if isinstance(section, dict):
        section = {name: value for name, value in section.items() if value is not None}
    return validator.parse({**values(), "restart": section}).restart


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_names_its_field_and_what_would_be_right(name: str) -> None:
    section, field, advice = WRONG[name]
    with pytest.raises(ProfileError) as caught:
        parse(section)
    (error,) = caught.value.errors
    assert error.startswith(f"{field}: ")
    assert advice in error


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ProfileError) as caught:
        parse({"how": "program", "limit_s": 0, "kill": 1, "arguments": 3, "color": "red"})
    fields = [error.partition(":")[0] for error in caught.value.errors]
    assert fields == [f"restart.{name}" for name in ("limit_s", "name", "start", "arguments", "kill", "color")]


def test_good_sections_are_read() -> None:
    assert validator.parse(values()).restart == NEVER
    assert parse({"how": "never"}) == NEVER
    assert parse({"how": "never", "name": "Pos.exe"}) == TouchRestart(name="Pos.exe")
    assert parse({"how": "reboot", "limit_s": 600}) == TouchRestart("reboot", 600)
    whole = parse({**GOOD, "limit_s": 5, "arguments": ["/site", "Bar 1", ""], "kill": True})
    assert whole == TouchRestart("program", 5, GOOD["name"], GOOD["start"], ("/site", "Bar 1", ""), True)
    assert parse({**GOOD, "start": "/opt/touch"}).start == "/opt/touch"


def test_what_the_dashboard_must_know_of_it() -> None:
    assert NEVER.told is None
    assert parse({**GOOD, "limit_s": 30}).told == Restart("program", 30)
    assert parse({"how": "reboot"}).told == Restart("reboot", 60)


def test_a_server_has_no_touch() -> None:
    data = {name: value for name, value in values(role="server").items() if name != "host"}
    with pytest.raises(ProfileError) as caught:
        validator.parse({**data, "restart": GOOD})
    assert caught.value.errors == [
        "restart: is not a field of this profile; its fields are access_code, file, format, port, role, switch"
    ]
