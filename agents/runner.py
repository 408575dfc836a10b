"""Takes, refuses, carries out and ends instructions, one at a time. transport.py has verified them before. Pure asyncio, no
network."""

import asyncio
import dataclasses
import functools
import logging
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from agents import catalogue, failpoints
from agents.clock import Clock
from agents.errors import StepError
from agents.hosts import asking
from agents.hosts.host import Host
from agents.probes.profile import ProbeError
from agents.protocol import Finding, Finished, Instruction, Outcome, Proof, Role, Scheme
from agents.steps import steps as all_steps
from agents.steps.base import Evidence, Step
from agents.steps.step_executor import StepExecutor, Superseded
from agents.storage.journal import Journal
from agents.storage.ledger import Failure

log = logging.getLogger(__name__)

VERIFY_AFTER_UNDO_S = 20.0
GLANCE_S = 3.0  # for a lookup that only asks whether the server answers right now
# The pauses between attempts to undo: a disk may be full for a moment only, or a service busy. Together they are shorter
# than the silence after which the dashboard regards the device as lost.
UNDO_PAUSES_S = (1.0, 2.0, 4.0, 8.0)


class Runner:
    """Carries instructions out, one after the other. Its reports go into the journal, from where the transport sends them."""

    def __init__(self, host: Host, journal: Journal, clock: Clock, *, steps: Mapping[str, Step] | None = None) -> None:
        self.host, self.journal, self.clock = host, journal, clock
        self.role: Role = host.config.role
        self.executor = StepExecutor(host, journal, clock, steps or all_steps(self.role))
        # Set after every instruction, because the device may look different now. The transport then sends the inventory.
        self.changed = asyncio.Event()
        self.heard_at = time.monotonic()
        self._queue: asyncio.Queue[Instruction] = asyncio.Queue()
        self._running: Instruction | None = None
        self._turn = asyncio.Lock()  # held while an instruction is carried out

    def heard(self) -> None:
        """Call at every sign of life of the dashboard: the lease begins anew."""
        self.heard_at = time.monotonic()

    @property
    def idle(self) -> bool:
        """Whether no instruction runs or waits."""
        return self._running is None and self._queue.empty() and not self.journal.ledger.instructions

    async def back_alone(self, instruction: Instruction, why: Finding) -> None:
        """Undo this cutover's steps without an instruction, because the dashboard is gone."""
        log.error("acting alone: %s", why.message)
        await self._alone(dataclasses.replace(instruction, action="undo"), self._undo(instruction, by_itself=why))

    async def forward_alone(self, instruction: Instruction) -> None:
        """Switch without an instruction, as a terminal does that follows its server."""
        log.error("acting alone: switching to %s, which the server speaks", instruction.to_scheme)
        await self._alone(instruction, self._forward_alone(instruction))

    async def _alone(self, instruction: Instruction, work: Coroutine[Any, Any, None]) -> None:
        async with self._turn:
            self._running = instruction
            self.executor.newer.clear()
            try:
                await work
            except Superseded:
                log.info("the dashboard is back and has taken over")
            finally:
                self._running = None
        self.changed.set()

    async def _forward_alone(self, instruction: Instruction) -> None:
        try:
            await self.executor.forward(instruction, instruction.steps)
        except StepError as error:
            await self.executor.back(instruction)
            log.warning("could not follow the server: %s", error)
        else:
            self._finish(instruction, "done", by_itself=True)

    def submit(self, instruction: Instruction, proof: Proof | None = None) -> None:
        """Accept, refuse or ignore an instruction whose signature, address and expiry are good. proof: the instruction as
        signed."""
        ledger = self.journal.ledger
        if instruction.seq in ledger.instructions:
            return  # sent twice: it already waits or runs
        if any(isinstance(report, Finished) and report.seq == instruction.seq for report in ledger.outbox.values()):
            return  # sent twice, and ended: its report is still to be sent
        last = ledger.last_finished
        if last is not None and last.seq == instruction.seq:
            self.journal.report(last)  # sent twice, and ended: report its end again
            return
        if instruction.epoch < ledger.epoch or instruction.seq <= ledger.seq:
            self._refuse(instruction, "stale_instruction", "a newer instruction has been accepted before")
        elif any(name not in self._known(instruction) for name in instruction.steps):
            self._refuse(instruction, "unknown_step", "a step is not in this agent's catalogue")
        elif why := _probe_error(instruction):
            self._refuse(instruction, asking.UNUSABLE, why)
        elif self.host.restart and instruction.action == "switch" and catalogue.RESTART_TOUCH.name not in instruction.steps:
            # The dashboard knew an older inventory. A Touch that is not restarted would not notice its new settings.
            self._refuse(instruction, "restart_not_planned", "the profile restarts Touch, the instruction does not")
            self.changed.set()  # so that the dashboard hears of it
        else:
            self._accept(instruction, proof)

    async def recover(self) -> None:
        """Finish the instructions that an earlier process left unfinished, before anything else: forward while an
        instruction is valid, otherwise by its policy."""
        self.host.settle_settings()
        for instruction in self.journal.recover():
            log.info("resuming instruction %s (%s)", instruction.seq, instruction.action)
            expired = self.clock.now_ms() > instruction.expires_ms
            if expired and instruction.action == "switch" and instruction.policy == "restore":
                self._note_failure(instruction, _EXPIRED)
            await self._execute(instruction)

    async def run(self) -> None:
        """Carry out the submitted instructions, for ever."""
        while True:
            instruction = await self._queue.get()
            if instruction.action in ("arm", "switch") and self.clock.now_ms() > instruction.expires_ms:
                # It waited here for too long. The agent, too, must not begin after the point of no return.
                self._finish(instruction, "failed", _TOO_LATE, restored=True)
            else:
                await self._execute(instruction)

    # --- taking and ending ---------------------------------------------------------------------------

    def _known(self, instruction: Instruction) -> set[str]:
        known = {step.name for step in catalogue.steps_for(self.role, instruction.action)}
        # Every terminal knows the restart. Where the profile has none (any more), the step finds nothing to do.
        return known | {catalogue.RESTART_TOUCH.name} if self.role == "terminal" and instruction.action != "arm" else known

    def _accept(self, instruction: Instruction, proof: Proof | None) -> None:
        newer = instruction.epoch > self.journal.ledger.epoch
        try:
            self.journal.accept(instruction, offset_ms=self.clock.offset_ms(), proof=proof)
        except OSError as error:
            self._refuse(instruction, "journal_failed", f"the journal cannot be written: {error.strerror or error}")
            return
        failpoints.agent(self.role, "accepted")
        self._queue.put_nowait(instruction)
        if newer and self._running is not None:
            self.executor.newer.set()

    def _refuse(self, instruction: Instruction, code: str, message: str) -> None:
        log.warning("instruction %s refused: %s", instruction.seq, message)
        self._finish(instruction, "refused", Failure(Finding(code, message, "Nothing was done on this device.")))

    def _finish(
        self, instruction: Instruction, outcome: Outcome, failure: Failure | None = None,
        *, restored: bool = False, by_itself: bool = False, evidence: Evidence | None = None,
    ) -> None:  # fmt: skip
        finished = Finished(
            n=0, seq=instruction.seq, epoch=instruction.epoch, cutover=instruction.cutover, action=instruction.action,
            outcome=outcome, at_ms=self.clock.now_ms(), scheme=self._scheme(), finding=failure.finding if failure else None,
            retryable=failure.retryable if failure else False, restored=restored, by_itself=by_itself,
            evidence=evidence or {},
        )  # fmt: skip
        log.info("instruction %s ended: %s %s", instruction.seq, outcome, failure.finding.code if failure else "")
        failpoints.agent(self.role, "finishing")
        self.journal.report(finished)
        failpoints.agent(self.role, "finished")

    def _scheme(self) -> Scheme | None:
        try:
            return self.host.scheme()
        except StepError:
            return None

    # --- carrying out --------------------------------------------------------------------------------

    async def _execute(self, instruction: Instruction) -> None:
        async with self._turn:
            await self._execute_now(instruction)

    async def _execute_now(self, instruction: Instruction) -> None:
        if instruction.epoch < self.journal.ledger.epoch:
            self._finish(instruction, "failed", _SUPERSEDED)  # an instruction with a newer epoch came while this one waited
            return
        self._running = instruction
        self.executor.newer.clear()
        try:
            if instruction.action == "switch":
                await self._switch(instruction)
            elif instruction.action == "undo":
                await self._undo(instruction)
            else:
                await self._look(instruction)
        except Superseded:
            self._finish(instruction, "failed", _SUPERSEDED)
        finally:
            self._running = None
        self.changed.set()

    async def _look(self, instruction: Instruction) -> None:
        """arm and verify: they change nothing, so there is nothing to undo."""
        if instruction.action == "verify" and self._scheme() != instruction.to_scheme:
            self._finish(instruction, "failed", _NOT_SWITCHED)  # a lookup could not prove anything
            return
        names = instruction.steps if instruction.action == "arm" else self._proofs()
        try:
            evidence = await self.executor.forward(instruction, names, dry=instruction.action == "verify")
        except StepError as error:
            self._finish(instruction, "failed", Failure(error.finding, error.retryable))
        else:
            self._finish(instruction, "done", evidence=evidence)

    async def _switch(self, instruction: Instruction) -> None:
        if instruction.seq not in self.journal.ledger.failures:
            try:
                await self.executor.forward(instruction, await self._still_to_do(instruction))
            except StepError as error:
                log.error("instruction %s failed: %s", instruction.seq, error)
                self._note_failure(instruction, Failure(error.finding, error.retryable))
            else:
                self._finish(instruction, "done")
                return
        failure = self.journal.ledger.failures[instruction.seq]
        problems = await self._back(instruction)
        self._finish(instruction, "failed", _with(failure, problems), restored=not problems)

    async def _undo(self, instruction: Instruction, by_itself: Finding | None = None) -> None:
        instruction = dataclasses.replace(instruction, action="undo")
        alone = by_itself is not None
        problems = await self._back(instruction)
        evidence: Evidence = {}
        try:
            evidence = await self._verify_restored(instruction)
        except StepError as error:
            problems.append(error)
        if problems:
            finding = _with(Failure(problems[0].finding, any(item.retryable for item in problems)), problems[1:])
            self._finish(instruction, "undo_failed", finding, by_itself=alone)
        else:
            why = Failure(by_itself) if by_itself else None
            self._finish(instruction, "done", why, restored=True, by_itself=alone, evidence=evidence)

    async def _back(self, instruction: Instruction) -> list[StepError]:
        """Undo everything, with a few more attempts for steps that fail. Returns the last failures. Raises Superseded."""
        problems = await self.executor.back(instruction)
        for pause_s in UNDO_PAUSES_S:
            if not any(problem.finding.code != "crash_loop" for problem in problems):
                break
            await self.executor.ask(functools.partial(asyncio.sleep, pause_s), pause_s + 1)
            problems = await self.executor.back(instruction)
        return problems

    async def _verify_restored(self, instruction: Instruction) -> Evidence:
        """Check that a restored device works in the scheme of its settings, with any certificate."""
        context = self.executor.context(instruction, VERIFY_AFTER_UNDO_S)

        async def proof() -> Evidence:
            if not await self.host.should_answer():
                return {}
            answer = await asking.member(self.host, instruction, context.patience_s)
            return {**answer.evidence(), "at_ms": self.clock.now_ms()}

        found: Evidence = await self.executor.ask(proof, VERIFY_AFTER_UNDO_S)
        return found

    async def _still_to_do(self, instruction: Instruction) -> tuple[str, ...]:
        """The steps to do. If a server already answers in the wanted scheme, these are only the proof and the steps after it,
        because all steps would stop the service once more for nothing."""
        done = {step for seq, step in self.journal.ledger.done if seq == instruction.seq}
        if done or "verify_server" not in instruction.steps or self._scheme() != instruction.to_scheme:
            return instruction.steps
        try:
            await self.executor.ask(
                lambda: asking.member(self.host, instruction, GLANCE_S, instruction.thumbprint), GLANCE_S + 1
            )
        except StepError as error:
            log.info("not yet switched: %s", error)
            return instruction.steps
        return instruction.steps[instruction.steps.index("verify_server") :]

    def _proofs(self) -> tuple[str, ...]:
        steps = catalogue.steps_for(self.role, "switch")
        return tuple(step.name for step in steps if self.executor.steps[step.name].asks_only)

    def _note_failure(self, instruction: Instruction, failure: Failure) -> None:
        """Write the failure to disk, so that the agent goes on undoing after a crash instead of switching."""
        try:
            self.journal.failing(instruction.seq, failure)
        except OSError as error:
            log.error("the failure is not in the journal: %s", error)
            self.journal.ledger.failures[instruction.seq] = failure


def _probe_error(instruction: Instruction) -> str | None:
    """What is wrong with the probe profile of this instruction, or None."""
    try:
        asking.profile(instruction.probe)
    except ProbeError as error:
        return f"the probe profile is not usable: {error}"
    return None


def _with(failure: Failure, problems: list[StepError]) -> Failure:
    """The failure, with the problems of undoing added to its message."""
    if not problems:
        return failure
    more = "; ".join(str(problem) for problem in problems)
    finding = dataclasses.replace(failure.finding, message=f"{failure.finding.message}; undoing failed as well: {more}")
    return Failure(finding, failure.retryable)


_NOT_SWITCHED = Failure(
    Finding("not_switched", "the settings differ from the plan", "Check the setting on the device, then press Retry failed.")
)
_SUPERSEDED = Failure(Finding("superseded", "a newer instruction took over", "Nothing to do."))
_TOO_LATE = Failure(
    Finding(
        "expired", "the instruction expired before it could start", "Nothing was changed here. Retry, or plan a new cutover."
    )
)
_EXPIRED = Failure(
    Finding("expired_while_down", "the instruction expired while the agent was not running", "Switch this device again."), True
)
