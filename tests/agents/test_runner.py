"""Orders: taken, refused, interrupted, and brought to an end after a crash at any moment. The steps here keep
their state in a dict that outlives the "process"; a crash is an exception that nothing in the agent catches."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agents.errors import StepError
from agents.hosts.host import TerminalHost
from agents.protocol import Finished, StepDone
from agents.steps.base import Context, Evidence, Saved, Step

ORDER = ("secured", "interface_list", "member_lookup")


class Crash(BaseException):
    """The process ends here."""


class Model:
    """What is real: which steps are applied. trips: at which call something happens, and what."""

    def __init__(self) -> None:
        self.applied: dict[str, bool] = {}
        self.calls: list[str] = []
        self.trips: dict[str, BaseException] = {}
        self.again = False
        self.at: asyncio.Event = asyncio.Event()

    def trip(self, call: str) -> None:
        self.calls.append(call)
        if call in self.trips:
            error = self.trips[call] if self.again else self.trips.pop(call)
            raise error

    def steps(self) -> dict[str, Step]:
        return {name: _step(name, self) for name in ("ready", *ORDER)}


def _step(step_name: str, model: Model) -> Step:
    class Remembering(Step):
        name = step_name

        async def check(self, ctx: Context) -> bool:
            model.trip(f"check {self.name}")
            return model.applied.get(self.name, False)

        async def save(self, ctx: Context) -> Saved:
            model.trip(f"save {self.name}")
            return {"was": model.applied.get(self.name, False)}

        async def apply(self, ctx: Context) -> None:
            model.trip(f"before {self.name}")
            assert ctx.saved[self.name] == {"was": False}
            model.applied[self.name] = True
            model.trip(f"after {self.name}")

        async def verify(self, ctx: Context) -> Evidence:
            model.trip(f"verify {self.name}")
            return {}

        async def undo(self, ctx: Context, saved: Saved) -> Evidence:
            model.trip(f"undo {self.name}")
            model.applied[self.name] = saved["was"]
            model.trip(f"undone {self.name}")
            return {}

    return Remembering()


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def start(make_driver: Callable, terminal: TerminalHost, model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    async def should_answer() -> bool:
        model.trip("proof")
        return False

    monkeypatch.setattr(terminal, "should_answer", should_answer)
    return lambda: make_driver(terminal, steps=model.steps())


ALL = dict.fromkeys(ORDER, True)
NONE = dict.fromkeys(ORDER, False)


async def test_every_step_is_checked_saved_applied_and_verified_in_order(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    driver = start()
    finished = await driver.do(make_instruction("terminal"))
    assert finished.outcome == "done"
    assert model.calls == [f"{what} {name}" for name in ORDER for what in ("check", "save", "before", "after", "verify")]
    assert [report.n for report in driver.reports] == [1, 2, 3, 4]


@pytest.mark.parametrize("step", ORDER)
@pytest.mark.parametrize("moment", ["check", "save", "before", "after", "verify"])
async def test_a_failure_anywhere_undoes_what_was_done(
    start: Callable, model: Model, make_instruction: Callable, moment: str, step: str
) -> None:
    model.trips = {f"{moment} {step}": StepError("broken", "it broke", "mend it", retryable=True)}
    driver = start()
    finished = await driver.do(make_instruction("terminal"))
    assert (finished.outcome, finished.finding.code, finished.restored, finished.retryable) == ("failed", "broken", True, True)
    assert not any(model.applied.values())
    assert driver.journal.open_undo(7) == []
    begun = ORDER[: ORDER.index(step) + (moment not in ("check", "save"))]
    assert [call for call in model.calls if call.startswith("undo ")] == [f"undo {name}" for name in reversed(begun)]


CRASHES = [f"{moment} {step}" for step in ORDER for moment in ("check", "save", "before", "after", "verify")]


@pytest.mark.parametrize("call", CRASHES)
async def test_after_a_crash_the_switch_goes_on_where_it_was(
    start: Callable, model: Model, make_instruction: Callable, call: str
) -> None:
    model.trips = {call: Crash()}
    driver = start()
    with pytest.raises(Crash):
        await driver.do(make_instruction("terminal"))
    again = start()
    await again.runner.recover()
    assert again.reports[-1].outcome == "done"
    assert model.applied == ALL
    numbers = [report.n for report in driver.reports + again.reports]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sorted(driver.steps() + again.steps()) == sorted(ORDER)
    # and everything can still be undone, to what was there before the first attempt
    undone = await again.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    assert (undone.outcome, model.applied) == ("done", NONE)


@pytest.mark.parametrize("call", [f"{moment} {step}" for step in ORDER for moment in ("undo", "undone")])
async def test_after_a_crash_while_undoing_it_goes_on_undoing(
    start: Callable, model: Model, make_instruction: Callable, call: str
) -> None:
    model.trips = {"verify member_lookup": StepError("broken", "it broke", "mend it"), call: Crash()}
    with pytest.raises(Crash):
        await start().do(make_instruction("terminal"))
    again = start()
    await again.runner.recover()
    finished = again.reports[-1]
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "broken", True)
    assert model.applied == NONE


@pytest.mark.parametrize("call", [f"{moment} {step}" for step in ORDER for moment in ("undo", "undone")] + ["proof"])
async def test_an_undo_order_survives_a_crash(start: Callable, model: Model, make_instruction: Callable, call: str) -> None:
    driver = start()
    await driver.do(make_instruction("terminal"))
    model.trips = {call: Crash()}
    with pytest.raises(Crash):
        await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    again = start()
    await again.runner.recover()
    assert (again.reports[-1].outcome, model.applied) == ("done", NONE)


async def test_a_step_that_crashes_the_agent_every_time_is_undone(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    model.trips, model.again = {"after interface_list": Crash()}, True
    with pytest.raises(Crash):
        await start().do(make_instruction("terminal"))
    for _ in range(2):
        model.applied["interface_list"] = False
        with pytest.raises(Crash):
            await start().runner.recover()
    last = start()
    await last.runner.recover()
    finished = last.reports[-1]
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "crash_loop", True)
    assert model.applied == {"secured": False, "interface_list": False}


async def test_an_order_that_expired_while_the_agent_was_down_is_undone(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    model.trips = {"after interface_list": Crash()}
    with pytest.raises(Crash):
        await start().do(make_instruction("terminal", expires_ms=1))
    again = start()
    await again.runner.recover()
    assert (again.reports[-1].finding.code, again.reports[-1].restored) == ("expired_while_down", True)
    assert not any(model.applied.values())


async def test_the_policy_finish_goes_forward_even_then(start: Callable, model: Model, make_instruction: Callable) -> None:
    model.trips = {"after interface_list": Crash()}
    with pytest.raises(Crash):
        await start().do(make_instruction("terminal", expires_ms=1, policy="finish"))
    again = start()
    await again.runner.recover()
    assert (again.reports[-1].outcome, model.applied) == ("done", ALL)


async def test_undoing_goes_on_after_a_failure_and_says_what_is_left(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    driver = start()
    await driver.do(make_instruction("terminal"))
    model.trips = {"undo interface_list": StepError("stuck", "it is stuck", "pull")}
    finished = await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    assert (finished.outcome, finished.finding.code) == ("undo_failed", "stuck")
    assert model.applied == {"secured": False, "interface_list": True, "member_lookup": False}
    assert [record.step for record in driver.journal.open_undo(7)] == ["interface_list"]
    finished = await driver.do(make_instruction("terminal", seq=3, epoch=2, action="undo"))
    assert (finished.outcome, model.applied) == ("done", NONE)


async def test_doubled_orders_have_no_second_effect(start: Callable, model: Model, make_instruction: Callable) -> None:
    driver = start()
    first = await driver.do(make_instruction("terminal"))
    calls = list(model.calls)
    assert await driver.do(make_instruction("terminal")) is first  # what it said is still on its way
    driver.journal.acked(first.n)
    second = await driver.do(make_instruction("terminal"))
    assert model.calls == calls
    assert (second.seq, second.outcome, second.n) == (first.seq, "done", first.n + 1)
    driver.runner.submit(make_instruction("terminal", seq=2))
    driver.runner.submit(make_instruction("terminal", seq=2))
    assert driver.runner._queue.qsize() == 1


@pytest.mark.parametrize("stale", [{"seq": 9, "epoch": 4}, {"seq": 4, "epoch": 5}, {"seq": 3, "epoch": 9}])
async def test_older_orders_are_refused_even_after_a_restart(
    start: Callable, model: Model, make_instruction: Callable, stale: dict[str, int]
) -> None:
    await start().do(make_instruction("terminal", seq=5, epoch=5))
    driver = start()
    calls = list(model.calls)
    finished = await driver.do(make_instruction("terminal", **stale))
    assert (finished.outcome, finished.finding.code) == ("refused", "stale_instruction")
    assert model.calls == calls


async def test_unknown_steps_are_refused(start: Callable, model: Model, make_instruction: Callable) -> None:
    finished = await start().do(make_instruction("terminal", steps=("secured", "run_command")))
    assert (finished.outcome, finished.finding.code) == ("refused", "unknown_step")
    assert model.calls == []


async def test_a_newer_epoch_stops_the_older_order_between_two_steps(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    driver = start()
    undo = make_instruction("terminal", seq=2, epoch=2, action="undo")
    step = driver.runner.executor.steps["interface_list"]
    apply = step.apply

    async def apply_and_hear(ctx: Context) -> None:
        driver.runner.submit(undo)
        await apply(ctx)

    step.apply = apply_and_hear
    await driver.do(make_instruction("terminal"))
    ends = [report for report in driver.reports if isinstance(report, Finished)]
    assert [(end.seq, end.outcome, end.finding and end.finding.code) for end in ends] == [
        (1, "failed", "superseded"),
        (2, "done", None),
    ]
    assert "check member_lookup" not in model.calls
    assert driver.steps() == ["secured", "interface_list"]
    assert model.applied == {"secured": False, "interface_list": False}


async def test_a_newer_epoch_cuts_a_wait_for_the_network_short(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    driver = start()
    step = driver.runner.executor.steps["member_lookup"]
    type(step).asks_only = True
    waiting = asyncio.Event()

    async def forever(ctx: Context) -> Evidence:
        waiting.set()
        await asyncio.Event().wait()
        return {}

    step.verify = forever
    driver.runner.submit(make_instruction("terminal"))
    work = asyncio.ensure_future(driver.drain())
    await waiting.wait()
    driver.runner.submit(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    await work
    assert [report.outcome for report in driver.reports if isinstance(report, Finished)] == ["failed", "done"]
    assert model.applied == NONE


async def test_a_newer_order_of_the_same_epoch_waits(start: Callable, model: Model, make_instruction: Callable) -> None:
    driver = start()
    driver.runner.submit(make_instruction("terminal"))
    # These steps are not the real ones: the settings stay as they were.
    driver.runner.submit(make_instruction("terminal", seq=2, action="verify", to_scheme="http"))
    await driver.drain()
    assert [report.outcome for report in driver.reports if isinstance(report, Finished)] == ["done", "done"]


async def test_a_till_whose_settings_say_otherwise_fails_its_check_without_asking(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    finished = await start().do(make_instruction("terminal", action="verify"))
    assert (finished.outcome, finished.finding.code, finished.scheme) == ("failed", "not_switched", "http")
    assert model.calls == []


async def test_a_step_that_takes_too_long_is_undone(
    start: Callable, model: Model, make_instruction: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents import catalogue

    monkeypatch.setattr(catalogue, "info", lambda name, *_: catalogue.StepInfo(name, name, 0.01))
    driver = start()

    async def forever(ctx: Context) -> None:
        await asyncio.Event().wait()

    driver.runner.executor.steps["interface_list"].apply = forever
    finished = await driver.do(make_instruction("terminal"))
    assert (finished.finding.code, finished.restored, finished.retryable) == ("step_timeout", True, True)
    assert not any(model.applied.values())


async def test_a_full_disk_stops_before_anything_is_changed(
    start: Callable, model: Model, make_instruction: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = start()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(driver.journal, "undo", full)
    finished = await driver.do(make_instruction("terminal"))
    assert (finished.finding.code, finished.restored) == ("device_error", True)
    assert model.applied == {}
    monkeypatch.setattr(driver.journal, "accept", full)
    finished = await driver.do(make_instruction("terminal", seq=2))
    assert (finished.outcome, finished.finding.code) == ("refused", "journal_failed")


async def test_an_unforeseen_error_is_a_failure_like_any_other(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    model.trips = {"after interface_list": ZeroDivisionError("unforeseen")}
    finished = await start().do(make_instruction("terminal"))
    assert (finished.finding.code, finished.restored) == ("internal_error", True)


async def test_undo_finds_its_way_after_many_orders_of_other_kinds(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    driver = start()
    await driver.do(make_instruction("terminal"))
    for seq in range(2, 6):
        await driver.do(make_instruction("terminal", seq=seq, cutover=8, action="arm"))
        driver.journal.acked(driver.reports[-1].n)
    driver.journal.compact()
    again = start()
    finished = await again.do(make_instruction("terminal", seq=9, epoch=2, action="undo"))
    assert (finished.outcome, model.applied) == ("done", {**NONE, "ready": True})
    assert again.steps("back") == list(reversed(ORDER))


async def test_a_later_cutover_ends_the_way_back_of_the_earlier_one(
    start: Callable, model: Model, make_instruction: Callable
) -> None:
    driver = start()
    await driver.do(make_instruction("terminal"))
    await driver.do(make_instruction("terminal", seq=2, cutover=8))
    assert driver.journal.open_undo(7) == []


async def test_reports_name_the_order_that_runs(start: Callable, model: Model, make_instruction: Callable) -> None:
    driver = start()
    await driver.do(make_instruction("terminal", seq=3, epoch=2))
    await driver.do(make_instruction("terminal", seq=4, epoch=3, action="undo"))
    assert {(r.seq, r.epoch, r.direction) for r in driver.reports if isinstance(r, StepDone)} == {
        (3, 2, "forward"),
        (4, 3, "back"),
    }


@pytest.fixture
def stuck(model: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Undoing one step fails every time, until it no longer trips."""
    model.again = True
    model.trips = {"undo interface_list": StepError("device_error", "no space left", "make room")}
    monkeypatch.setattr("agents.runner.UNDO_PAUSES_S", (0.0, 0.0, 0.0))
    return model


