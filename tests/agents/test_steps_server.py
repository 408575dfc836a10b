"""The server's steps against a machine in memory: applied, undone, and the ways in which they fail."""

from collections.abc import Callable

import pytest
from fake_windows import FakeWindows
from questions import looked_up

from agents import catalogue
from agents.errors import StepError
from agents.hosts import netsh
from agents.hosts.host import ServerHost
from agents.protocol import Finished, Instruction, StepDone

Make = Callable[..., Instruction]


async def test_a_switch_does_every_step_and_the_machine_is_on_https(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, port: int
) -> None:
    driver = make_driver(server)
    finished = await driver.do(make_instruction())
    assert (finished.outcome, finished.scheme, finished.finding) == ("done", "https", None)
    assert driver.steps() == list(make_instruction().steps)
    assert [f"https://+:{port}/", "D:(A;;GX;;;NS)"] in windows.urlacl
    assert [row[0] for row in windows.urlacl if f":{port}/" in row[0]] == [f"https://+:{port}/"]
    row = next(row for row in windows.sslcert if row[0] == f"0.0.0.0:{port}")
    assert row[1:] == [windows.certificate.thumbprint.lower(), catalogue.APPID, "MY"]
    assert windows.services["Monitor"].start_type == 2
    assert windows.services["Monitor"].state == 4
    evidence = {report.step: report.evidence for report in driver.reports if isinstance(report, StepDone)}
    assert evidence["verify_server"]["thumbprint"] == windows.certificate.thumbprint
    assert isinstance(evidence["stop_service"]["last_answer_ms"], int)


@pytest.mark.parametrize("monitor", [(4, 2), (1, 3), (1, 4), (4, 4)])
async def test_undo_brings_back_exactly_what_was_there(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, monitor: tuple[int, int]
) -> None:
    windows.services["Monitor"].state, windows.services["Monitor"].start_type = monitor
    before = windows.snapshot()
    driver = make_driver(server)
    await driver.do(make_instruction())
    assert windows.snapshot() != before
    finished = await driver.do(make_instruction(seq=2, epoch=2, action="undo"))
    assert (finished.outcome, finished.scheme) == ("done", "http")
    assert windows.snapshot() == before
    assert (await looked_up(server, "1001", 1)).judgement.status == 200
    assert driver.journal.open_undo(7) == []


