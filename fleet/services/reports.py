"""Taking agents' reports: in batches, each once, in the order in which they were made."""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeGuard

from django.db import transaction

from agents import catalogue, points
from agents.protocol import Finding, Finished, Report, StepDone
from fleet.cutover import reports as rules
from fleet.cutover.states import Cutover as CutoverState
from fleet.cutover.states import Run
from fleet.models import Agent, Cutover, Device, DeviceRun, Instruction, StepRun
from fleet.services.clock import from_ms
from fleet.services.engine import Session, step_limit
from fleet.services.foreign import LARGEST, countable, fit, fit_text
from fleet.services.outcome import Next

log = logging.getLogger(__name__)

Batch = Sequence[tuple[str, Report]]
_ARM_STEPS = frozenset(step.name for step in catalogue.ARM_STEPS)


def take(batch: Batch, now: dt.datetime) -> tuple[Next, dict[str, int]]:
    """Put these (agent id, report) pairs into the database. Returns what to do next, and for each agent
    the number up to which it may forget its reports. A report seen before changes nothing."""
    after = Next()
    with transaction.atomic():
        # Not locked: everywhere a cutover is locked before its agents, and what is read here only grows.
        agents = {a.pk: a for a in Agent.objects.filter(pk__in={agent for agent, _ in batch})}
        fresh = _only_new(batch, agents)
        for cutover_id, group in _by_cutover(fresh).items():
            after.add(_apply(cutover_id, group, agents, now))
        Agent.objects.bulk_update(agents.values(), ["acked"], batch_size=500)
        seen = list(agents)
        Agent.objects.filter(pk__in=seen).update(last_seen=now)
        points.reached("gateway.take_uncommitted")
    points.reached("gateway.take_committed")
    return after, {pk: agent.acked for pk, agent in agents.items()}


def _only_new(batch: Batch, agents: dict[str, Agent]) -> list[tuple[str, Report]]:
    fresh = []
    for agent_id, report in batch:
        agent = agents.get(agent_id)
        if agent is None or not agent.acked < report.n <= LARGEST:
            continue
        agent.acked = report.n
        if countable(report.seq, report.epoch, report.cutover):
            fresh.append((agent_id, report))
    return fresh


def _by_cutover(batch: Batch) -> dict[int, list[tuple[str, Report]]]:
    groups: dict[int, list[tuple[str, Report]]] = defaultdict(list)
    for agent_id, report in batch:
        groups[report.cutover].append((agent_id, report))
    return dict(sorted(groups.items()))  # always the same order of locks


def _apply(cutover_id: int, group: Batch, agents: dict[str, Agent], now: dt.datetime) -> Next:
    try:
        session = Session(cutover_id, now)
    except Cutover.DoesNotExist:
        # Reports about a cutover that this database has never heard of: it was restored from a backup.
        log.warning("reports about unknown cutover %s from %s agents", cutover_id, len(group))
        return Next()
    runs = {run.device_id: run for run in session.runs.values()}
    taker = _Taker(session, [r for _, r in group])
    for agent_id, report in group:
        run = runs.get(agents[agent_id].device_id)
        if run is None:
            log.warning("agent %s reports about cutover %s in which it has no part", agent_id, cutover_id)
        elif isinstance(report, StepDone):
            taker.step_done(run, report)
        else:
            taker.finished(run, report)
    taker.write()
    return session.settle()


