"""The cause of a stop: which finding it is, and whom it names."""

from agents.protocol import Finding
from fleet.cutover import causes
from fleet.cutover.snapshot import RunView
from fleet.cutover.states import Run


def view(name: str, code: str | None = None) -> RunView:
    finding = Finding(code, f"{code} happened", f"mend {code}") if code else None
    return RunView(1, name, "terminal", Run.FAILED, finding=finding)


def test_the_code_that_most_devices_have_is_the_cause() -> None:
    found = causes.of_runs([view("A", "timeout"), view("B", "untrusted_root"), view("C", "untrusted_root")], "3 failed")
    assert found.code == "untrusted_root"
    assert found.message == "3 failed. B: untrusted_root happened"
    assert found.remedy == "mend untrusted_root"
    assert found.devices == ("A", "B", "C")


def test_a_device_that_did_not_say_why_is_named_all_the_same() -> None:
    found = causes.of_runs([view("A")], "1 failed")
    assert (found.code, found.devices) == ("unknown", ("A",))


def test_twenty_devices_are_named_at_most_and_five_said() -> None:
    runs = [view(f"T{i:02}", "timeout") for i in range(30)]
    assert len(causes.of_runs(runs, "30 failed").devices) == 20
    assert causes.said(runs) == "T00: timeout, T01: timeout, T02: timeout, T03: timeout, T04: timeout, …"