async def test_undo_with_nothing_to_undo_changes_nothing(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    finished = await make_driver(server).do(make_instruction(action="undo"))
    assert finished.outcome == "done"
    assert windows.changes() == []


async def test_a_second_switch_does_not_stop_the_service_again(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    driver = make_driver(server)
    await driver.do(make_instruction())
    windows.calls.clear()
    finished = await driver.do(make_instruction(seq=2))
    assert finished.outcome == "done"
    assert windows.changes() == []


async def test_back_to_http_as_a_cutover_of_its_own_and_its_undo(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, port: int
) -> None:
    driver = make_driver(server)
    await driver.do(make_instruction())
    on_https = windows.snapshot()
    finished = await driver.do(make_instruction(seq=2, epoch=2, cutover=8, to_scheme="http"))
    assert (finished.outcome, finished.scheme) == ("done", "http")
    assert not [row for row in windows.sslcert if row[0] == f"0.0.0.0:{port}"]
    assert [row[0] for row in windows.urlacl if f":{port}/" in row[0]] == [f"http://+:{port}/"]
    await driver.do(make_instruction(seq=3, epoch=3, cutover=8, action="undo"))
    assert windows.snapshot() == on_https


FAILURES = {
    "sc config Monitor": ("[SC] OpenService FAILED 5:\n\nAccess is denied.\n", "access_denied"),
    "sc stop NetPOSNet": ("[SC] ControlService FAILED 1051:\n\n", "service_has_dependents"),
    "netsh http delete urlacl": ("\nURL reservation delete failed, Error: 5\nAccess is denied.\n", "access_denied"),
    "netsh http add urlacl url=https": (
        "\nUrl reservation add failed, Error: 87\nThe parameter is incorrect.\n",
        "netsh_value",
    ),
    "netsh http add sslcert": ("\nFehler beim Hinzufügen, Fehler: 1312\nEine Anmeldung.\n", "certificate_key_missing"),
    "netsh http show sslcert": ("something else entirely\nand more\nof it\n", "netsh_unreadable"),
    "netsh http show urlacl": ("\u0001\u0002", "netsh_unreadable"),
}


NUMBERS = {
    "Error: 5\n\nAccess is denied.\n": "access_denied",
    "\nThe parameter is incorrect.\n": "netsh_refused",  # 87 as it often comes, without its number
    "Fehler: 87\n\nFalscher Parameter.\n": "netsh_value",
    "Error: 183\n\nCannot create a file when that file already exists.\n": "record_exists",
    "Error: 1312\n\nA specified logon session does not exist.\n": "certificate_key_missing",
    "Error: 1332\n\nNo mapping between account names and security IDs was done.\n": "unknown_account",
    "One or more essential parameters were not entered.\nUsage: add sslcert ...\n": "netsh_refused",
    "Error: 1450\n\nInsufficient system resources.\n": "netsh_failed",
}


@pytest.mark.parametrize("command", ["add urlacl url=https", "add sslcert"])
@pytest.mark.parametrize("text", NUMBERS)
async def test_every_error_number_of_netsh_has_its_reaction(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, command: str, text: str
) -> None:
    """docs/windows.md lists them. Whichever it is, everything is put back and the service answers as before."""
    before = windows.snapshot()
    windows.fail = {f"netsh http {command}": text}
    finished = await make_driver(server).do(make_instruction())
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", NUMBERS[text], True)
    assert finished.finding.remedy
    assert windows.snapshot() == before


async def test_deleting_what_is_gone_already_is_done(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, port: int
) -> None:
    driver = make_driver(server)
    await driver.do(make_instruction())
    windows.sslcert = [row for row in windows.sslcert if not row[0].endswith(f":{port}")]
    finished = await driver.do(make_instruction(seq=2, epoch=2, action="undo"))
    assert (finished.outcome, finished.scheme) == ("done", "http")


@pytest.mark.parametrize("call", FAILURES)
async def test_a_failure_at_any_program_call_puts_everything_back(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, call: str
) -> None:
    before = windows.snapshot()
    text, code = FAILURES[call]
    windows.fail = {call: text}
    finished = await make_driver(server).do(make_instruction())
    assert finished.outcome == "failed"
    assert finished.finding.code == code
    assert finished.restored == (call != "sc config Monitor")  # there putting it back fails as well
    assert windows.snapshot() == before


async def test_an_undo_whose_calls_fail_for_a_while_ends_as_it_was_before(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call and the next one: the undo of a late step that fails in the first pass and works in the second must not
    take back what the undo of an early step has put right in between."""
    monkeypatch.setattr("agents.runner.UNDO_PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("agents.steps.server.LOOKUP_AFTER_START_S", 0.5)
    driver, before = make_driver(server), windows.snapshot()

    async def there_and_back(number: int, busy: int, calls: int = 0) -> int:
        """How many calls the undo made; busy: the calls from this one on at which the service cannot be controlled."""
        assert (await driver.do(make_instruction(seq=2 * number, epoch=2 * number))).outcome == "done"
        begun = len(windows.calls)
        windows.busy = frozenset({begun + busy, begun + busy + 1}) if busy else frozenset()
        finished = await driver.do(make_instruction(seq=2 * number + 1, epoch=2 * number + 1, action="undo"))
        windows.busy = frozenset()
        assert windows.snapshot() == before, windows.calls[begun:]
        # The last calls are the proof's, which is asked once: then a person is told, of a server that is as it was.
        assert finished.outcome == "done" or busy > calls - 3 > 0, (busy, finished.finding)
        return len(windows.calls) - begun

    calls = await there_and_back(1, 0)
    assert calls > 10
    for busy in range(1, calls + 1):
        await there_and_back(busy + 1, busy, calls)


async def test_a_service_that_does_not_start_with_ssl_comes_back_without(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    before = windows.snapshot()
    windows.fail_to_start = True
    finished = await make_driver(server).do(make_instruction())
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "service_failed_to_start", True)
    assert windows.snapshot() == before
    assert (await looked_up(server, "1001", 1)).judgement.status == 200


async def test_a_foreign_binding_on_the_port_is_never_touched(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, port: int
) -> None:
    windows.sslcert.append([f"0.0.0.0:{port}", "cd" * 20, "{4dc3e181-e14b-4a21-b022-59fc669b0914}", "My"])
    before = windows.snapshot()
    armed = await make_driver(server).do(make_instruction(action="arm"))
    assert (armed.outcome, armed.finding.code) == ("failed", "foreign_binding")
    switched = await make_driver(server).do(make_instruction(seq=2))
    assert (switched.outcome, switched.finding.code, switched.restored) == ("failed", "foreign_binding", True)
    assert windows.snapshot() == before


async def test_a_binding_that_somebody_else_has_made_since_is_left_to_them(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, port: int
) -> None:
    driver = make_driver(server)
    await driver.do(make_instruction())
    (ours,) = (row for row in await netsh.bindings(port) if netsh.ours(row))
    theirs = [f"0.0.0.0:{port}", "cd" * 20, catalogue.APPID, "MY"]  # a vendor's tool may use the same appid
    windows.sslcert = [row for row in windows.sslcert if row[0] != theirs[0]] + [theirs]
    with pytest.raises(StepError) as caught:
        await netsh.delete_binding(ours)
    assert caught.value.finding.code == "foreign_binding"
    assert (await driver.do(make_instruction(seq=2, epoch=2, action="undo"))).scheme == "http"
    assert theirs in windows.sslcert


async def test_our_own_older_binding_is_replaced_and_put_back(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, port: int, tmp_path
) -> None:
    old = "EF" * 20
    (windows.store / f"{old}.key").touch()
    windows.sslcert.append([f"0.0.0.0:{port}", old.lower(), catalogue.APPID, "MY"])
    before = windows.snapshot()
    driver = make_driver(server)
    assert (await driver.do(make_instruction())).outcome == "done"
    assert (await driver.do(make_instruction(seq=2, epoch=2, action="undo"))).outcome == "done"
    assert windows.snapshot() == before


async def test_arming_changes_nothing_and_finds_what_would_fail(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, port: int
) -> None:
    before, names = windows.snapshot(), sorted(path.name for path in windows.settings.parent.iterdir())
    driver = make_driver(server)
    good = await driver.do(make_instruction(action="arm"))
    assert good.outcome == "done"
    codes = []
    for seq, change in enumerate(({"port": port + 1}, {"thumbprint": "0" * 40}, {"thumbprint": None}), start=2):
        bad = await driver.do(make_instruction(seq=seq, action="arm", **change))
        assert isinstance(bad, Finished)
        codes.append((bad.outcome, bad.finding.code))
    del windows.services["Monitor"]
    bad = await driver.do(make_instruction(seq=9, action="arm"))
    codes.append((bad.outcome, bad.finding.code))
    assert codes == [
        ("failed", code) for code in ("port_differs", "certificate_missing", "certificate_missing", "service_missing")
    ]
    assert windows.changes() == []
    assert windows.snapshot()[:2] == before[:2]
    assert sorted({path.name for path in windows.settings.parent.iterdir()} - {"state"}) == names
