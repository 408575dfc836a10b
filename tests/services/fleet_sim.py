"""Simulated agents: they read the instructions that services wrote, and report as real ones do.

The truth is kept here (what each device really speaks), so that a test can compare it with what the
dashboard believes. Messages are real protocol messages; only the wire and the devices are missing."""

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from agents.protocol import Finding, Finished, Instruction, StepDone, parse_instruction
from fleet.cutover.states import Cutover as CutoverState
from fleet.cutover.states import Run, advance
from fleet.models import Cutover, Device, Site
from fleet.services.after_commit import AfterCommit
from fleet.services.clock import to_ms
from fleet.services.cutovers import actions, instructions, planning, reports, sweeps
from fleet.services.cutovers.engine import chain_digest
from tests.factories import NOW, make_user


@dataclass
class SimAgent:
    """One device and its agent. broken: every switch fails; offline: hears nothing, says nothing."""

    device: Device
    scheme: str = "http"
    broken: bool = False
    offline: bool = False
    n: int = 0
    epoch: int = 0
    done: set[int] = field(default_factory=set)
    touched: bool = False


@dataclass
class SimFleet:
    """A site, its dashboard's services, and a clock that only moves when told."""

    site: Site
    user: Any
    now: dt.datetime = NOW
    agents: dict[str, SimAgent] = field(default_factory=dict)
    log: list[tuple[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site, user: Any = None) -> "SimFleet":
        """All devices of a site that have an agent."""
        fleet = cls(site, user or make_user())
        for device in site.devices.filter(agent__isnull=False).select_related("agent"):
            fleet.agents[device.agent.pk] = SimAgent(device)
        return fleet

    def __getitem__(self, name: str) -> SimAgent:
        return next(a for a in self.agents.values() if a.device.name == name)

    @property
    def server(self) -> SimAgent:
        """The server's agent."""
        return next(a for a in self.agents.values() if a.device.kind == "server")

    def plan(self, **fields: Any) -> Cutover:
        """A draft."""
        return planning.create(self.user, planning.Plan(site_id=self.site.pk, **fields), self.now)

    def act(self, cutover: Cutover, verb: Any, user: Any = None) -> None:
        """A person presses a button."""
        after = actions.act(user or self.user, cutover.pk, verb, self.now)
        self.follow(after)

    def follow(self, after: AfterCommit) -> None:
        """What tasks.follow does, at once and in this process."""
        for chunk in after.dispatch:
            self.follow(instructions.write(chunk, self.now))

    def tick(self, seconds: float = 0) -> None:
        """Time passes, and beat ticks meanwhile as it does: without a tick for long, the dashboard would
        take itself for having been away, and give everybody's silence grace."""
        steps = min(seconds, 60.0)
        self.now += dt.timedelta(seconds=seconds - steps)
        for _ in range(int(steps // 5)):
            self.now += dt.timedelta(seconds=5)
            self.follow(sweeps.tick(self.now))
        self.now += dt.timedelta(seconds=steps % 5)
        self.follow(sweeps.tick(self.now))

    def work(self, rounds: int = 50) -> None:
        """Let every agent that is reachable do what it was told, until nobody has anything to do."""
        for _ in range(rounds):
            self.tick()
            if not sum(self.serve(agent_id) for agent_id in self.agents):
                return
        raise AssertionError("the fleet does not come to rest")

    def serve(self, agent_id: str) -> int:
        """One agent's turn: how many instructions it carried out."""
        agent = self.agents[agent_id]
        if agent.offline:
            return 0
        todo = [i for i in instructions.waiting([agent_id]) if i.seq not in agent.done]
        for row in todo:
            self.carry_out(agent_id, parse_instruction(row.body))
        return len(todo)

    def carry_out(self, agent_id: str, instruction: Instruction) -> list[Any]:
        """What a real agent does with one instruction; the reports are delivered and returned."""
        made = self.perform(agent_id, instruction)
        self.deliver([(agent_id, report) for report in made])
        return made

    def deliver(self, batch: list[tuple[str, Any]]) -> None:
        """Reports reach the dashboard."""
        self.log += batch
        after, _ = reports.take(batch, self.now)
        assert_no_trouble(self.site)
        self.follow(after)

    def perform(self, agent_id: str, instruction: Instruction) -> list[Any]:
        """The reports that this instruction leads to; the device has changed."""
        agent = self.agents[agent_id]
        agent.done.add(instruction.seq)
        if instruction.epoch < agent.epoch:
            finding = Finding("stale_instruction", "older than one already accepted", "none")
            return [self._finished(agent, instruction, "refused", finding)]
        agent.epoch = instruction.epoch
        self.now += dt.timedelta(milliseconds=100)
        if instruction.action == "arm" or (instruction.action == "verify" and agent.scheme == instruction.to_scheme):
            return [self._finished(agent, instruction, "done")]
        if instruction.action == "verify":
            return [self._finished(agent, instruction, "failed", Finding("tls_failed", "It broke.", "Mend it."))]
        works = not agent.broken or instruction.action == "undo"
        answered = agent is self.server or self.server.scheme == instruction.to_scheme
        if works and answered:
            agent.scheme = instruction.to_scheme
            return [*self._steps(agent, instruction), self._finished(agent, instruction, "done")]
        outcome = "undo_failed" if instruction.action == "undo" else "failed"
        if instruction.action == "undo":
            agent.scheme = instruction.to_scheme
        return [self._finished(agent, instruction, outcome, Finding("tls_failed", "It broke.", "Mend it."))]

    def _steps(self, agent: SimAgent, instruction: Instruction) -> list[StepDone]:
        names = instruction.steps
        back = instruction.action == "undo"
        made = []
        for name in reversed(names) if back else names:
            agent.n += 1
            at = to_ms(self.now)
            evidence = {"scheme": instruction.to_scheme} | lookup(instruction, at)
            evidence |= {"stop_service": {"last_answer_ms": at}, "start_service": {"stopped_ms": at}}.get(name, {})
            fields = (agent.n, instruction.seq, instruction.epoch, instruction.cutover, name, "back" if back else "forward")
            made.append(StepDone(*fields, at, 10, evidence))
        return made

    def _finished(self, agent: SimAgent, instruction: Instruction, outcome: Any, finding: Finding | None = None) -> Finished:
        agent.n += 1
        return Finished(
            n=agent.n, seq=instruction.seq, epoch=instruction.epoch, cutover=instruction.cutover,
            action=instruction.action, outcome=outcome, at_ms=to_ms(self.now), scheme=agent.scheme, finding=finding,
            evidence=lookup(instruction, to_ms(self.now)) if instruction.action in ("undo", "verify") else {},
        )  # fmt: skip

    def stranded(self) -> list[str]:
        """Terminals that do not speak what the server speaks."""
        return [a.device.name for a in self.agents.values() if a.scheme != self.server.scheme]


def assert_no_trouble(site: Site) -> None:
    """What fails inside the dashboard is contained there and noted beside the site: here it is an error."""
    noted = Site.objects.values_list("trouble", flat=True).get(pk=site.pk)
    assert noted is None, noted


def lookup(instruction: Instruction, at: int) -> dict[str, Any]:
    """The evidence of a good lookup, as an honest agent makes it."""
    secure = instruction.to_scheme == "https"
    tls = {"tls": "TLSv1.3", "thumbprint": instruction.thumbprint or "AB" * 20} if secure else {"tls": None, "thumbprint": None}
    proof = {"proof": "application" if instruction.probe else "transport", "matched": True, "by_http_sys": False}
    return {"status": 200, **proof, "ms": 4.2, "connect_ms": 1.5, "at_ms": at, **tls}


def states(cutover: Cutover) -> dict[str, str]:
    """name -> state of every device run, fresh from the database."""
    return dict(cutover.runs.values_list("device__name", "state"))


def check_chain(cutover: Cutover) -> None:
    """Each row of the log follows from the one before, begins where its device's last one ended, and is legal."""
    before, at = "", {}
    for row in cutover.transitions.order_by("id"):
        assert row.digest == chain_digest(before, row), f"the chain is broken at {row}"
        kind, first = (Run, "pending") if row.run_id else (CutoverState, "draft")
        assert row.old == at.get(row.run_id, first), f"{row} does not follow {at.get(row.run_id, first)}"
        advance(kind, row.old, row.new)
        before, at[row.run_id] = row.digest, row.new
    cutover.refresh_from_db()
    assert cutover.state == at.get(None, "draft")
    for run in cutover.runs.all():
        assert run.state == at.get(run.pk, "pending")


def dump(cutover: Cutover) -> str:
    """For messages of failed tests."""
    cutover.refresh_from_db()
    return json.dumps({"cutover": cutover.state, "reason": cutover.reason, "runs": states(cutover)})
