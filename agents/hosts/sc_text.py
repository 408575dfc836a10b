"""Parses what `sc` prints, by numbers only, because some of its labels are translated. Pure functions."""

import re
from dataclasses import dataclass

STOPPED, START_PENDING, STOP_PENDING, RUNNING = 1, 2, 3, 4
START_TYPES = {2: "auto", 3: "demand", 4: "disabled"}

# "3  STOP_PENDING": a number before a word in capitals. The service's type is the first such value in
# every output, its state (query) or start type (qc) the second.
_COUNTED = re.compile(r":\s*([0-9A-Fa-f]{1,3})\s+[A-Z][A-Z0-9_]*\s*(\(.*\))?\s*$", re.MULTILINE)
_HEX = re.compile(r":\s*0x([0-9A-Fa-f]{1,8})\s*$", re.MULTILINE)
_EXIT = re.compile(r":\s*(\d{1,10})\s+\(0x[0-9A-Fa-f]+\)\s*$", re.MULTILINE)
_WHOLE = re.compile(r":\s*(\d{1,10})\s*$", re.MULTILINE)
_ACTION = re.compile(r"\S\s+--\s+\S[^\n]*=\s*\d+")
_NO_ENTRIES = re.compile(r"=\s*0\s*$", re.MULTILINE)
_FAILED = re.compile(r"^\[SC\][^\n]*?\s(\d{1,5})\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Status:
    """A service's status as `sc query` prints it."""

    state: int  # 1 stopped .. 7 paused
    checkpoint: int  # grows while the service makes progress
    hint_s: float  # how many seconds the next progress may take
    exit_code: int  # of its last end


@dataclass(frozen=True, slots=True)
class Service:
    """One installed service."""

    name: str
    display: str  # as Windows shows it to people
    program: str  # path of the program, without its arguments


def parse_status(text: str) -> Status | None:
    """The status in the output of `sc query NAME`; None when it cannot be read."""
    counted = _COUNTED.findall(text)
    tail = [int(number, 16) for number in _HEX.findall(text)]
    exits = [int(number) for number in _EXIT.findall(text)]
    if len(counted) < 2 or not counted[1][0].isdigit() or not 1 <= int(counted[1][0]) <= 7:
        return None
    checkpoint, hint = tail[:2] if len(tail) >= 2 else (0, 0)
    return Status(int(counted[1][0]), checkpoint, hint / 1000, exits[0] if exits else 0)


def parse_start_type(text: str) -> str | None:
    """auto, delayed-auto, demand or disabled, from `sc qc NAME`; None when it cannot be read."""
    counted = _COUNTED.findall(text)
    if len(counted) < 2 or not counted[1][0].isdigit():
        return None
    start_type = START_TYPES.get(int(counted[1][0]))
    return "delayed-auto" if start_type == "auto" and counted[1][1] else start_type


def parse_process(text: str) -> int | None:
    """The process id in the output of `sc queryex NAME`: the first whole number after the wait hint."""
    hints = list(_HEX.finditer(text))
    match = _WHOLE.search(text, hints[1].end()) if len(hints) >= 2 else None
    return int(match[1]) if match else None


def parse_recovery(text: str) -> bool | None:
    """Whether `sc qfailure NAME` lists a recovery action ("RESTART -- Delay = 60000 milliseconds."), in any
    language; None when it cannot be read."""
    if _ACTION.search(text):
        return True
    return False if _WHOLE.search(text) else None  # the reset period is always printed


def parse_names(text: str) -> tuple[str, ...] | None:
    """The services in the output of `sc enumdepend NAME` or `sc query state= all`: each is a paragraph with its state, its
    name first. None when it cannot be read."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        first, _, rest = paragraph.strip().partition("\n")
        if _COUNTED.search(rest) and ":" in first:
            found.append(first.partition(":")[2].strip())
    return tuple(found) if found or _NO_ENTRIES.search(text) else None


def parse_program(name: str, text: str) -> Service | None:
    """The program and the shown name in the output of `sc qc NAME`. Behind the type, the start type and the error control,
    which are numbers with a word, come program, group, tag and shown name. None when it cannot be read."""
    counted = list(_COUNTED.finditer(text))
    if len(counted) < 3:
        return None
    lines = text[counted[2].end() :].splitlines()
    values = [line.partition(":")[2].strip() for line in lines if ":" in line]
    if len(values) < 4:
        return None
    return Service(name, values[3], _program(values[0]))


def _program(command: str) -> str:
    """The program of a command line. Without quotes it ends behind .exe, because the path may have blanks."""
    if command.startswith('"'):
        return command[1:].partition('"')[0]
    match = re.match(r".*?\.exe(?=\s|$)", command, re.IGNORECASE)
    return match[0] if match else command


def error_number(text: str) -> int | None:
    """The number of a failed command ("[SC] ControlService FAILED 1062:"); None when it did not fail."""
    match = _FAILED.search(text)
    return int(match[1]) if match else None
