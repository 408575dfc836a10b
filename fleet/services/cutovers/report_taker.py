"""Applies the reports of one batch to one cutover. Each report comes with the instruction that it answers, and its times
and durations are bounded by the time when the dashboard asked and the time when the answer came."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from agents import catalogue
from agents.protocol import Action, Finding, Finished, Report, StepDone
from fleet.cutover import proofs
from fleet.cutover import reports as rules
from fleet.cutover.proofs import Expected
from fleet.cutover.states import Cutover as CutoverState
from fleet.cutover.states import Run
from fleet.models import Device, DeviceRun, Instruction, StepRun
from fleet.services import alarms
from fleet.services.clock import from_ms, to_ms
from fleet.services.cutovers import cut_off, second_lookup
from fleet.services.cutovers.engine import LockedCutover
from fleet.services.cutovers.run_steps import step_limit, steps_of
from fleet.services.probes.versions import statuses
from fleet.services.sanitize import countable, fit, fit_finding

MAX_EVIDENCE = 40  # facts of one step; an honest agent sends ten
_ARM_STEPS = frozenset(step.name for step in catalogue.ARM_STEPS)
# Codes of refusals that concern only this one instruction, and say nothing about the next one.
_PASSING = frozenset({"expired", "journal_failed", "superseded", "restart_not_planned"})


class ReportTaker:
    """The reports of one batch about one cutover, under its lock."""

    def __init__(self, locked: LockedCutover, batch: Sequence[tuple[Report, Instruction]]) -> None:
        self.locked = locked
        self.new_steps: list[StepRun] = []
        self.moved_on: dict[int, DeviceRun] = {}  # runs with a new step, by id
        self.obeying: set[str] = set()  # agents that took an instruction of ours
        # Evidence by run and number of the instruction, then by step: what was kept before, and what this batch adds.
        self.evidence: dict[tuple[int, int], dict[str, dict[str, Any]]] = defaultdict(dict)
        had = StepRun.objects.filter(run__in={a.run_id for _, a in batch}, seq__in={r.seq for r, _ in batch})
        self.known = set()
        for run, seq, name, direction, evidence in had.values_list("run_id", "seq", "name", "direction", "evidence"):
            self.known.add((run, seq, name, direction))
            if direction == "forward":
                self.evidence[(run, seq)][name] = evidence

    def step_done(self, run: DeviceRun, report: StepDone, asked: Instruction) -> None:
        """Keep the evidence of one step. The device is alive, so its deadline moves to the next step."""
        key = (run.pk, report.seq, report.step[:24], report.direction)
        if key in self.known or report.step not in _steps_of(run):
            return
        self.known.add(key)
        row = StepRun(run=run, epoch=report.epoch, seq=report.seq, name=report.step, direction=report.direction)
        row.at = from_ms(self._within(report.at_ms, asked))
        row.took_ms = min(max(report.took_ms, 0), self._waited_ms(asked), 2**31 - 1)
        row.evidence = fit(dict(list(report.evidence.items())[:MAX_EVIDENCE]))
        self.new_steps.append(row)
        if report.direction == "forward":
            self.evidence[(run.pk, report.seq)][report.step] = row.evidence
        self._note_outage_of_all(report, asked)
        if report.epoch == self.locked.cutover.epoch:
            self._move_on(run, report, asked)

    def finished(self, run: DeviceRun, report: Finished, asked: Instruction) -> None:
        """The end of an instruction: change the run's state as the rules say."""
        locked = self.locked
        if not report.by_itself:
            if asked.finished_at is not None:
                return  # it has ended before, and ends once
            Instruction.objects.filter(pk=asked.pk).update(finished_at=locked.now)
            asked.finished_at = locked.now
        current = report.epoch == locked.cutover.epoch
        self._note_refusal(report, asked, current)
        if report.scheme:
            Device.objects.filter(pk=run.device_id).update(scheme=report.scheme)
        doubt = self._doubt(run, report, asked) if report.outcome == "done" else None
        proven = report.outcome == "done" and not doubt and report.action != "arm"
        if proven and current and run.kind == "terminal":
            cut_off.end(locked, run, self._proven_ms(run, report, asked))
        if doubt:
            report = replace(report, outcome="undo_failed" if report.action == "undo" else "failed", finding=doubt)
        if current and report.action == "verify" and run.kind == "terminal" and second_lookup.again(locked, run, report):
            return
        if current and report.action == "verify" and run.kind == "server" and report.outcome == "done":
            locked.set(server_checked=True)
        self._judge(run, report, asked, current)

    def _judge(self, run: DeviceRun, report: Finished, asked: Instruction, current: bool) -> None:
        locked = self.locked
        verdict = rules.judge(
            CutoverState(locked.cutover.state),
            "back" if locked.cutover.direction == "back" else "forward",
            Run(run.state),
            current_epoch=current,
            action=report.action,
            outcome=report.outcome,
            finding=_fit_finding(report.finding),
            server=run.kind == "server",
            by_itself=report.by_itself,
        )
        if verdict is None:
            return
        if verdict.to is Run.VERIFIED and run.kind == "terminal":
            self._note_outage(run, self._proven_ms(run, report, asked))
        was = run.state
        locked.move_run(run, verdict.to, verdict.reason, actor=run.device.name, finding=verdict.finding)
        if verdict.to is Run.VERIFIED:
            second_lookup.plan(locked, run)
        elif was == Run.VERIFIED and verdict.to is Run.FAILED:
            second_lookup.cut_off_again(locked, run)

    def _note_refusal(self, report: Finished, asked: Instruction, current: bool) -> None:
        """Sound an alarm for an agent that refuses what this dashboard signs: it would not switch in the night either."""
        if report.outcome != "refused":
            self.obeying.add(asked.agent_id)
        elif current and (finding := _fit_finding(report.finding)) and finding.code not in _PASSING:
            self.obeying.discard(asked.agent_id)
            alarms.sound([asked.agent_id], alarms.refused(finding), self.locked.now)

    def _doubt(self, run: DeviceRun, report: Finished, asked: Instruction) -> Finding | None:
        """Why this `done` proves nothing, or None if it does."""
        cutover, role = self.locked.cutover, "server" if run.kind == "server" else "terminal"
        back = report.action == "undo"
        scheme, thumbprint = cutover.from_scheme if back else cutover.to_scheme, cutover.certificate_thumbprint or None
        expected = Expected(
            scheme=scheme,  # type: ignore[arg-type]
            thumbprint=None if back or scheme == "http" else thumbprint,
            asked_ms=to_ms(asked.created_at),
            now_ms=to_ms(self.locked.now),
            # The server makes a transport proof where its own settings lack a value that the probe profile asks for.
            statuses=statuses(cutover.probe) if role == "terminal" else None,
        )
        if report.action == "switch":
            return proofs.switch_doubt(role, self.evidence[(run.pk, report.seq)], expected)  # type: ignore[arg-type]
        if report.action == "verify" or (back and role == "terminal"):
            return proofs.answer_doubt(report.evidence, report.scheme, expected)
        return None

    def _move_on(self, run: DeviceRun, report: StepDone, asked: Instruction) -> None:
        if report.step == "verify_server" and report.direction == "forward" and run.state == Run.SWITCHING:
            # The server is proven. The terminals need not wait until the Services Monitor is released.
            claim = Finished(
                n=report.n, seq=report.seq, epoch=report.epoch, cutover=report.cutover, action="switch", outcome="done",
                at_ms=report.at_ms, scheme=None,
            )  # fmt: skip
            if self._doubt(run, claim, asked) is None:
                self.locked.move_run(run, Run.VERIFIED, "answers in the new scheme", actor=run.device.name)
        # The step "ready" belongs to arming. It says that a late terminal is back, not that it is switching.
        if run.state == Run.LATE and report.direction == "forward" and report.step not in _ARM_STEPS:
            self.locked.move_run(run, Run.SWITCHING, "came back and is switching", actor=run.device.name)
        if run.state not in (Run.SWITCHING, Run.UNDOING):
            return
        step = _following(run, report)
        run.step = step or run.step
        run.deadline_at = self.locked.now + dt.timedelta(seconds=step_limit(run, run.step or report.step))
        run.version = self.locked.touch()
        self.moved_on[run.pk] = run

    def write(self) -> None:
        """Write what the steps of the whole batch changed. Runs that have ended in this batch are written already."""
        StepRun.objects.bulk_create(self.new_steps, batch_size=500)
        if self.obeying:
            alarms.end(self.obeying, alarms.INSTRUCTIONS_REFUSED)
        under_way = [run for run in self.moved_on.values() if run.state in (Run.SWITCHING, Run.UNDOING)]
        DeviceRun.objects.bulk_update(under_way, ["step", "deadline_at", "version"], batch_size=200)

    # -- times

    def _note_outage_of_all(self, report: StepDone, asked: Instruction) -> None:
        """From its service's stop on, the server answers nobody. A second stop in the same cutover, as a retry after a crash
        makes it, does not move the beginning of the outage."""
        locked, runs = self.locked, self.locked.runs.values()
        begun = locked.cutover.last_answer_ms is not None
        at = report.evidence.get({"stop_service": "last_answer_ms", "start_service": "stopped_ms"}.get(report.step, ""))
        if not _whole(at):
            return
        if (report.step, report.direction, begun) == ("stop_service", "forward", False):
            locked.set(last_answer_ms=self._within(at, asked))
            cut_off.begin(locked, runs, self._within(at, asked))
        elif (report.step, report.direction, begun) == ("start_service", "back", True):
            cut_off.begin(locked, runs, self._within(at, asked))

    def _note_outage(self, run: DeviceRun, ended_ms: int) -> None:
        begun = self.locked.cutover.last_answer_ms
        run.outage_ms = max(0, ended_ms - begun) if begun is not None else 0
        DeviceRun.objects.filter(pk=run.pk).update(outage_ms=run.outage_ms)

    def _proven_ms(self, run: DeviceRun, report: Finished, asked: Instruction) -> int:
        """When the lookup was answered that proves this report, in ms since 1970."""
        lookup = self.evidence[(run.pk, report.seq)].get("member_lookup", {}) if report.action == "switch" else report.evidence
        at = lookup.get("at_ms")
        return self._within(at if _whole(at) else report.at_ms, asked)

    def _within(self, ms: int, asked: Instruction) -> int:
        """The agent's time (ms since 1970), moved into the span between asking and now, because it must lie there."""
        low, high = sorted((to_ms(asked.created_at), to_ms(self.locked.now)))
        return min(max(ms, low), high)

    def _waited_ms(self, asked: Instruction) -> int:
        return max(0, to_ms(self.locked.now) - to_ms(asked.created_at))


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and countable(value)


def _fit_finding(finding: Finding | None) -> Finding | None:
    return None if finding is None else fit_finding(finding)


def _steps_of(run: DeviceRun) -> list[str]:
    """The steps that a device of this kind has. Reports about other steps are ignored."""
    actions: tuple[Action, ...] = ("arm", "switch")
    return [s.name for action in actions for s in steps_of(run, action)]


def _following(run: DeviceRun, report: StepDone) -> str:
    """The step after this one in the report's direction, or "" after the last one."""
    names = [s.name for s in steps_of(run, "switch")]
    if report.direction == "back":
        names.reverse()
    at = names.index(report.step) if report.step in names else -1
    return names[at + 1] if 0 <= at < len(names) - 1 else ""
