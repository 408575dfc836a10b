"""What a person's answer about a terminal without an agent makes of its device run."""

import dataclasses

import pytest

from agents.protocol import Finding
from fleet.cutover import by_hand, plan, rollback
from fleet.cutover.by_hand import Refused, judge
from fleet.cutover.snapshot import Ask, MoveRun, RunView
from fleet.cutover.states import Cutover, Run
from tests.cutover.test_opening import SCHEDULED, START

SOME = Finding("lost", "it is lost", "look")


def answer(run: Run, result: by_hand.Result, *, back: bool = False, told: str | None = None, **more: str):
    state, direction = (Cutover.ROLLING_BACK, "back") if back else (Cutover.SWITCHING, "forward")
    return judge(state, direction, run, result=result, told=told, to_scheme="https", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("run", [Run.SWITCHING, Run.UNREACHABLE, Run.FAILED])
def test_done_counts_in_time_and_late(run):
    assert answer(run, "done").to is Run.VERIFIED


@pytest.mark.parametrize("run", [Run.UNDOING, Run.UNDO_FAILED])
def test_done_counts_on_the_way_back_in_time_and_late(run):
    assert answer(run, "done", back=True, told="http").to is Run.RESTORED


@pytest.mark.parametrize(
    ("run", "back", "to"),
    [(Run.SWITCHING, False, Run.FAILED), (Run.VERIFIED, False, Run.FAILED), (Run.UNDOING, True, Run.UNDO_FAILED)],
)
def test_what_does_not_work_has_failed_with_the_persons_words(run, back, to):
    verdict = answer(run, "does_not_work", back=back, note="it says no host")
    assert verdict.to is to
    assert verdict.finding.code == "does_not_work"
    assert "it says no host" in verdict.finding.message


@pytest.mark.parametrize(
    ("run", "result", "back"),
    [(Run.VERIFIED, "done", False), (Run.FAILED, "does_not_work", False), (Run.RESTORED, "done", True)],
)
def test_pressing_twice_changes_nothing(run, result, back):
    assert answer(run, result, back=back) is None


@pytest.mark.parametrize(
    ("back", "told", "words"), [(True, "https", "set it back to HTTP"), (False, "http", "set it back to HTTPS")]
)
@pytest.mark.parametrize("run", list(Run))
def test_an_answer_about_the_other_scheme_never_counts(run, back, told, words):
    with pytest.raises(Refused, match=words):
        answer(run, "done", back=back, told=told)


@pytest.mark.parametrize("run", [Run.PENDING, Run.ARMED])
def test_nobody_answers_before_the_wave_has_come(run):
    with pytest.raises(Refused, match="not this terminal's turn"):
        answer(run, "done")


@pytest.mark.parametrize("run", [Run.ARMED, Run.SWITCHING, Run.VERIFIED, Run.FAILED, Run.UNREACHABLE])
def test_nobody_sets_a_terminal_back_before_the_server_is_back(run):
    with pytest.raises(Refused, match="wait until the server is back on HTTP"):
        answer(run, "done", back=True, told="http")


def test_silence_names_the_terminal_and_says_that_a_late_answer_counts():
    run = RunView(2, "Kiosk 1", "terminal", Run.SWITCHING, by_hand=True)
    reason, finding = by_hand.silence(run, "https", by_hand._does_not_work("https", ""))
    assert (reason, finding.code) == ("nobody has answered in time", "nobody_answered")
    assert "Kiosk 1" in finding.message
    assert "late answer" in finding.remedy


def test_silence_at_the_server_names_the_server():
    reason, finding = by_hand.silence(RunView(0, "netpos", "server", Run.UNDOING, by_hand=True), "http", SOME)
    assert (reason, finding.code) == ("nobody has answered in time", "nobody_answered")
    assert finding.message == "Nobody has said in time whether netpos works over HTTP."
    assert finding.remedy.startswith("Open this server's page, do what it says.")


def test_a_server_that_does_not_work_has_its_own_remedy():
    verdict = answer(Run.SWITCHING, "does_not_work", note="error 5", server=True)
    assert verdict.to is Run.FAILED
    assert verdict.finding.message == 'A person reports that the server does not work over HTTPS: "error 5".'
    assert "URL reservation" in verdict.finding.remedy


@pytest.mark.parametrize("run", [Run.PENDING, Run.ARMED])
def test_a_server_that_was_not_changed_is_left_alone(run):
    with pytest.raises(Refused, match="this server was not changed: leave it as it is"):
        answer(run, "done", back=True, server=True)
    with pytest.raises(Refused, match="not this server's turn"):
        answer(run, "done", server=True)


SERVER = RunView(0, "netpos", "server", Run.PENDING, by_hand=True)


def at(state: Cutover, server: Run, *terminals: RunView, **more: object):
    changes = {"server": dataclasses.replace(SERVER, state=server), "terminals": terminals} | more
    return plan.next_steps(dataclasses.replace(SCHEDULED, state=state, **changes), START)


def test_a_server_by_hand_is_ready_at_once_and_then_a_person_is_asked():
    t01 = RunView(2, "T01", "terminal", Run.ARMED)
    assert at(Cutover.ARMING, Run.PENDING, t01) == [MoveRun(0, Run.ARMED, "by hand")]
    asked = [Ask((0,), "switch"), MoveRun(0, Run.SWITCHING, "waits for a person")]
    assert at(Cutover.CUTTING_SERVER, Run.ARMED, t01) == asked


@pytest.mark.parametrize(
    ("runs", "to"),
    [
        ([Run.VERIFIED, Run.VERIFIED], Cutover.COMPLETED),
        ([Run.VERIFIED, Run.LATE], Cutover.COMPLETED),
        ([Run.FAILED, Run.VERIFIED], Cutover.NEEDS_PERSON),
        ([Run.FAILED, Run.LATE], Cutover.NEEDS_PERSON),
    ],
)
def test_the_last_check_of_a_server_by_hand_is_what_its_terminals_show(runs, to):
    terminals = [RunView(i, f"T0{i}", "terminal", run, asked="switch") for i, run in enumerate(runs, 1)]
    assert [step.to for step in at(Cutover.VERIFYING, Run.VERIFIED, *terminals)] == [to]


def test_a_server_that_a_person_reports_at_last_keeps_the_cutover_from_completing():
    t01 = RunView(2, "T01", "terminal", Run.VERIFIED)
    (step,) = at(Cutover.VERIFYING, Run.FAILED, t01)
    assert step.to is Cutover.NEEDS_PERSON
    assert step.cause.devices == ("netpos",)


def test_who_waits_for_a_person():
    assert by_hand.waits(Cutover.SWITCHING, "forward", Run.SWITCHING)
    assert by_hand.waits(Cutover.NEEDS_PERSON, "back", Run.UNDO_FAILED)
    assert not by_hand.waits(Cutover.SWITCHING, "forward", Run.ARMED)
    assert not by_hand.waits(Cutover.ROLLING_BACK, "back", Run.VERIFIED)
    assert not by_hand.waits(Cutover.CANCELLED, "forward", Run.PENDING)


def test_arming_asks_nobody_about_a_terminal_by_hand():
    runs = (RunView(2, "T01", "terminal", Run.PENDING), RunView(3, "T02", "terminal", Run.PENDING, by_hand=True))
    steps = plan.next_steps(dataclasses.replace(SCHEDULED, state=Cutover.ARMING, terminals=runs), START)
    assert MoveRun(3, Run.ARMED, "by hand") in steps
    assert [s.runs for s in steps if isinstance(s, Ask)] == [(0, 2)]


def test_a_rollback_leaves_untouched_terminals_by_hand_alone():
    runs = (RunView(2, "T01", "terminal", Run.ARMED, by_hand=True), RunView(3, "T02", "terminal", Run.ARMED))
    server = RunView(0, "netpos", "server", Run.RESTORED, touched=True)
    back = dataclasses.replace(SCHEDULED, state=Cutover.ROLLING_BACK, direction="back", server=server, terminals=runs)
    assert rollback.next_steps(back, START) == [Ask((3,), "undo")]
