"""`python -m agents profile check FILE [--settings PATH]`: shows what a profile finds in a device's settings, and what a
cutover would change there. It changes nothing."""

import argparse
import sys
from pathlib import Path

from agents.commands.console import show
from agents.errors import StepError
from agents.files import Files
from agents.hosts import settings_store
from agents.profiles import validator
from agents.profiles.profile import Profile, ProfileError
from agents.profiles.reading import DEFAULT_TIMEOUT_S, Reading
from agents.profiles.text import REMEDY, Found

# How much of a long line is shown on each side of the value: some JSON is one line of many thousand characters.
_AROUND = 60


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 if all is well, 1 if the profile or the settings have an error, which is printed. Exits with 2
    if the command line is wrong."""
    parser = argparse.ArgumentParser(prog="python -m agents profile", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="show what would be read and changed, and change nothing")
    check.add_argument("file", type=Path, metavar="FILE", help="the profile")
    check.add_argument("--settings", type=Path, metavar="PATH", help="settings file to look at instead of the profile's")
    options = parser.parse_args(arguments)
    try:
        profile = validator.load(options.file)
        if profile.key is not None and options.settings is not None:
            check.error("--settings: this profile reads a registry key, not a file")
        reading = _reading(profile, options.settings or profile.file)
        if wrong := problems(reading):
            return _failed([*wrong, REMEDY])
        lines = report(options.file, profile, reading)
    except ProfileError as error:
        return _failed([f"{options.file}: {line}" for line in error.errors])
    except StepError as error:
        return _failed([str(error), error.finding.remedy])
    show(sys.stdout, lines)
    return 0


def problems(reading: Reading) -> list[str]:
    """All settings that cannot be read, because a new profile is often wrong in several places."""
    found = []
    for read in (reading.secure, *((reading.host,) if reading.profile.host else ()), reading.port, reading.timeout_s):
        try:
            read()
        except StepError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def report(name: Path, profile: Profile, reading: Reading) -> list[str]:
    """What the command prints. Raises StepError when the switch cannot be changed."""
    secure = reading.secure()
    after = Reading(profile, reading.switched(not secure), reading.file)
    old, new = reading.find(profile.switch.at), after.find(profile.switch.at)
    back = after.replaced(profile.switch.at, old.text)
    if back != reading.data:
        raise StepError("setting_invalid", f"{reading.file}: {profile.switch.at} could not be put back", "Correct the profile.")
    scheme, other = ("HTTPS", "HTTP") if secure else ("HTTP", "HTTPS")
    return [
        f"{name}: a {profile.role}'s profile for {profile.format}",
        f"{reading.file}: {len(reading.data)} bytes",
        "",
        *_settings(profile, reading),
        "",
        f"This {profile.role} speaks {scheme}. To make it speak {other}, only this would change:",
        f"  {_where(profile, reading, old.begin)}",
        f"- {_line(reading, old)}",
        f"+ {_line(after, new)}",
        "Changing it back restores every byte. Nothing has been changed.",
    ]


def _settings(profile: Profile, reading: Reading) -> list[str]:
    """One line for each setting: its name, its value, and where it is."""
    rows: list[tuple[str, str | None, object]] = [("switch", profile.switch.at, reading.find(profile.switch.at).text)]
    if profile.host is not None:
        rows.append(("host", profile.host, reading.host()))
    rows.append(("port", profile.port, reading.port()))
    if profile.role == "terminal":
        rows.append(("timeout", profile.timeout, reading.timeout_s()))
    if profile.access_code is not None and (code := reading.access_code()) is not None:
        rows.append(("code", profile.access_code, f"({len(code)} characters; it is not shown)"))
    lines = []
    for name, path, value in rows:
        if path is None:
            lines.append(f"{name:8} {value} (the profile does not name its place; {DEFAULT_TIMEOUT_S} s is Touch's default)")
        else:
            lines.append(f"{name:8} {path} = {value}   {_where(profile, reading, reading.find(path).begin)}")
    if (restart := profile.restart).how == "program":
        lines.append(f"restart  {restart.name} is closed within {restart.limit_s} s, then started: {restart.start}")
    elif restart.how == "reboot":
        lines.append(f"restart  the whole terminal, which may take {restart.limit_s} s to shut down")
    return lines


def _where(profile: Profile, reading: Reading, begin: int) -> str:
    if profile.key is not None:
        return f"in {profile.key}"
    line, column = reading.line_and_column(begin)
    return f"line {line}, column {column}"


def _line(reading: Reading, found: Found) -> str:
    """The line with the value, shortened if it is long."""
    profile = reading.profile
    if profile.key is not None:
        return f"{profile.switch.at} = {reading.data[found.begin : found.end].decode()}"
    before, value, after = reading.line_parts(found.begin, found.end)
    if len(before) > _AROUND:
        before = "..." + before[-_AROUND:]
    if len(after) > _AROUND:
        after = after[:_AROUND] + "..."
    return before + value + after


def _reading(profile: Profile, path: Path | None) -> Reading:
    store = settings_store.of(profile, path, Files())
    try:
        return Reading(profile, store.read(), store.name)
    except OSError as error:
        message = f"{path or store.name}: {error.strerror or error}"
        remedy = "Run this on the device itself, or name another file with --settings PATH."
        raise StepError("settings_unreadable", message, remedy) from error


def _failed(lines: list[str]) -> int:
    show(sys.stderr, lines)
    return 1
