"""Carries out steps forward, and back through the journal. Every step is in the journal as done or undone before the next one
begins. Between two steps a newer instruction may take over."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from agents import catalogue, failpoints
from agents.clock import Clock
from agents.errors import AgentError, StepError
from agents.hosts.host import Host
from agents.protocol import Direction, Instruction, StepDone
from agents.steps.base import Context, Evidence, Step
from agents.storage.journal import Journal
from agents.storage.ledger import UndoRecord

log = logging.getLogger(__name__)

# If a step was started this often and never ended, it is assumed to crash the agent each time.
MAX_STARTS = 3
# More for undoing, because giving up there leaves work for a person.
MAX_UNDO_STARTS = 10


class Superseded(AgentError):
    """A newer instruction has come, so this one ends between two steps."""


class StepExecutor:
    """Carries out the steps of one device."""

    def __init__(self, host: Host, journal: Journal, clock: Clock, steps: Mapping[str, Step]) -> None:
        self.host, self.journal, self.clock, self.steps = host, journal, clock, steps
        self.newer = asyncio.Event()  # set when the running instruction shall end for a newer one

    async def forward(self, instruction: Instruction, names: tuple[str, ...], *, dry: bool = False) -> Evidence:
        """Apply these steps, except those that this instruction has done before a crash. dry: only verify them. Returns the
        evidence of the last step. Raises StepError at the first step that fails, or Superseded."""
        evidence: Evidence = {}
        for name in names:
            if (instruction.seq, name) not in self.journal.ledger.done:
                self._boundary()
                evidence = await self._forward_one(instruction, self.steps[name], dry)
        return evidence

    async def back(self, instruction: Instruction) -> list[StepError]:
        """Undo the steps that this cutover has done here and not undone, the last step first. It goes on after a failure.
        Returns the failures. Raises Superseded."""
        failures: list[StepError] = []
        for record in reversed(self.journal.open_undo(instruction.cutover)):
            self._boundary()
            try:
                await self._back_one(instruction, record)
            except StepError as error:
                log.error("undoing %s failed: %s", record.step, error)
                failures.append(error)
        return failures

    async def ask(self, question: Callable[[], Coroutine[Any, Any, Any]], limit_s: float) -> Any:
        """A question over the network, which a newer instruction interrupts. Raises StepError or Superseded."""
        return await self._limited("the proof", limit_s, self._unless_newer(question()))

    def context(self, instruction: Instruction, limit_s: float) -> Context:
        """A fresh context for one step."""
        saved = {record.step: record.saved for record in self.journal.open_undo(instruction.cutover)}
        return Context(instruction, self.host, self.clock, limit_s, saved)

    async def _forward_one(self, instruction: Instruction, step: Step, dry: bool) -> Evidence:
        limit_s = catalogue.info(step.name, self.host.restart).limit_s
        context = self.context(instruction, limit_s)
        if not dry:
            self._count_start(instruction.seq, step.name, MAX_STARTS)
        begun = time.monotonic()
        work = step.verify(context) if dry else self._apply(step, context)
        evidence = await self._limited(step.name, limit_s, self._unless_newer(work) if step.asks_only else work)
        if not dry:
            failpoints.step(self.host.config.role, step.name, "proved")
            self._done(instruction, step.name, "forward", begun, evidence)
            failpoints.step(self.host.config.role, step.name, "reported")
        return dict(evidence)

    async def _apply(self, step: Step, context: Context) -> Evidence:
        if not await step.check(context):
            # An existing record describes the state before this step's first attempt, so it must not be replaced.
            if step.name not in context.saved and (saved := await step.save(context)) is not None:
                self.journal.undo(context.instruction, step.name, saved)
                context.saved[step.name] = saved
                failpoints.step(self.host.config.role, step.name, "saved")
            await step.apply(context)
            failpoints.step(self.host.config.role, step.name, "applied")
        return await step.verify(context)

    async def _back_one(self, instruction: Instruction, record: UndoRecord) -> None:
        step = self.steps[record.step]
        limit_s = step.undo_limit_s or catalogue.info(step.name, self.host.restart).limit_s
        self._count_start(instruction.seq, f"undo {step.name}", MAX_UNDO_STARTS)
        begun = time.monotonic()
        context = self.context(record.instruction, limit_s)
        failpoints.step(self.host.config.role, step.name, "undoing")
        evidence = await self._limited(f"undoing {step.name}", limit_s, step.undo(context, record.saved))
        failpoints.step(self.host.config.role, step.name, "undone")
        await self._limited("journal", limit_s, self._mark_undone(record))
        failpoints.step(self.host.config.role, step.name, "marked")
        self._done(instruction, step.name, "back", begun, evidence)

    async def _mark_undone(self, record: UndoRecord) -> None:
        cutover = record.instruction.cutover
        for other in self.journal.open_undo(cutover):  # first, so that a crash in between cannot leave only them
            if self.steps[other.step].takes_back == record.step:
                self.journal.undone(cutover, other.step)
        self.journal.undone(cutover, record.step)

    def _count_start(self, seq: int, name: str, most: int) -> None:
        if self.journal.ledger.starts.get((seq, name), 0) >= most:
            message = f"the agent died {most} times during {name}"
            raise StepError("crash_loop", message, "Send the agent's log to support; check the device's power and disk.")
        try:
            self.journal.start(seq, name)
        except OSError as error:
            raise _no_journal(error) from error

    def _done(self, instruction: Instruction, step: str, direction: Direction, begun: float, evidence: Evidence) -> None:
        took_ms = round((time.monotonic() - begun) * 1000)
        report = StepDone(
            n=0, seq=instruction.seq, epoch=instruction.epoch, cutover=instruction.cutover, step=step,
            direction=direction, at_ms=self.clock.now_ms(), took_ms=took_ms, evidence=evidence,
        )  # fmt: skip
        self.journal.report(report)

    def _boundary(self) -> None:
        if self.newer.is_set():
            raise Superseded("a newer instruction has come")

    async def _limited(self, name: str, limit_s: float, work: Coroutine[Any, Any, Any]) -> Any:
        """The work's result, if it ends within limit_s seconds. Every failure becomes a StepError, because a step that
        fails in an unexpected way must be undone like any other."""
        try:
            async with asyncio.timeout(limit_s):
                return await work
        except AgentError:
            raise
        except TimeoutError as error:
            message = f"{name} was not done within {limit_s:.0f} s"
            raise StepError("step_timeout", message, "Check the device; try again.", retryable=True) from error
        except OSError as error:
            raise _no_journal(error) from error
        except Exception as error:
            log.exception("%s failed in an unexpected way", name)
            raise StepError("internal_error", f"{name}: {error!r}", "Send the agent's log to support.") from error

    async def _unless_newer(self, work: Coroutine[Any, Any, Evidence]) -> Evidence:
        """The work's result. Raises Superseded as soon as there is a newer instruction."""
        task, newer = asyncio.ensure_future(work), asyncio.ensure_future(self.newer.wait())
        try:
            await asyncio.wait({task, newer}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Superseded("a newer instruction has come")
        finally:
            newer.cancel()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, StepError):
                await task


def _no_journal(error: OSError) -> StepError:
    message = f"reading or writing on the device failed: {error.strerror or error}"
    return StepError("device_error", message, "Check free space and the agent's rights on its state folder.", retryable=True)
