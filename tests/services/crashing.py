"""Simulated agents with a journal: they can stop halfway, lose their connection, and say things twice.

SimFleet's agents are quick and tidy. These do what agents/runner.py does in two halves, keep their reports
until the dashboard has acknowledged them, and a crash between the halves makes them do the work again."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from agents.protocol import Finding, Finished, Instruction, Report, StepDone, parse_instruction
from fleet.models import Device, Site
from fleet.services.after_commit import AfterCommit, Dispatch
from fleet.services.agents import admission
from fleet.services.clock import to_ms
from fleet.services.cutovers import actions, instructions, planning, reports, sweeps
from tests.factories import NOW
from tests.services.fleet_sim import assert_no_trouble, lookup

DOWN = "down"  # what a server speaks in the middle of its switch
BROKE = Finding("tls_failed", "It broke.", "Mend it.")
STALE = Finding("stale_instruction", "A newer one has been accepted before.", "Nothing was done.")
EXPIRED = Finding("expired", "The instruction came after its time.", "Send a new one.")
SUPERSEDED = Finding("superseded", "A newer instruction took over.", "Nothing to do here.")


@dataclass
class Agent:
    """One device and its agent. scheme is the truth; before: what a cutover found here, until it is undone;
    running: the accepted instruction, begun: its first half is done; outbox: not acknowledged; said: all ever."""

    pk: str
    device: Device
    scheme: str = "http"
    online: bool = True
    broken: bool = False
    n: int = 0
    epoch: int = 0
    seq: int = 0
    waiting: list[Instruction] = field(default_factory=list)
    begun: bool = False
    before: dict[int, str] = field(default_factory=dict)
    outbox: list[Report] = field(default_factory=list)
    said: list[Report] = field(default_factory=list)
    flips: list[tuple[dt.datetime, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    @property
    def is_server(self) -> bool:
        """Whether this is the site's server."""
        return self.device.kind == Device.Kind.SERVER


