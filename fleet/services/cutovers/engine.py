"""One cutover under its lock: carries out what the domain decides, and writes down every change.

A LockedCutover lives inside one transaction. The caller first applies what happened: a report, a person's action or the
passing of time. Then it calls settle(), which asks the plan what comes next until only waiting is left.
"""

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, cast

from django.db.models import F

from agents import failpoints
from agents.protocol import Action, Finding
from fleet.cutover import causes, plan, states
from fleet.cutover.snapshot import Ask, Cause, Move, MoveRun, Snapshot
from fleet.cutover.states import AT_REST, Run
from fleet.models import Cutover, DeviceRun, Site, Transition
from fleet.services.after_commit import AfterCommit, Dispatch
from fleet.services.clock import to_ms
from fleet.services.cutovers import cut_off, participants
from fleet.services.cutovers.run_steps import first_step, step_limit
from fleet.services.errors import Conflict, StaleState
from fleet.services.sanitize import LARGEST_NUMBER

CHUNK = 50  # device runs per dispatch task
ARM_LIMIT_S = 8  # how long a device may take to answer at arming
ARM_LIMIT_SERVER_S = 25  # longer, because no cutover is possible without the server, and no terminal is cut off yet
ARM_LIMIT_ABSENT_S = 3  # for a device whose agent has no connection when arming begins
MAX_ROUNDS = 100  # of asking the plan; a plan that does not come to an end is a bug, and raises


