"""5,000 hostile values for what netsh and sc are given: refused, or exactly one argument equal to the input, and no
other process is started (docs/reliability.md)."""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents import catalogue
from agents.errors import StepError
from agents.hosts import netsh, netsh_text, program, sc

VALUES = 5_000
GOOD_HASH, GOOD_ID = "AB" * 20, catalogue.APPID
_EVENTS = frozenset(
    ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile", "os.forkpty")
)
_others: list[str] = []
_watching = False


def _audit(event: str, _: object) -> None:
    if _watching and event in _EVENTS:
        _others.append(event)


sys.addaudithook(_audit)  # cannot be taken away again; _watching says when it counts

_NASTY = (
    "& calc", "&& calc", "| calc", "|| calc", "; calc", "\n calc", "\r\ncalc", "`calc`", "$(calc)", "%COMSPEC%", "!PATH!",
    "^&calc", '"', "'", '" & calc "', "' ; calc '", "\\", '\\"', "-enc", "/?", "/c calc", "--help", "=", " x=y", "\tx", "\0",
    "\u200e", "\u202e", "\ufeff", "\u2028", "{{7*7}}", "<img>", "..\\..\\x", "../x", "C:\\x", "\\\\host\\share", "é", "\u0661",
    "\uff11", "\ud800",
    "a" * 300, "*", "?", "()", "[]", "[::1]", "@", "#", "~", ">x", "<x", "2>&1", " ", "", "\x1b[31m", "\x7f",
    "'--", "%0a", "http://", "+:", ":",
)  # fmt: skip
_SEEDS = {
    "url": ["http://+:10101/", "https://*:10101/netpos/", "https://till.example:443/a/", "http://[::1]:8080/"],
    "endpoint": ["0.0.0.0:10101", "[::]:443", "10.0.0.5:65535"],
    "certhash": [GOOD_HASH, "0123456789ABCDEF0123456789ABCDEF01234567"],
    "appid": [GOOD_ID, "{4dc3e181-e14b-4a21-b022-59fc669b0914}"],
    "sddl": ["D:(A;;GX;;;WD)", "D:(A;;GA;;;S-1-5-80-1-2-3)"],
    "store": ["MY", "WebHosting"],
    "service": ["NetPOSNet", "SwiftPOS Services Monitor", "MSSQL$POS"],
    "start type": ["auto", "disabled"],
}


def _binding(**changes: str) -> netsh_text.Binding:
    values = {"endpoint": "0.0.0.0:10101", "certhash": GOOD_HASH, "appid": GOOD_ID, "store": "MY"} | changes
    return netsh_text.Binding(**values)  # type: ignore[arg-type]


_CALLS: dict[str, Callable[[str], Awaitable[Any]]] = {
    "url": lambda value: netsh.add_reservation(value, "D:(A;;GX;;;WD)"),
    "endpoint": lambda value: netsh.add_binding(_binding(endpoint=value)),
    "certhash": lambda value: netsh.add_binding(_binding(certhash=value)),
    "appid": lambda value: netsh.add_binding(_binding(appid=value)),
    "sddl": lambda value: netsh.add_reservation("http://+:10101/", value),
    "store": lambda value: netsh.add_binding(_binding(store=value)),
    "service": sc.query,
    "start type": lambda value: sc.set_start_type("NetPOSNet", value),
}
_NAMES = {
    "url": "url=",
    "endpoint": "ipport=",
    "certhash": "certhash=",
    "appid": "appid=",
    "sddl": "sddl=",
    "store": "certstorename=",
}


class _Nothing:
    """A program that says nothing and succeeds."""

    returncode = 0

    async def communicate(self) -> tuple[bytes, None]:
        return b"", None


def _hostile(rng: random.Random, kind: str) -> str:
    """A good value with something nasty in it, before it, behind it or instead of it; or only noise."""
    good, bad = rng.choice(_SEEDS[kind]), rng.choice(_NASTY)
    at = rng.randrange(len(good) + 1)
    noise = "".join(chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x2FFF)))) for _ in range(rng.randrange(1, 60)))
    return rng.choice((good[:at] + bad + good[at:], bad + good, good + bad, bad, good[:at] + rng.choice(_NASTY), noise, good))


def test_hostile_values_never_become_more_than_one_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no value is refused before anything runs; what runs has the value as one whole argument."""
    global _watching
    ran: list[tuple[str, ...]] = []

    async def record(*arguments: str, **_: Any) -> _Nothing:
        ran.append(arguments)
        return _Nothing()

    monkeypatch.setattr(program, "_find", lambda name: f"/windows/{name}.exe")
    monkeypatch.setattr(program.asyncio, "create_subprocess_exec", record)  # type: ignore[attr-defined]
    rng = random.Random(12)
    kinds = list(_CALLS)
    refused = passed = 0

    async def all_of_them() -> None:
        nonlocal refused, passed
        for number in range(VALUES):
            kind = kinds[number % len(kinds)]
            value = _hostile(rng, kind)
            ran.clear()
            try:
                await _CALLS[kind](value)
            except StepError as error:
                if error.finding.code == "value_refused":
                    refused += 1
                    assert not ran, f"{kind} {value!r} was refused after {ran}"
                    continue
            passed += 1
            assert ran, f"{kind} {value!r} was neither refused nor passed on"
            whole = _NAMES.get(kind, "") + value
            assert ran[0].count(whole) == 1, f"{kind} {value!r} became {ran[0]}"
            assert all(argument.isprintable() and '"' not in argument for argument in ran[0]), f"{kind} {value!r}"
            assert kind == "url" or value.isascii(), f"{kind} {value!r}"  # a prefix is Unicode, and nothing else here

    _watching = True
    try:
        asyncio.run(all_of_them())
    finally:
        _watching = False
    assert not _others, "another process was started"
    assert refused > 3_000, "the values are not hostile enough to show anything"
    assert passed > 500, "the grammar refuses what Windows needs"


@pytest.mark.parametrize("digit", ["\u0661", "\uff11", "\u0967", "\u00b9"])
@pytest.mark.parametrize("kind", sorted(_CALLS))
async def test_digits_of_other_scripts_are_refused(kind: str, digit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's \\d and int() take them for digits; Windows does not."""
    monkeypatch.setattr(program, "_find", lambda name: pytest.fail(f"{name} would have been run"))
    values = {"url": f"http://+:1{digit}/", "endpoint": f"0.0.0.0:1{digit}"}
    with pytest.raises(StepError) as caught:
        await _CALLS[kind](values.get(kind, _SEEDS[kind][0][:-1] + digit))
    assert caught.value.finding.code == "value_refused"