class _Taker:
    """The reports of one batch about one cutover."""

    def __init__(self, session: Session, batch: Sequence[Report]) -> None:
        self.session = session
        self.looked_up: dict[tuple[int, int], int] = {}
        self.new_steps: list[StepRun] = []
        self.moved_on: dict[int, DeviceRun] = {}
        steps = [r for r in batch if isinstance(r, StepDone)]
        had = StepRun.objects.filter(run__in=list(session.runs), seq__in={r.seq for r in steps})
        self.known = set(had.values_list("run_id", "seq", "name", "direction"))

    def step_done(self, run: DeviceRun, report: StepDone) -> None:
        """One step: keep its evidence; the device is alive, so its deadline moves to the next step."""
        key = (run.pk, report.seq, report.step[:24], report.direction)
        if key in self.known or report.step not in _steps_of(run):
            return
        self.known.add(key)
        row = StepRun(run=run, epoch=report.epoch, seq=report.seq, name=report.step, direction=report.direction)
        row.at = _time(report.at_ms, self.session.now)
        row.took_ms = min(max(report.took_ms, 0), 2**31 - 1)
        row.evidence = fit(report.evidence)
        self.new_steps.append(row)
        if report.step == "stop_service" and report.direction == "forward":
            self._note_last_answer(report)
        if report.step == "member_lookup" and report.direction == "forward":
            self.looked_up[(run.pk, report.seq)] = _lookup_ms(report)
        if report.epoch == self.session.cutover.epoch:
            self._move_on(run, report)

    def finished(self, run: DeviceRun, report: Finished) -> None:
        """The end of an instruction: the run moves as the rules say."""
        session = self.session
        Instruction.objects.filter(seq=report.seq, run=run, finished_at__isnull=True).update(finished_at=session.now)
        if report.scheme:
            Device.objects.filter(pk=run.device_id).update(scheme=report.scheme)
        current = report.epoch == session.cutover.epoch
        if current and report.action == "verify" and run.kind == "server" and report.outcome == "done":
            session.set(server_checked=True)
        verdict = rules.judge(
            CutoverState(session.cutover.state),
            "back" if session.cutover.direction == "back" else "forward",
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
        actor = run.device.name
        if verdict.to is Run.VERIFIED and run.kind == "terminal":
            self._note_outage(run, report)
        session.move_run(run, verdict.to, verdict.reason, actor=actor, finding=verdict.finding)

    def _move_on(self, run: DeviceRun, report: StepDone) -> None:
        if report.step == "verify_server" and report.direction == "forward" and run.state == Run.SWITCHING:
            # Proven; terminals need not wait until the Services Monitor is released as well.
            self.session.move_run(run, Run.VERIFIED, "answers in the new scheme", actor=run.device.name)
        # "ready" belongs to arming: it tells that a late terminal is there again, not that it is switching.
        if run.state == Run.LATE and report.direction == "forward" and report.step not in _ARM_STEPS:
            self.session.move_run(run, Run.SWITCHING, "came back and is switching", actor=run.device.name)
        if run.state not in (Run.SWITCHING, Run.UNDOING):
            return
        step = _following(run, report)
        run.step = step or run.step
        run.deadline_at = self.session.now + dt.timedelta(seconds=step_limit(run.step or report.step))
        run.version = self.session.touch()
        self.moved_on[run.pk] = run

    def write(self) -> None:
        """What the steps of the whole batch changed; a run that has come to an end since has been written."""
        StepRun.objects.bulk_create(self.new_steps, batch_size=500)
        under_way = [run for run in self.moved_on.values() if run.state in (Run.SWITCHING, Run.UNDOING)]
        DeviceRun.objects.bulk_update(under_way, ["step", "deadline_at", "version"], batch_size=200)

    def _note_last_answer(self, report: StepDone) -> None:
        """The outage of every terminal begins here. A second stop in the same cutover (a retry after a
        crash) does not move it."""
        at = report.evidence.get("last_answer_ms")
        if self.session.cutover.last_answer_ms is None and _is_time(at):
            self.session.set(last_answer_ms=at)

    def _note_outage(self, run: DeviceRun, report: Finished) -> None:
        begun = self.session.cutover.last_answer_ms
        ended = self.looked_up.get((run.pk, report.seq)) or _stored_lookup(run, report) or report.at_ms
        run.outage_ms = min(max(0, ended - begun), LARGEST) if begun is not None else 0
        DeviceRun.objects.filter(pk=run.pk).update(outage_ms=run.outage_ms)


def _lookup_ms(report: StepDone) -> int:
    at = report.evidence.get("at_ms")
    return at if _is_time(at) else report.at_ms


def _is_time(ms: object) -> TypeGuard[int]:
    return isinstance(ms, int) and not isinstance(ms, bool) and countable(ms)


def _fit_finding(finding: Finding | None) -> Finding | None:
    return finding and Finding(fit_text(finding.code), fit_text(finding.message), fit_text(finding.remedy))


def _stored_lookup(run: DeviceRun, report: Finished) -> int | None:
    step = StepRun.objects.filter(run=run, seq=report.seq, name="member_lookup", direction="forward").first()
    return round(step.at.timestamp() * 1000) if step else None


def _steps_of(run: DeviceRun) -> list[str]:
    """The steps that a device of this kind has: it cannot speak of another's."""
    return [s.name for action in ("arm", "switch") for s in catalogue.steps_for(run.kind, action)]  # type: ignore[arg-type]


def _following(run: DeviceRun, report: StepDone) -> str:
    """The step after this one, on the way forward or back; "" after the last."""
    names = [s.name for s in catalogue.steps_for(run.kind, "switch")]  # type: ignore[arg-type]
    if report.direction == "back":
        names.reverse()
    at = names.index(report.step) if report.step in names else -1
    return names[at + 1] if 0 <= at < len(names) - 1 else ""


def _time(ms: int, now: dt.datetime) -> dt.datetime:
    """The agent's time of a step, or now where it is no time at all."""
    try:
        return from_ms(ms)
    except ValueError:
        return now
