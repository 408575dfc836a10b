"""Promises that more than one lock keeps: here each lock is tried by itself. Found missing by planted bugs."""

import asyncio
from collections.abc import Callable

import pytest
from fake_windows import FakeWindows

from agents.hosts import program
from agents.hosts.host import ServerHost, TerminalHost
from agents.protocol import Finished


async def test_an_order_that_waited_too_long_is_not_begun(
    terminal: TerminalHost, make_driver: Callable, make_instruction: Callable
) -> None:
    before = terminal.config.settings.read_bytes()
    driver = make_driver(terminal)
    driver.runner.submit(make_instruction("terminal", expires_ms=1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(driver.runner.run(), 0.3)
    (finished,) = driver.reports
    assert isinstance(finished, Finished)
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "expired", True)
    assert terminal.config.settings.read_bytes() == before


async def test_the_monitor_is_disabled_and_stopped_whenever_the_service_is(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor, seen = windows.services["Monitor"], []

    async def run(name: str, *arguments: str) -> program.Output:
        if arguments in (("stop", "NetPOSNet"), ("start", "NetPOSNet")):
            seen.append((arguments[0], monitor.state, monitor.start_type))
        return await windows.run(name, *arguments)

    monkeypatch.setattr(program, "run", run)
    driver = make_driver(server)
    assert (await driver.do(make_instruction())).outcome == "done"
    assert (await driver.do(make_instruction(seq=2, epoch=2, action="undo"))).outcome == "done"
    assert seen == [(verb, 1, 4) for verb in ("stop", "start", "stop", "start")]