class LockedCutover:
    """One cutover and its device runs, in one transaction. Create it inside transaction.atomic(). Raises
    Cutover.DoesNotExist."""

    def __init__(self, cutover_id: int, now: dt.datetime) -> None:
        self.now = now
        self.cutover = Cutover.objects.select_for_update().select_related("site").get(pk=cutover_id)
        self.runs: dict[int, DeviceRun] = {}
        self.load_runs()
        self.after = AfterCommit()
        self._version: int | None = None  # of this transaction's changes, once there is one
        self._chain: str | None = None  # the digest of the newest Transition, once it was read

    def load_runs(self) -> None:
        """Read the device runs, with their devices and agents."""
        runs = self.cutover.runs.select_related("device__agent").order_by("kind", "device__name", "id")
        self.runs = {run.pk: run for run in runs}

    # -- the loop

    def settle(self) -> AfterCommit:
        """Do what the plan says until it has nothing more to say. Returns what is to be done after the commit."""
        for _ in range(MAX_ROUNDS):
            snapshot = self.snapshot()
            steps = plan.next_steps(snapshot, self.now) if snapshot else []
            if not steps:
                return self.after
            self._carry_out(steps)
            failpoints.reached("engine.carried_out")
        raise RuntimeError(f"{self.cutover} does not settle")

    def snapshot(self) -> Snapshot | None:
        """What the domain sees, or None before there are any device runs to decide about."""
        return participants.snapshot(self.cutover, self.runs.values(), self.now)

    def _carry_out(self, steps: list[Any]) -> None:
        moves = [s for s in steps if isinstance(s, MoveRun)]
        for step in steps:
            if isinstance(step, Ask):
                self.ask([self.runs[i] for i in step.runs], step.action)
        self.move_runs(moves, actor="plan")
        for step in steps:
            if isinstance(step, Move):
                self.move(step.to, step.reason, actor="plan", finding=step.finding, cause=step.cause)

    # -- changes of state: each is guarded and written down

    def move(
        self, to: states.Cutover, reason: str, *, actor: str, finding: Finding | None = None, cause: Cause | None = None
    ) -> None:
        """Change the cutover's own state. The first cause stays. Raises IllegalMove for a move that the tables do not allow,
        StaleState if somebody else was first."""
        old = self.cutover.state
        states.advance(states.Cutover, old, to)
        changes = self._consequences(states.Cutover(old), to)
        changes |= {"state": to.value, "reason": reason[:1000], "finding": asdict(finding) if finding else None}
        if self.cutover.cause is None and (cause or finding):
            changes["cause"] = asdict(cause or causes.of_finding(cast(Finding, finding)))
        self._update_cutover(old, changes)
        self._write_down([self._row(None, old, to, actor, reason)])
        if to is states.Cutover.VERIFYING:
            # The last check is made again each time, also after a retry in the same epoch.
            self.forget_asked([r for r in self.runs.values() if r.kind == "server"])

    def move_run(self, run: DeviceRun, to: Run, reason: str, *, actor: str, finding: Finding | None = None) -> None:
        """Change one device run's state."""
        self.move_runs([MoveRun(run.pk, to, reason, finding)], actor=actor)

    def move_runs(self, moves: Iterable[MoveRun], *, actor: str) -> None:
        """Change the state of many device runs: one guarded update for each kind of move, one Transition row for each run."""
        groups: dict[tuple[str, Run, str], list[MoveRun]] = defaultdict(list)
        for move in moves:
            key = json.dumps(asdict(move.finding), sort_keys=True) if move.finding else ""
            groups[(self.runs[move.run].state, move.to, key)].append(move)
        rows = []
        for (old, to, _), group in groups.items():
            states.advance(Run, old, to)
            changes = {"state": to.value, **_finding(to, group[0].finding), **_run_consequences(to)}
            self._update_runs([m.run for m in group], old, changes)
            rows += [self._row(self.runs[m.run], old, to, actor, m.reason) for m in group]
        self._write_down(rows)

    def ask(self, runs: list[DeviceRun], action: Action) -> None:
        """Note that these devices are to get an instruction. A worker writes and signs it later. A device by hand gets
        none: its page asks a person."""
        groups: dict[tuple[str, dt.datetime | None], list[int]] = defaultdict(list)
        again = action == "verify" and runs[0].kind == "terminal"
        for run in runs:
            # No deadline for a device that is off, nor for a second lookup: the till may be off by then.
            free = run.state == Run.LATE or again
            deadline = None if free else self.now + dt.timedelta(seconds=self._limit(run, action))
            groups[("" if free or run.by_hand else first_step(run, action), deadline)].append(run.pk)
        flips = int(action == "switch")
        for (step, deadline), group in groups.items():
            same = {"asked_action": action, "asked_epoch": self.cutover.epoch, "step": step, "deadline_at": deadline}
            same |= {"confirm_at": None} if again else {"version": self.touch(), "changed_at": self.now}
            grow = {"asks": F("asks") + 1, "attempts": F("attempts") + flips, "confirms": F("confirms") + int(again)}
            DeviceRun.objects.filter(pk__in=group).update(**same, **grow, **({"touched": True} if flips else {}))
            for run in (self.runs[pk] for pk in group):
                for name, value in same.items():
                    setattr(run, name, value)
                run.asks, run.attempts, run.touched = run.asks + 1, run.attempts + flips, run.touched or bool(flips)
                run.confirms += int(again)
        if any(run.kind == "server" and run.by_hand for run in runs):
            self._begin_outage()
        ids = [run.pk for run in runs if not run.by_hand]
        self.after.dispatch += [Dispatch(self.cutover.pk, tuple(ids[i : i + CHUNK])) for i in range(0, len(ids), CHUNK)]

    def forget_asked(self, runs: list[DeviceRun]) -> None:
        """Treat these device runs as if they had not been asked for anything in this epoch."""
        DeviceRun.objects.filter(pk__in=[r.pk for r in runs]).update(asked_action="", deadline_at=None)
        for run in runs:
            run.asked_action, run.deadline_at = "", None

    def touch(self) -> int:
        """The version of this transaction's changes. Live pages fetch everything that is newer than what they show."""
        if self._version is None:
            self._version = self.cutover.version + 1
            Cutover.objects.filter(pk=self.cutover.pk).update(version=self._version)
            self.cutover.version = self._version
            self.after.changed.add(self.cutover.pk)
        return self._version

    # -- inside

    def _consequences(self, old: states.Cutover, to: states.Cutover) -> dict[str, Any]:
        """What else changes with a move of the cutover."""
        changes: dict[str, Any] = {}
        if to is states.Cutover.ARMING and old is states.Cutover.SCHEDULED:
            changes["started_at"] = self.now
            Site.objects.filter(pk=self.cutover.site_id).update(last_tick_at=self.now)
            # A terminal that was enrolled since the cutover was scheduled takes part.
            participants.make_runs(self.cutover)
            self.load_runs()
        if to is states.Cutover.ROLLING_BACK:
            changes |= {"epoch": self.new_epoch(), "direction": "back"}
        if to is states.Cutover.PAUSED:
            changes["paused_from"] = old.value
        if to is states.Cutover.SWITCHING:
            changes["server_checked"] = False
        if to is states.Cutover.ROLLED_BACK:
            # A terminal by hand that nobody has touched is as before, and so is its server. Nobody else will say so.
            for run in self.runs.values():
                if run.by_hand and not run.touched:
                    cut_off.end(self, run, to_ms(self.now))
        if to in AT_REST:
            changes["ended_at"] = self.now
        return changes

    def new_epoch(self) -> int:
        """One more than any cutover of this site has used. Raises Conflict if the number is out of its bounds, which an agent
        could cause in older versions."""
        if self.cutover.site.epoch >= LARGEST_NUMBER:
            raise Conflict(
                "this site's numbers are out of bounds: run manage.py heal_numbers (docs/reliability.md), then try again"
            )
        Site.objects.filter(pk=self.cutover.site_id).update(epoch=F("epoch") + 1)
        self.cutover.site.refresh_from_db(fields=["epoch"])
        return self.cutover.site.epoch

    def set(self, **changes: Any) -> None:
        """Change fields of the cutover other than its state."""
        self._update_cutover(self.cutover.state, changes)

    def _update_cutover(self, old: str, changes: dict[str, Any]) -> None:
        self.touch()
        if Cutover.objects.filter(pk=self.cutover.pk, state=old).update(**changes) != 1:
            raise StaleState(f"{self.cutover} is no longer {old}")
        for name, value in changes.items():
            setattr(self.cutover, name, value)

    def _update_runs(self, ids: list[int], old: str, changes: dict[str, Any]) -> None:
        changes |= {"version": self.touch(), "changed_at": self.now}
        if DeviceRun.objects.filter(pk__in=ids, state=old).update(**changes) != len(ids):
            raise StaleState(f"a device run of {self.cutover} is no longer {old}")
        for pk in ids:
            for name, value in changes.items():
                setattr(self.runs[pk], name, value)

    def _begin_outage(self) -> None:
        """A person was asked to set the server, or to set it back. Nobody reports when its service stops, so the outage counts
        from now on: a little too long, never too short."""
        now_ms, going_back = to_ms(self.now), self.cutover.direction == "back"
        if self.cutover.last_answer_ms is None and not going_back:
            self.set(last_answer_ms=now_ms)
        if self.cutover.last_answer_ms is not None:
            cut_off.begin(self, self.runs.values(), now_ms)

    def _limit(self, run: DeviceRun, action: Action) -> float:
        if run.by_hand:
            return self.cutover.by_hand_minutes * 60
        if action == "arm" and run.kind == "server":
            return ARM_LIMIT_SERVER_S
        if action == "arm":
            agent = getattr(run.device, "agent", None)
            return ARM_LIMIT_S if agent and agent.connected else ARM_LIMIT_ABSENT_S
        return step_limit(run, first_step(run, action))

    def _row(self, run: DeviceRun | None, old: str, new: str, actor: str, reason: str) -> Transition:
        name = run.device.name if run else ""
        return Transition(
            cutover=self.cutover, run=run, device_name=name, at=self.now, old=old, new=new, actor=actor, reason=reason[:1000]
        )

    def _write_down(self, rows: list[Transition]) -> None:
        if not rows:
            return
        if self._chain is None:
            last = Transition.objects.filter(cutover=self.cutover).order_by("-id").first()
            self._chain = last.digest if last else ""
        for row in rows:
            row.version = self.touch()
            row.digest = self._chain = chain_digest(self._chain, row)
        Transition.objects.bulk_create(rows)


def chain_digest(before: str, row: Transition) -> str:
    """SHA-256 over the digest of the row before and this row's content, so that the audit log is a chain."""
    text = json.dumps(
        [before, row.cutover_id, row.run_id, row.device_name, row.at.isoformat(), row.old, row.new, row.actor, row.reason]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _run_consequences(to: Run) -> dict[str, Any]:
    """What else changes with a move: a run that is not under way waits for nothing."""
    if to in (Run.SWITCHING, Run.UNDOING):
        return {}
    return {"deadline_at": None, "step": "", "confirm_at": None}


def _finding(to: Run, finding: Finding | None) -> dict[str, Any]:
    """What is known to be wrong with a run after a move. A device that is undone keeps the reason for it."""
    if finding is None and to in (Run.UNDOING, Run.RESTORED):
        return {}
    return {"finding": asdict(finding) if finding else None}