async def test_an_undo_that_fails_for_a_moment_is_tried_again(
    start: Callable, stuck: Model, make_instruction: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A trial with a full disk stranded nine tills: the server's undo failed once and was never tried again.
    driver = start()
    await driver.do(make_instruction("terminal"))
    back, tries = driver.runner.executor.back, []

    async def room_at_the_third(instruction: object) -> list[StepError]:
        tries.append(1)
        if len(tries) == 3:
            stuck.trips = {}
        return await back(instruction)

    monkeypatch.setattr(driver.runner.executor, "back", room_at_the_third)
    finished = await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    assert (finished.outcome, stuck.applied, len(tries)) == ("done", NONE, 3)


async def test_an_undo_that_fails_for_good_comes_to_an_end(start: Callable, stuck: Model, make_instruction: Callable) -> None:
    driver = start()
    await driver.do(make_instruction("terminal"))
    finished = await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    assert (finished.outcome, finished.finding.code) == ("undo_failed", "device_error")
    assert stuck.calls.count("undo interface_list") == 4


async def test_a_newer_order_does_not_wait_for_the_next_try(
    start: Callable, stuck: Model, make_instruction: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.runner.UNDO_PAUSES_S", (3600.0,))
    driver = start()
    await driver.do(make_instruction("terminal"))
    back, tried = driver.runner.executor.back, asyncio.Event()

    async def told(instruction: object) -> list[StepError]:
        problems = await back(instruction)
        tried.set()
        return problems

    monkeypatch.setattr(driver.runner.executor, "back", told)
    undoing = asyncio.ensure_future(driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo")))
    await tried.wait()
    stuck.trips = {}
    driver.runner.submit(make_instruction("terminal", seq=3, epoch=3, action="undo"))
    await asyncio.wait_for(undoing, 10)
    assert [r.outcome for r in driver.reports if isinstance(r, Finished)][-2:] == ["failed", "done"]
