"""The section [restart] of a terminal's profile: whether and how Touch is restarted when its settings have been changed. A
Touch that reads its settings only when it starts needs it, and so does one that writes them back when it ends."""

import ntpath
import posixpath
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from agents.catalogue import RESTART_LIMITS_S, Restart

How = Literal["never", "program", "reboot"]
HOWS: tuple[How, ...] = get_args(How)
(LEAST_S, MOST_S), USUAL_S = RESTART_LIMITS_S, 60
MOST_ARGUMENTS, LONGEST = 20, 1000
FIELDS = ("how", "limit_s", "name", "start", "arguments", "kill")
# What Windows does not allow in a file's name, and what would be a folder.
_NAME = re.compile(r'[^<>:"/\\|?*\x00-\x1f]{1,200}')
_OF_PROGRAM = ("name", "start", "arguments", "kill")


@dataclass(frozen=True, slots=True)
class TouchRestart:
    """How Touch is restarted on a terminal."""

    how: How = "never"
    limit_s: int = USUAL_S  # how long closing Touch may take, seconds
    name: str | None = None  # its image name, such as "Touch.exe"; None only where it is not closed
    start: str | None = None  # the absolute path of the program that starts it
    arguments: tuple[str, ...] = ()  # for `start`
    kill: bool = False  # whether a Touch that does not close in time is ended hard

    @property
    def told(self) -> Restart | None:
        """What the dashboard must know of it; None where Touch is not restarted."""
        return None if self.how == "never" else Restart(self.how, self.limit_s)


NEVER = TouchRestart()


def parse(section: object) -> tuple[TouchRestart, list[str]]:
    """The restart that this section of a profile describes, and one line for each mistake, with its field and what would be
    right. With mistakes, the restart is not to be used. section: its TOML value; None: there is none."""
    if section is None:
        return NEVER, []
    if not isinstance(section, dict):
        return NEVER, [f"restart: cannot be {section!r}; write a section [restart]"]
    check = _Check(section)
    how = check.how()
    limit_s = check.limit_s()
    name = check.name(needed=how == "program")
    start, arguments, kill = check.start(needed=how == "program"), check.arguments(), check.kill()
    check.only_for_program(how)
    check.unknown()
    return TouchRestart(how, limit_s, name, start, arguments, kill), check.errors


class _Check:
    """The fields of one section."""

    def __init__(self, section: dict[str, Any]) -> None:
        self.section, self.errors = section, list[str]()

    def how(self) -> How:
        value = self.section.get("how")
        for known in HOWS:
            if value == known:
                return known
        self._wrong("how", value, "write never, program or reboot")
        # So that the fields of a program are not reported as wrong, too.
        return "program" if "start" in self.section else "never"

    def limit_s(self) -> int:
        value = self.section.get("limit_s", USUAL_S)
        if isinstance(value, int) and not isinstance(value, bool) and LEAST_S <= value <= MOST_S:
            return value
        self._wrong("limit_s", value, f"write the seconds that closing Touch may take, from {LEAST_S} to {MOST_S}")
        return USUAL_S

    def name(self, *, needed: bool) -> str | None:
        value = self.section.get("name")
        if value is None and not needed:
            return None
        if isinstance(value, str) and _NAME.fullmatch(value) and value == value.strip(" ."):
            return value
        self._wrong("name", value, 'write the file name of Touch\'s program as Task Manager shows it, such as "Touch.exe"')
        return None

    def start(self, *, needed: bool) -> str | None:
        value = self.section.get("start")
        if value is None and not needed:
            return None
        if isinstance(value, str) and _is_program(value):
            return value
        self._wrong("start", value, "write the absolute path of the .exe that starts Touch, in single quotes")
        return None

    def arguments(self) -> tuple[str, ...]:
        value = self.section.get("arguments", [])
        if isinstance(value, list) and len(value) <= MOST_ARGUMENTS and all(_is_text(item) for item in value):
            return tuple(value)
        advice = f"write a list of at most {MOST_ARGUMENTS} texts of one line, one for each argument"
        self._wrong("arguments", value, advice)
        return ()

    def kill(self) -> bool:
        value = self.section.get("kill", False)
        if isinstance(value, bool):
            return value
        self._wrong("kill", value, "write true only if Touch may be ended in the middle of a sale, else false")
        return False

    def only_for_program(self, how: How) -> None:
        fields = [field for field in _OF_PROGRAM if field != "name" and field in self.section]
        if how != "program":
            self.errors += [f'restart.{field}: is only for how = "program"; leave it out' for field in fields]

    def unknown(self) -> None:
        for field in sorted(set(self.section) - set(FIELDS)):
            known = ", ".join(sorted(FIELDS))
            self.errors.append(f"restart.{field}: is not a field of this profile; [restart] has {known}")

    def _wrong(self, field: str, value: object, advice: str) -> None:
        problem = "is missing" if value is None else f"cannot be {value!r}"
        self.errors.append(f"restart.{field}: {problem}; {advice}")


def _is_program(value: str) -> bool:
    """Whether this is an absolute path to a program, of Windows or of another system. On Windows only to a .exe: Windows would
    give anything else to a shell, with other rules for its arguments. A path without a drive is not absolute there."""
    if not _is_text(value) or value.endswith("/") or '"' in value:
        return False
    drive, rest = ntpath.splitdrive(value)
    return (bool(drive) and rest.startswith(("\\", "/")) and value.lower().endswith(".exe")) or posixpath.isabs(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 <= len(value) <= LONGEST and value.isprintable()
