"""Reports about instructions that nobody gave, with impossible numbers. Each kind has a connection of its own, because the
gateway ends a connection on which one of them comes."""

from collections.abc import Iterable
from typing import Any

from agents.catalogue import SERVER_STEPS, TERMINAL_STEPS
from tests.faults.hostile.till import Till
from tests.faults.hostile.voice import Voice, Words

CUTOVERS = 30  # a small database has no more
STEPS = tuple(item.name for item in (*TERMINAL_STEPS, *SERVER_STEPS))


async def step_took_huge(till: Till) -> None:
    """Steps of instructions that nobody gave, which took thirty thousand years."""
    for took_ms in (10**15, 2**63 - 1, 10**9, -(10**15)):
        await _send(till, (step(till, seq=1000 + i, step=name, took_ms=took_ms) for i in range(3) for name in STEPS))


async def at_ms_huge(till: Till) -> None:
    """Impossible times, in the report and in its evidence, for its own instruction and for one that nobody gave."""
    for at_ms in (2**62, 2**63 - 1, 253_402_300_800_000, -(2**62), 1):
        more = {"at_ms": at_ms, "evidence": {"at_ms": at_ms, "last_answer_ms": at_ms}}
        names = ("member_lookup", "stop_service")
        await _send(till, (step(till, seq=seq, step=name, **more) for seq in (_seq(till), 1001) for name in names))
        await _send(till, [finished(till, seq=1001, at_ms=at_ms)])


async def foreign_reports(till: Till) -> None:
    """Reports about all cutovers but its own: done, undone, failed, gone back by itself."""
    own = _cutover(till)
    for outcome, action in (("done", "switch"), ("done", "undo"), ("undo_failed", "undo"), ("done", "verify")):
        more = {"outcome": outcome, "action": action}
        others = [(cutover, seq) for cutover in range(1, CUTOVERS) if cutover != own for seq in range(1, 6)]
        await _send(till, (finished(till, seq=s, cutover=c, by_itself=s % 2 == 0, **more) for c, s in others))


async def odd_numbers(till: Till) -> None:
    """Values that JSON allows and no column can hold."""
    values: tuple[Any, ...] = (2**63, 2**200, -1, 1.5, True, "7", None, float("nan"), float("inf"), [], {})
    for value in values:
        await _send(till, ({**step(till), field: value} for field in ("seq", "epoch", "cutover", "at_ms", "took_ms")))


async def last_report(till: Till) -> None:
    """Reports with the highest possible number. If it were taken, no honest report would ever be new again."""
    for n in (2**40 - 1, 2**63 - 1):
        await _send(till, [{**step(till), "n": n}])


def step(till: Till, **more: Any) -> Words:
    """A step of its last instruction. more: other values for its fields."""
    values = {
        "type": "StepDone", "seq": _seq(till), "epoch": till.told.epoch if till.told else 1, "cutover": _cutover(till),
        "step": "secured", "direction": "forward", "at_ms": till.clock.now_ms(), "took_ms": 12, "evidence": {},
    }  # fmt: skip
    return {**values, **more}


def finished(till: Till, **more: Any) -> Words:
    """The end of its last instruction. more: other values for its fields."""
    values = {
        "type": "Finished", "seq": _seq(till), "epoch": till.told.epoch if till.told else 1, "cutover": _cutover(till),
        "action": "switch", "outcome": "done", "at_ms": till.clock.now_ms(), "scheme": "https", "finding": None,
        "retryable": False, "restored": False, "by_itself": False,
    }  # fmt: skip
    return {**values, **more}


async def _send(till: Till, reports: Iterable[Words]) -> None:
    async def send(line: Voice) -> None:
        for report in reports:
            await line.report(**report)

    await till.on_a_line(send)


def _seq(till: Till) -> int:
    return till.told.seq if till.told else 1


def _cutover(till: Till) -> int:
    return till.told.cutover if till.told else 1
