"""What arming finds on a device is what is there at that moment, whatever an inventory has said before."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.clock import Clock
from agents.files import Files
from agents.hosts.host import ServerHost, TerminalHost
from agents.hosts.inventory.inventory import Inventory
from agents.protocol import Instruction

FOUND = {"write-protected": "settings_not_writable", "a full disk": "disk_full"}


def _spoil(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "a full disk":
        monkeypatch.setattr(Files, "free_bytes", lambda self, folder: 19 * 1024**2)
    else:
        # Replacing a file needs no right to write it: tests run as root, whom no mode stops.
        monkeypatch.setattr("agents.files.os.access", lambda path, mode: False)


@pytest.mark.parametrize("role", ["server", "terminal"])
@pytest.mark.parametrize("how", FOUND)
async def test_a_device_that_changed_a_moment_ago_is_not_armed(
    role: str, how: str, terminal: TerminalHost, server: ServerHost, make_driver: Callable[..., Any],
    make_instruction: Callable[..., Instruction], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    host = server if role == "server" else terminal
    driver, inventory = make_driver(host), Inventory(host, Clock())
    assert (await driver.do(make_instruction(role, action="arm"))).outcome == "done"
    assert (await inventory.facts())["writable"] is None
    _spoil(how, monkeypatch)
    armed = await driver.do(make_instruction(role, action="arm", seq=2))
    assert (armed.outcome, armed.finding.code) == ("failed", FOUND[how])
    # And the inventory that is sent now says the same.
    told = await inventory.facts()
    assert (told["free_mb"] == 19) if how == "a full disk" else ("is write-protected" in told["writable"])


async def test_arming_looks_at_the_services_that_will_be_stopped(
    server: ServerHost, windows: Any, make_driver: Callable[..., Any], make_instruction: Callable[..., Instruction]
) -> None:
    """A name that sc is not given is found while everything runs."""
    service = type(windows.services["NetPOSNet"])
    windows.services["Kiosk/2"] = service()
    windows.services["NetPOSNet"].dependents = ("Kiosk/2",)
    armed = await make_driver(server).do(make_instruction(action="arm"))
    assert (armed.outcome, armed.finding.code) == ("failed", "value_refused")
    assert "Kiosk/2" in armed.finding.message
    assert windows.changes() == []
