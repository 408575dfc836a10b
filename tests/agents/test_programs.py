"""Running real programs, and waiting for services."""

import asyncio
import os
from pathlib import Path

import pytest

from agents import catalogue
from agents.errors import StepError
from agents.hosts import netsh, program, sc
from agents.hosts.netsh_text import Binding
from agents.hosts.program import Output


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def install(name: str, script: str) -> None:
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return install


async def test_arguments_reach_the_program_as_they_are(install) -> None:
    install("netsh", 'for argument in "$@"; do echo "<$argument>"; done; exit 3')
    odd = ["a b", "$(id)", "`id`", ";", "'\"", "*", ""]
    output = await program.run("netsh", *odd)
    assert output == Output(3, "".join(f"<{item}>\n" for item in odd))


async def test_bytes_that_are_no_text_are_replaced_and_errors_are_read_too(install) -> None:
    install("sc", "printf 'a\\377b'; echo c >&2")
    assert (await program.run("sc")).text == "a\ufffdbc\n"


async def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StepError) as caught:
        await program.run("netsh")
    assert caught.value.finding.code == "program_missing"


async def test_a_program_that_hangs_is_named(install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "LIMIT_S", 0.05)
    monkeypatch.setattr(program, "GRACE_S", 0.05)
    install("netsh", "exec sleep 60")
    with pytest.raises(StepError) as caught:
        await program.run("netsh")
    assert caught.value.finding.code == "program_hung"


async def test_a_cancelled_call_waits_for_the_programs_end(install, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    install("netsh", f"touch {tmp_path}/begun; read x < {tmp_path}/gate; touch {tmp_path}/ended")
    call = asyncio.ensure_future(program.run("netsh"))
    gate = await asyncio.to_thread(open, tmp_path / "gate", "w")  # opens when the program has begun to read
    call.cancel()
    await asyncio.to_thread(lambda: (gate.write("x\n"), gate.close()))
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (tmp_path / "ended").exists()


BAD_VALUES = {
    "url": ["http://+:10101", "ftp://+:1/", "http://+:0/", "http://+:65536/", "http://a b:1/", "http://+:1/a", "http://+:1/?a/",
            "http://+:1/\n", 'http://"+":1/', 'http://+:1/"/', "http://+:1/a=b/", "http://+:1/\u200e/", "http://+:1/\ufffd/",
            "http://+:1/\u00a0/", "http://+:1/\\/", "http://+:1:10.0.0.1/", "http://+:1/" + "a" * 32_000 + "/"],
    "sddl": ["", "D:(A;;GX;;;WD) listen=yes", "D:\n", "X:(A)", "D:(A;;GX;;;WD)\"",
             "D:" + "(A;;GX;;;WD)" * 2_700],
    "certhash": ["", "0" * 39, "0" * 41, "g" * 40, "ab" * 20, "\u200e" + "A" * 40, "A" * 40 + "\n"],
    "ipport": ["0.0.0.0", "name:1", "0.0.0.0:0", "0.0.0.0:99999", "0.0.0.0:1 x"],
    "certstorename": ["", "MY x", "MY\n"],
    "appid": ["", "{}", "77ba29fd-9f7a-45b0-8d7e-1ee5d879951b"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_VALUES.items() for value in values])
async def test_values_outside_the_grammar_never_reach_netsh(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    async def never(*arguments: str) -> Output:
        pytest.fail(f"netsh was run with {arguments}")

    monkeypatch.setattr(program, "run", never)
    good = {
        "url": "http://+:1/a.b/c/",
        "sddl": "D:(A;;GX;;;S-1-5-80-1)(A;;GX;;;WD)",
        "certhash": "A" * 40,
        "ipport": "0.0.0.0:1",
    }
    bad = {**good, "certstorename": "MY", "appid": catalogue.APPID, name: value}
    if name in ("url", "sddl"):
        call = netsh.add_reservation(bad["url"], bad["sddl"])
    else:
        call = netsh.add_binding(Binding(bad["ipport"], bad["certhash"], bad["appid"], bad["certstorename"]))
    with pytest.raises(StepError) as caught:
        await call
    assert caught.value.finding.code == "value_refused"


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", 'a"b', "a&b"])
async def test_service_names_outside_the_grammar_never_reach_sc(name: str) -> None:
    with pytest.raises(StepError) as caught:
        await sc.query(name)
    assert caught.value.finding.code == "value_refused"


class Services:
    """`sc query` answers with these (state, checkpoint, hint in ms), the last one again and again."""

    def __init__(self, *states: tuple[int, int, int]) -> None:
        self.states, self.calls = list(states), []

    async def run(self, name: str, *arguments: str) -> Output:
        self.calls.append(arguments[0])
        if arguments[0] != "query":
            return Output(0, "")
        state, checkpoint, hint = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return Output(
            0, f"\n  TYPE : 10  WIN32\n  STATE : {state}  WORD\n  EXIT : 1  (0x1)\n  C : {checkpoint:#x}\n  W : {hint:#x}\n"
        )


@pytest.fixture
def time_flies(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Sleeping costs no time, and moves sc's clock on. Returns what was slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(sc.asyncio, "sleep", sleep)
    monkeypatch.setattr(sc.time, "monotonic", lambda: sum(slept))
    return slept


async def test_stopping_waits_for_the_state_and_polls_by_the_hint(monkeypatch, time_flies: list[float]) -> None:
    services = Services((4, 0, 0), (3, 1, 30_000), (3, 2, 300_000), (3, 3, 0), (1, 0, 0))
    monkeypatch.setattr(program, "run", services.run)
    await sc.stop("x")
    assert services.calls == ["query", "stop", "query", "query", "query", "query"]
    assert time_flies == [3.0, 10.0, 0.1]


async def test_a_service_without_progress_is_given_up_and_never_killed(monkeypatch, time_flies: list[float]) -> None:
    services = Services((4, 0, 0), (3, 1, 2000))
    monkeypatch.setattr(program, "run", services.run)
    with pytest.raises(StepError) as caught:
        await sc.stop("x")
    assert caught.value.finding.code == "service_stuck"
    assert sc.STALL_S < sum(time_flies) < sc.STOP_LIMIT_S
    assert set(services.calls) == {"query", "stop"}


async def test_progress_counts_up_to_the_limit(monkeypatch, time_flies: list[float]) -> None:
    services = Services((1, 0, 0), *((2, number, 100_000) for number in range(1, 100)))
    monkeypatch.setattr(program, "run", services.run)
    with pytest.raises(StepError) as caught:
        await sc.start("x")
    assert caught.value.finding.code == "service_stuck"
    assert sc.START_LIMIT_S < sum(time_flies) < sc.START_LIMIT_S + 20


async def test_a_service_that_ends_while_starting_has_failed(monkeypatch, time_flies: list[float]) -> None:
    monkeypatch.setattr(program, "run", Services((1, 0, 0), (2, 1, 1000), (1, 0, 0)).run)
    with pytest.raises(StepError) as caught:
        await sc.start("x")
    assert caught.value.finding.code == "service_failed_to_start"


async def test_a_service_that_is_starting_is_not_stopped_before_it_has_started(monkeypatch, time_flies: list[float]) -> None:
    services = Services((2, 1, 1000), (2, 2, 1000), (4, 0, 0), (1, 0, 0))
    monkeypatch.setattr(program, "run", services.run)
    await sc.stop("x")
    assert services.calls.index("stop") == 3