class Model:
    """A site, its dashboard's services, a broker that can be emptied, and a clock that moves when told."""

    def __init__(self, site: Site, user: Any) -> None:
        self.site, self.user, self.now = site, user, NOW
        devices = site.devices.filter(agent__isnull=False).select_related("agent").order_by("kind", "name")
        self.agents = [Agent(d.agent.pk, d) for d in devices]
        self.server = next(a for a in self.agents if a.is_server)
        self.terminals = [a for a in self.agents if not a.is_server]
        self.broker: list[Dispatch] = []
        self.half_s = 0.07  # how long each half of an agent's work takes

    # --- the dashboard

    def plan(self, **fields: Any) -> Any:
        """A draft."""
        return planning.create(self.user, planning.Plan(site_id=self.site.pk, **fields), self.now)

    def press(self, cutover_id: int, verb: Any) -> None:
        """A person presses a button."""
        self.follow(actions.act(self.user, cutover_id, verb, self.now))

    def follow(self, after: AfterCommit) -> None:
        """What is to be dispatched lies in the broker until a worker takes it."""
        self.broker += after.dispatch

    def work_off(self) -> None:
        """Workers take every task."""
        while self.broker:
            self.follow(instructions.write(self.broker.pop(0), self.now))

    def tick(self, seconds: float = 0, *, away: bool = False) -> None:
        """Time passes, and beat ticks at its end. away: the dashboard was down meanwhile, and takes it so."""
        self.now += dt.timedelta(seconds=seconds)
        if not away:
            Site.objects.filter(pk=self.site.pk).update(last_tick_at=self.now)
        self.follow(sweeps.tick(self.now))

    def take_reports(self, batch: list[tuple[Agent, Report]], *, acknowledge: bool = True) -> None:
        """Reports reach the dashboard; its answer may get lost."""
        after, acked = reports.take([(agent.pk, report) for agent, report in batch], self.now)
        assert_no_trouble(self.site)
        self.follow(after)
        if acknowledge:
            for agent, _ in batch:
                agent.outbox = [r for r in agent.outbox if r.n > acked[agent.pk]]

    def deliver(self, agent: Agent) -> None:
        """The gateway sends everything that waits for this agent, also what it has sent before."""
        for row in instructions.waiting([agent.pk]) if agent.online else []:
            self._receive(agent, parse_instruction(row.body))

    def connect(self, agent: Agent, online: bool) -> None:
        """The connection comes or goes, and the gateway notices."""
        agent.online = online
        admission.presence(*(([agent.pk], []) if online else ([], [agent.pk])), self.now)

    # --- an agent

    def _receive(self, agent: Agent, instruction: Instruction) -> None:
        """Take, refuse or ignore it."""
        if any(i.seq == instruction.seq for i in agent.waiting):
            return
        if ended := [r for r in agent.said if isinstance(r, Finished) and r.seq == instruction.seq]:
            if not any(isinstance(r, Finished) and r.seq == instruction.seq for r in agent.outbox):
                self._finish(agent, instruction, ended[-1].outcome, ended[-1].finding)  # what was said is said again
        elif to_ms(self.now) > instruction.expires_ms:
            self._finish(agent, instruction, "refused", EXPIRED)
        elif instruction.epoch < agent.epoch or instruction.seq <= agent.seq:
            self._finish(agent, instruction, "refused", STALE)
        else:
            agent.waiting.append(instruction)
            agent.epoch, agent.seq = instruction.epoch, instruction.seq

    def advance(self, agent: Agent) -> bool:
        """The agent does the next half of what it has to do. False when there is nothing."""
        if not agent.waiting:
            return False
        self.now += dt.timedelta(seconds=self.half_s)
        instruction = agent.waiting[0]
        if instruction.epoch < agent.epoch:
            self._end(agent, "failed", SUPERSEDED)
        elif instruction.action == "arm":
            self._end(agent, "done")
        elif instruction.action == "verify":
            well = agent.scheme == instruction.to_scheme and not agent.broken
            self._end(agent, "done" if well else "failed", None if well else BROKE)
        elif not agent.begun:
            self._begin(agent, instruction)
        else:
            self._complete(agent, instruction)
        return True

    def crash(self, agent: Agent) -> None:
        """The agent's process dies and starts again: what it had begun it does from the beginning, unless its
        time is over; a switch that is too late is undone."""
        agent.begun = False
        if agent.waiting and agent.waiting[0].action == "switch":
            instruction = agent.waiting[0]
            if to_ms(self.now) > instruction.expires_ms and instruction.policy == "restore":
                self._restore(agent, instruction)
                self._end(agent, "failed", EXPIRED)

    def _begin(self, agent: Agent, instruction: Instruction) -> None:
        agent.begun = True
        if instruction.action == "switch":
            agent.before.setdefault(instruction.cutover, agent.scheme)
            self._speak(agent, DOWN if agent.is_server else instruction.to_scheme)
        elif agent.is_server and instruction.cutover in agent.before:
            self._speak(agent, DOWN)
        self._steps(agent, instruction, first_half=True)

    def _complete(self, agent: Agent, instruction: Instruction) -> None:
        if instruction.action == "undo":
            self._restore(agent, instruction)
            self._steps(agent, instruction, first_half=False)
            answered = agent.is_server or agent.scheme == self.server.scheme
            self._end(agent, "done" if answered else "undo_failed", None if answered else BROKE)
        elif agent.broken or not (agent.is_server or self.server.scheme == instruction.to_scheme):
            self._restore(agent, instruction)
            self._end(agent, "failed", BROKE)
        else:
            self._speak(agent, instruction.to_scheme)
            self._steps(agent, instruction, first_half=False)
            self._end(agent, "done")

    def _restore(self, agent: Agent, instruction: Instruction) -> None:
        self._speak(agent, agent.before.pop(instruction.cutover, agent.scheme))

    def _speak(self, agent: Agent, scheme: str) -> None:
        if agent.scheme != scheme:
            agent.scheme = scheme
            agent.flips.append((self.now, scheme))

    # --- its reports

    def _steps(self, agent: Agent, instruction: Instruction, *, first_half: bool) -> None:
        names = list(instruction.steps)
        back = instruction.action == "undo"
        if back:
            names.reverse()
        middle = names.index("swap_reservation" if agent.is_server else "interface_list")
        at = to_ms(self.now)
        for name in names[:middle] if first_half else names[middle:]:
            evidence = {"scheme": instruction.to_scheme} | lookup(instruction, at)
            evidence |= {"stop_service": {"last_answer_ms": at}, "start_service": {"stopped_ms": at}}.get(name, {})
            ids = (self._number(agent), instruction.seq, instruction.epoch, instruction.cutover)
            self._say(agent, StepDone(*ids, name, "back" if back else "forward", at, 10, evidence))

    def _end(self, agent: Agent, outcome: Any, finding: Finding | None = None) -> None:
        agent.begun = False
        self._finish(agent, agent.waiting.pop(0), outcome, finding)

    def _finish(self, agent: Agent, instruction: Instruction, outcome: Any, finding: Finding | None) -> None:
        scheme = None if agent.scheme == DOWN else agent.scheme
        ids = (self._number(agent), instruction.seq, instruction.epoch, instruction.cutover)
        evidence = lookup(instruction, to_ms(self.now)) if instruction.action in ("undo", "verify") else {}
        end = Finished(*ids, instruction.action, outcome, to_ms(self.now), scheme, finding, evidence=evidence)  # type: ignore[arg-type]
        self._say(agent, end)

    def _number(self, agent: Agent) -> int:
        agent.n += 1
        return agent.n

    def _say(self, agent: Agent, report: Report) -> None:
        agent.outbox.append(report)
        agent.said.append(report)

    # --- everybody

    def turn(self, agent: Agent) -> bool:
        """One agent's whole turn: it hears, does everything, and is heard. False when there was nothing."""
        self.deliver(agent)
        busy = bool(agent.waiting or (agent.online and agent.outbox))
        while self.advance(agent):
            pass
        if agent.online and agent.outbox:
            self.take_reports([(agent, r) for r in agent.outbox])
        return busy

    def quiet(self, rounds: int = 60) -> None:
        """Everybody who can does what there is to do, until nobody has anything left."""
        for _ in range(rounds):
            self.tick()
            self.work_off()
            if not sum([self.turn(agent) for agent in self.agents]) and not self.broker:
                return
        raise AssertionError("the fleet does not come to rest")
