"""A small world around the domain, for walking all of its states.

One server and a few terminals, each as it really is (scheme, power, trust, what its agent has accepted and
which reports are under way), and the dashboard's own picture of them. The dashboard decides by the real
modules of fleet.cutover; agents behave as agents/runner.py does; people press what the pages offer.

Time has no numbers: a deadline passes, the point of no return passes, the window ends, each when it likes.
A walk sees millions of states, so a world is a few small numbers, and what they stand for is kept aside.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal, NamedTuple, get_args

from agents.protocol import Action, Finding, Outcome
from fleet.cutover import by_hand, plan, reports, rollback, states
from fleet.cutover.snapshot import Ask, Move, MoveRun, RunView, Snapshot
from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R
from tests.cutover.persons import person_events, person_events_at_server

OLD, NEW, DOWN = 0, 1, 2  # what a device speaks; a server in the middle of its switch is down
NO_DEADLINE, RUNNING, PASSED = 0, 1, 2
OPEN, NO_RETURN, ENDED = 0, 1, 2  # phases of the window
IDLE, BUSY, BUSY_WITH_OLD = 0, 1, 2

START = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
NO_RETURN_AT = START + dt.timedelta(minutes=40)
ENDS = START + dt.timedelta(minutes=60)
NOW = {OPEN: START, NO_RETURN: NO_RETURN_AT, ENDED: ENDS}
DEADLINES = {NO_DEADLINE: None, RUNNING: ENDS + dt.timedelta(days=1), PASSED: START}

MAX_ROUNDS = 12  # after one event the plan has to come to an end within this many rounds
# Everything that an agent may say.
REPORTS = tuple((a, o, alone) for a in get_args(Action) for o in get_args(Outcome) for alone in (False, True))
RULE_2 = "rule 2: a terminal is told to undo while the server is not back"
SOME_FINDING = Finding("fault", "something failed", "look at it")

# Kinds of event. FAIR ones happen by themselves sooner or later; the walk proves that they lead to rest.
FAIR, FAULT, PERSON, MENDED = "fair", "fault", "person", "mended"
Kind = Literal["fair", "fault", "person", "mended"]


class Broken(Exception):
    """A rule of docs/reliability.md does not hold."""


Said = tuple[Any, ...]  # of an agent: action, outcome, by itself; of a person: result, the scheme that was asked for


class Row(NamedTuple):
    """A device run, as the dashboard knows it."""

    wave: int
    state: str
    asked: str = ""
    touched: bool = False
    deadline: int = NO_DEADLINE
    confirm: bool = False
    by_hand: bool = False


class Dash(NamedTuple):
    """The cutover, as the dashboard knows it. Epochs need no numbers: when one begins, `asked` is forgotten,
    instructions that wait are dead, and every report of the one before is checked to change nothing."""

    state: str
    phase: int = OPEN
    back: bool = False
    paused_from: str = ""
    waived: tuple[int, ...] = ()
    window_waived: bool = False
    checked: bool = False


class Device(NamedTuple):
    """What is really there. busy: a switch is under way, of the epoch of now or of an older one; order:
    the newest instruction, if it waits (action, dies at the window's end); reports: (action, outcome, by
    itself) of this epoch, not yet taken, oldest first: they are numbered, so one that was overtaken counts as lost.
    wrong: a person did here what nobody had asked for; by hand, reports are a person's answers (result, scheme)."""

    scheme: int = OLD
    online: bool = True
    trusted: bool = True
    busy: int = IDLE
    order: tuple[str, bool] | tuple[()] = ()
    reports: tuple[Said, ...] = ()
    wrong: bool = False


class Model(NamedTuple):
    """One state of everything, by number (see Walkable): the cutover, then (device run, device) of the server
    and of each terminal. faults: how many may still happen."""

    dash: int
    server: tuple[int, int]
    terminals: tuple[tuple[int, int], ...]
    faults: int


class Event(NamedTuple):
    """What happened to which party, and the world after it."""

    name: str
    at: int
    kind: Kind
    after: Model


Picture = tuple[int, ...]  # what the dashboard knows, by number: the cutover, the server's run, the terminals'
Order = tuple[str, bool]
Happening = tuple[str, Kind, int]  # name, kind, the device after it


class Thought(NamedTuple):
    """What the dashboard makes of a picture: the one after it, the instructions it writes, and whether an
    epoch began on the way."""

    picture: Picture
    orders: tuple[tuple[int, Order], ...]
    turned: bool


class Numbers:
    """Values by number, each number for ever: worlds of small integers are quick to compare."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def __getitem__(self, number: int) -> Any:
        return self.values[number]

    def of(self, value: Any) -> int:
        """The number of this value."""
        if (number := self._numbers.get(value)) is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number


@dataclass(frozen=True)
class Setting:
    """One cutover to be walked. waves: of each terminal; untrusted: terminals that may lack the root
    certificate (each costs a fault); outbox: reports of one device under way at the same time; presses:
    what people may do; presses_cost: each press but a rollback counts like a fault, so that larger sites
    can be walked; lies: terminals may say that they have switched when they have not (a fault each), and those that
    were verified are asked a second time; by_hand: terminals without an agent, by their place in `waves`; server_by_hand: the
    server has none."""

    waves: tuple[int, ...]
    limits: tuple[int, ...]
    on_close: Literal["finish", "hold", "roll_back"] = "hold"
    on_threshold: Literal["roll_back", "pause"] = "roll_back"
    faults: int = 2
    untrusted: int = 1
    outbox: int = 1
    presses: tuple[str, ...] = ("pause", "resume", "retry failed", "roll back")
    presses_cost: bool = False
    lies: bool = False
    by_hand: tuple[int, ...] = ()
    server_by_hand: bool = False


@dataclass(frozen=True)
class Rules:
    """The domain's modules, or mutated copies of them."""

    plan: ModuleType = plan
    rollback: ModuleType = rollback
    reports: ModuleType = reports
    by_hand: ModuleType = by_hand


def need(holds: bool, rule: str) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(rule)


class Walkable:
    """The events of one setting under one set of rules. Whatever the dashboard or an agent does depends on
    little of the world, so each such piece is worked out once and then looked up."""

    def __init__(self, setting: Setting, rules: Rules | None = None) -> None:
        self.setting, self.rules = setting, rules or Rules()
        self.dashes, self.rows, self.devices = Numbers(), Numbers(), Numbers()
        self.moves_seen: set[tuple[str, str]] = set()
        self.settled = cache(self._settled)
        self.dashboard_events = cache(self._dashboard_events)
        self.device_events = cache(self._device_events)
        self.person_events = cache(self._person_events)
        self.taken = cache(self._taken)
        self.judge = cache(self._judge)
        self.ordered = cache(lambda device, order: self.devices.of(self.devices[device]._replace(order=order)))
        self.older = cache(lambda device: self.devices.of(_older(self.devices[device])))

    def start(self) -> Iterator[Model]:
        """The worlds in which the window opens: all on the old scheme; some terminals may lack trust."""
        s = self.setting
        rows = [Row(-1, R.PENDING.value, by_hand=s.server_by_hand)]
        rows += [Row(w, R.PENDING.value, by_hand=i in s.by_hand) for i, w in enumerate(s.waves)]
        thought = self.settled(self.picture(Dash(C.SCHEDULED.value), rows))
        for bad in range(min(s.untrusted, s.faults, len(s.waves)) + 1):
            trust = [True] + [False] * bad + [True] * (len(s.waves) - bad)
            yield self.after(thought, [self.devices.of(Device(trusted=t)) for t in trust], s.faults - bad)

    def picture(self, dash: Dash, rows: list[Row]) -> Picture:
        """The numbers of these values."""
        return (self.dashes.of(dash), *(self.rows.of(row) for row in rows))

    def values(self, picture: Picture) -> tuple[Dash, list[Row]]:
        """The values of these numbers."""
        return self.dashes[picture[0]], [self.rows[n] for n in picture[1:]]

    def events(self, w: Model) -> list[Event]:
        """Everything that may happen next."""
        found: list[Event] = []
        picture = picture_of(w)
        devices = [w.server[1], *(d for _, d in w.terminals)]
        dash: Dash = self.dashes[w.dash]
        scheme, ended = self.devices[devices[0]].scheme, dash.phase == ENDED
        for i, device in enumerate(devices):
            row: Row = self.rows[picture[1 + i]]
            happenings = (
                self.person_events(i == 0, row.state, device, scheme, dash.back, w.faults > 0)
                if row.by_hand
                else self.device_events(i == 0, device, scheme, ended, dash.back, w.faults > 0)
            )
            for name, kind, after in happenings:
                changed = [*devices[:i], after, *devices[i + 1 :]]
                parties = tuple(zip(picture[1:], changed, strict=True))
                model = Model(w.dash, parties[0], tuple(sorted(parties[1:])), w.faults - (kind == FAULT))
                found.append(Event(name, i, kind, model))
            for name, kind, after, thought in self.taken(picture, i, device, w.faults > 0):
                changed = [*devices[:i], after, *devices[i + 1 :]]
                found.append(Event(name, i, kind, self.after(thought, changed, w.faults - (kind == FAULT))))
        for name, i, kind, thought in self.dashboard_events(picture):
            cost = kind == PERSON and self.setting.presses_cost and name != "roll back"
            if w.faults >= cost:
                found.append(Event(name, i, kind, self.after(thought, devices, w.faults - cost)))
        return found

    def after(self, thought: Thought, devices: list[int], faults: int) -> Model:
        """The world after the dashboard has thought; equal terminals in order."""
        picture, orders, turned = thought
        by_hand = [self.rows[n].by_hand for n in picture[1:]]
        if turned:  # what a person answers is under way until it arrives, whatever the cutover does meanwhile
            devices = [d if by_hand[i] else self.older(d) for i, d in enumerate(devices)]
        if orders:
            devices = list(devices)
            for i, order in orders:
                server: Device = self.devices[devices[0]]  # nobody can tell that a person has said what is not so
                need(i == 0 or order[0] != "undo" or server.scheme == OLD or server.wrong, RULE_2)
                if not by_hand[i]:
                    devices[i] = self.ordered(devices[i], order)
        parties = tuple(zip(picture[1:], devices, strict=True))
        return Model(picture[0], parties[0], tuple(sorted(parties[1:])), faults)

    # --- the dashboard ---------------------------------------------------------------------------

    def _settled(self, picture: Picture) -> Thought:
        """The plan, asked until it says nothing more."""
        dash, rows, orders, turned = self._think(*self.values(picture))
        return Thought(self.picture(dash, rows), tuple(orders.items()), turned)

    def _dashboard_events(self, picture: Picture) -> list[tuple[str, int, Kind, Thought]]:
        """What the clock and people do, which needs no look at the devices."""
        dash, rows = self.values(picture)
        found: list[tuple[str, int, Kind, Thought]] = []

        def add(name: str, i: int, kind: Kind, dash: Dash, rows: list[Row]) -> None:
            thought = self.settled(self.picture(dash, rows))
            found.append((name, i, kind, thought._replace(turned=thought.turned or name == "roll back")))

        for i, row in enumerate(rows):
            if row.deadline == RUNNING:
                add("deadline passes", i, FAIR, dash, [*rows[:i], row._replace(deadline=PASSED), *rows[i + 1 :]])
            if self.setting.lies and _may_confirm(dash, row) and row.asked != "verify" and not row.confirm:
                add("second lookup is due", i, FAIR, dash, [*rows[:i], row._replace(confirm=True), *rows[i + 1 :]])
        if dash.phase != ENDED and not dash.back:
            name = ("point of no return", "window ends")[dash.phase]
            add(name, 0, FAIR, dash._replace(phase=dash.phase + 1), rows)
        for name, press in PRESSES.items():
            if name in self.setting.presses and (after := press(self, dash, rows)) is not None:
                add(name, 0, PERSON, *after)
                resumed = name != "resume" or self.values(found[-1][3].picture)[0].state != C.PAUSED
                need(resumed, "rule 5: resumed, and paused again at once for what the person has seen")
        return found

    def _think(self, dash: Dash, rows: list[Row]) -> tuple[Dash, list[Row], dict[int, Order], bool]:
        now, table = NOW[dash.phase], list(rows)
        orders: dict[int, Order] = {}
        turned = False
        for _ in range(MAX_ROUNDS):
            steps = self.rules.plan.next_steps(self.snapshot(dash, table), now)
            if not steps:
                return dash, table, orders, turned
            # In the services' order: instructions, device runs, the cutover itself.
            for ask in (s for s in steps if isinstance(s, Ask)):
                self._may_ask(dash, table, ask)
                for i in ask.runs:
                    orders[i] = (ask.action, self._dies(dash, table[i], ask.action))
                    table[i] = _asked(table[i], ask.action)
            for move in (s for s in steps if isinstance(s, MoveRun)):
                table[move.run] = self.moved(table[move.run], move.to, move.finding)
            for step in (s for s in steps if isinstance(s, Move)):
                need(step.to is not C.PAUSED or step.finding is not None, "rule 5: paused without a finding")
                dash, table = self.turn(dash, table, step.to)
                if step.to is C.ROLLING_BACK:
                    turned, orders = True, {}
        raise Broken("liveness: the plan does not settle")

    def snapshot(self, dash: Dash, rows: list[Row]) -> Snapshot:
        """What the plan sees."""
        s = self.setting
        views = [
            RunView(
                i, f"t{i}", "terminal" if i else "server", R(r.state), max(r.wave, 0), r.asked or None, r.touched,
                DEADLINES[r.deadline], confirm_due=r.confirm, by_hand=r.by_hand,
            )
            for i, r in enumerate(rows)
        ]  # fmt: skip
        return Snapshot(
            state=C(dash.state), direction="back" if dash.back else "forward", to_scheme="https", starts_at=START,
            ends_at=ENDS, no_return_at=NO_RETURN_AT, on_window_close=s.on_close, on_threshold=s.on_threshold,
            server=views[0], terminals=tuple(views[1:]), limits=s.limits,
            paused_from=C(dash.paused_from) if dash.paused_from else None, waived=frozenset(dash.waived),
            window_waived=dash.window_waived, server_checked=dash.checked,
        )  # fmt: skip

    def turn(self, dash: Dash, rows: list[Row], to: C) -> tuple[Dash, list[Row]]:
        """The cutover moves, with what else changes then (engine.py does the same)."""
        self._advance(C, dash.state, to)
        if to is C.COMPLETED:
            open_states = {R.PENDING, R.ARMED, *states.COUNTS_AS_FAILED, R.UNDOING, R.UNDO_FAILED, R.RESTORED}
            need(not any(r.state in open_states for r in rows[1:]), "completed with a terminal that is not there yet")
            need(rows[0].state == R.VERIFIED, "completed without a verified server")
            checked = dash.checked or (rows[0].by_hand and _seen_from_outside(rows[1:]))
            need(dash.state != C.VERIFYING or checked, "completed without the last check of the server")
        if to is C.ROLLING_BACK:  # a new epoch; what only the way forward looks at does not matter any more
            return Dash(to.value, dash.phase, back=True), [_afresh(r) for r in rows]
        if to is C.VERIFYING:
            dash, rows = dash._replace(checked=False), [_afresh(rows[0]), *rows[1:]]
        return dash._replace(state=to.value, paused_from=dash.state if to is C.PAUSED else ""), rows

    def moved(self, row: Row, to: R, finding: Finding | None) -> Row:
        """The device run moves; one that has come to an end waits for nothing."""
        self._advance(R, row.state, to)
        need(to not in states.WITH_FINDING or finding is not None, f"rule 5: {to} without a finding")
        deadline = row.deadline if to in (R.SWITCHING, R.UNDOING) else NO_DEADLINE
        return row._replace(state=to.value, deadline=deadline, confirm=False)

    def _advance(self, kind: Any, old: str, to: Any) -> None:
        self.moves_seen.add((old, to.value))
        try:
            states.advance(kind, old, to)
        except states.IllegalMove as error:
            raise Broken(f"illegal move: {error}") from error

    def _may_ask(self, dash: Dash, rows: list[Row], ask: Ask) -> None:
        """Rule 3 and the thresholds. Late terminals follow a server that stays, so the window does not bind them."""
        if ask.action == "undo":
            need(dash.back, "told to undo on the way forward")
        persons = [rows[i] for i in ask.runs if rows[i].by_hand]
        need(not persons or ask.action in ("switch", "undo"), "a person is asked for what only an agent can do")
        need(ask.action != "undo" or all(r.touched for r in persons), "a person is asked to set back what nobody has changed")
        if ask.action == "verify" and 0 not in ask.runs:
            need(
                all(_may_confirm(dash, rows[i]) for i in ask.runs),
                "asked for a second lookup, and it is not verified, or under way",
            )
        if ask.action != "switch":
            return
        need(not dash.back, "told to switch on the way back")
        on_time = [i for i in ask.runs if rows[i].state != R.LATE]
        if dash.phase != OPEN and not dash.window_waived:
            follows = self.setting.on_close == "finish" and 0 not in on_time
            need(follows or not on_time, "rule 3: told to switch after the point of no return")
        for wave, limit in enumerate(self.setting.limits):
            failed = sum(r.wave == wave and r.state in states.COUNTS_AS_FAILED for r in rows)
            need(failed <= limit or wave in dash.waived, "told to switch though a threshold is passed")
        if 0 in ask.runs:
            need(any(r.state == R.ARMED for r in rows[1:]), "the server is told to switch, and no terminal is there to follow")
            return
        need(rows[0].state == R.VERIFIED, "a terminal is told to switch before the server has")
        last = max((rows[i].wave for i in on_time), default=0)
        waits = any(0 <= r.wave < last and r.state in (R.PENDING, R.ARMED, R.SWITCHING) for r in rows)
        need(not waits, "a later wave is told to switch before the one before it has ended")

    def _dies(self, dash: Dash, row: Row, action: str) -> bool:
        """Whether the instruction may not be begun after the window's end (instructions.py does the same)."""
        forward = action in ("arm", "switch")
        return forward and self.setting.on_close == "roll_back" and not dash.window_waived and row.state != R.LATE

    # --- reports under way -----------------------------------------------------------------------

    def _taken(self, picture: Picture, i: int, number: int, may_fail: bool) -> list[tuple[str, Kind, int, Thought]]:
        """What may become of the oldest report of this device, and the device after it."""
        dash, rows = self.values(picture)
        device: Device = self.devices[number]
        found: list[tuple[str, Kind, int, Thought]] = []
        if not device.online:
            return found
        if i and device.busy == BUSY and rows[i].state == R.LATE:
            switching = self.moved(rows[i], R.SWITCHING, None)._replace(deadline=RUNNING)
            heard = self.picture(dash, [*rows[:i], switching, *rows[i + 1 :]])
            found.append(("first step heard of", FAIR, number, self.settled(heard)))
        if i == 0 and device.busy == BUSY and device.scheme == NEW and rows[0].state == R.SWITCHING:
            proven = self.picture(dash, [self.moved(rows[0], R.VERIFIED, None), *rows[1:]])
            found.append(("proof heard of", FAIR, number, self.settled(proven)))
        if not device.reports:
            return found
        report = device.reports[0]
        told = self._answered if rows[i].by_hand else self._tell
        rest = self.devices.of(device._replace(reports=device.reports[1:]))
        after = told(dash, rows, i, report)
        need(told(*after, i, report) == after, f"rule 4: a doubled report has a second effect: {report}")
        thought = self.settled(self.picture(*after))
        found.append((f"reports {report}", FAIR, rest, thought))
        if may_fail:
            found.append((f"reports {report}, and will again", FAULT, number, thought))
            if report[-1] is not True:  # nobody would miss what nobody had asked for; agents keep reports until they are taken
                found.append((f"loses {report}", FAULT, rest, Thought(picture, (), False)))
        return found

    def _tell(self, dash: Dash, rows: list[Row], i: int, report: Said) -> tuple[Dash, list[Row]]:
        if i == 0 and report[:2] == ("verify", "done"):
            dash = dash._replace(checked=True)
        verdict = self.judge(dash.state, dash.back, rows[i].state, report, True, i == 0)
        if verdict is None:
            return dash, rows
        good = verdict.to not in (R.ARMED, R.VERIFIED, R.RESTORED) or report[1] == "done"
        need(good, f"bad news taken for good: {report}")
        return dash, [*rows[:i], self.moved(rows[i], verdict.to, verdict.finding), *rows[i + 1 :]]

    def _answered(self, dash: Dash, rows: list[Row], i: int, answer: Said) -> tuple[Dash, list[Row]]:
        """A person's answer; one that is refused changes nothing."""
        result, told = answer
        module = self.rules.by_hand
        try:
            verdict = module.judge(
                C(dash.state), "back" if dash.back else "forward", R(rows[i].state), result=result, told=told, to_scheme="https"
            )
        except module.Refused:
            return dash, rows
        if verdict is None:
            return dash, rows
        need(verdict.to not in (R.VERIFIED, R.RESTORED) or result == "done", f"bad news taken for good: {answer}")
        return dash, [*rows[:i], self.moved(rows[i], verdict.to, verdict.finding), *rows[i + 1 :]]

    def _judge(self, cutover: str, back: bool, run: str, report: Said, current: bool, server: bool) -> Any:
        """The domain's verdict on a report."""
        action, outcome, alone = report
        return self.rules.reports.judge(
            C(cutover), "back" if back else "forward", R(run), current_epoch=current,
            action=action, outcome=outcome, finding=SOME_FINDING if outcome != "done" or alone else None,
            server=server, by_itself=alone,
        )  # fmt: skip

    # --- devices ---------------------------------------------------------------------------------

    def _person_events(self, server: bool, state: str, number: int, scheme: int, back: bool, may_fail: bool) -> list[Happening]:
        """What is done by hand at a device."""
        device: Device = self.devices[number]
        found: list[Happening] = []

        def add(name: str, kind: Kind, **changes: Any) -> None:
            if kind != FAULT or may_fail:
                found.append((name, kind, self.devices.of(device._replace(**changes))))

        if not device.trusted:
            add("gets the root certificate", MENDED, trusted=True)
        if len(device.reports) < self.setting.outbox:
            if server:
                person_events_at_server(state, device, back, add)
            else:
                person_events(state, device, scheme, back, add)
        return found

    def _device_events(
        self, server: bool, number: int, scheme: int, ended: bool, back: bool, may_fail: bool
    ) -> list[Happening]:
        """What happens to a device or is done by its agent, given what the server speaks."""
        device: Device = self.devices[number]
        room = len(device.reports) < self.setting.outbox
        found: list[Happening] = []

        def add(name: str, kind: Kind, **changes: Any) -> None:
            if kind != FAULT or may_fail:
                found.append((name, kind, self.devices.of(device._replace(**changes))))

        if not server and device.online:
            add("goes offline", FAULT, online=False)
        if not device.online:
            add("comes back", MENDED, online=True)
        if not device.trusted:
            add("gets the root certificate", MENDED, trusted=True)
        if server and device.scheme == NEW and not device.busy:
            add("breaks", FAULT, scheme=DOWN)
        if server and device.scheme == DOWN and not device.busy:
            add("is repaired", MENDED, scheme=NEW)
        if not device.busy and room:
            _acts_alone(server, device, scheme, back, add)
        if device.busy and room:
            _switch_ends(server, device, scheme, add)
        if device.busy == BUSY and room and not server and self.setting.lies:
            lie = (*device.reports, ("switch", "done", False))
            add("says that it is switched, and is not", FAULT, busy=IDLE, scheme=OLD, reports=lie)
        # A newer epoch takes over from a switch that is under way; within one epoch the agent ends it first.
        if device.order and device.online and device.busy != BUSY and room:
            _order_taken(server, device, scheme, ended, add)
        return found


def _order_taken(server: bool, device: Device, scheme: int, ended: bool, add: Callable[..., None]) -> None:
    """The waiting instruction is accepted; agents/runner.py does what is told here in short."""
    action, dies = device.order

    def end(name: str, kind: Kind, outcome: str, **changes: Any) -> None:
        add(name, kind, order=(), reports=(*device.reports, (action, outcome, False)), **changes)

    if dies and ended:
        end("refuses: expired", FAIR, "refused")
    elif action == "switch":
        flips = DOWN if server and device.scheme != NEW else NEW
        add("begins to switch", FAIR, order=(), busy=BUSY, scheme=flips)
    elif action == "undo":
        works = server or scheme == OLD
        end("undoes", FAIR, "done" if works else "undo_failed", scheme=OLD, busy=IDLE)
        if server:
            end("cannot undo", FAULT, "undo_failed", busy=IDLE)
    elif action == "verify":
        end("verifies", FAIR, "done" if device.scheme == NEW else "failed")
    else:
        end("arms", FAIR, "done")
        end("is not ready", FAULT, "failed")


def _acts_alone(server: bool, device: Device, scheme: int, back: bool, add: Callable[..., None]) -> None:
    """The dead man's switch (agents/deadman.py): the dashboard was silent for too long, for this device. What
    it did before the cutover turned round is told in the older epoch, so it is not listened to."""

    def act(name: str, action: str, outcome: str, becomes: int) -> None:
        reports = device.reports if back else (*device.reports, (action, outcome, True))
        add(name, FAULT, scheme=becomes, reports=reports)

    if server and device.scheme != OLD:
        act("goes back by itself", "undo", "done", OLD)
        act("goes back by itself in vain", "undo", "undo_failed", DOWN)
    elif not server and device.scheme == NEW and scheme == OLD:
        act("follows its server back by itself", "undo", "done", OLD)
    elif not server and device.scheme == OLD and scheme == NEW and device.trusted:
        act("follows its server by itself", "switch", "done", NEW)


def _switch_ends(server: bool, device: Device, scheme: int, add: Callable[..., None]) -> None:
    """Verified, or everything undone by the agent itself; a crash in between undoes it too when the
    instruction has expired meanwhile. On a server the undoing may fail as well."""

    def end(name: str, kind: Kind, outcome: str, becomes: int) -> None:
        reports = (*device.reports, ("switch", outcome, False)) if device.busy == BUSY else device.reports
        add(name, kind, busy=IDLE, scheme=becomes, reports=reports)

    if server and device.scheme == DOWN:
        add("answers in the new scheme", FAIR, scheme=NEW)
        end("fails to switch", FAULT, "failed", OLD)
        end("fails and stays down", FAULT, "failed", DOWN)
    elif server:  # proven; the end of its instruction is still to come, and may be a bad one
        end("is switched", FAIR, "done", NEW)
        end("fails to switch", FAULT, "failed", OLD)
        end("fails and stays down", FAULT, "failed", DOWN)
    elif device.online and device.trusted and scheme == NEW:
        end("is switched", FAIR, "done", NEW)
        end("crashes and undoes", FAULT, "failed", OLD)
    else:
        end("fails to switch", FAIR, "failed", OLD)


# --- people --------------------------------------------------------------------------------------

Pressed = tuple[Dash, list[Row]] | None


def _pause(x: Walkable, dash: Dash, rows: list[Row]) -> Pressed:
    return x.turn(dash, rows, C.PAUSED) if dash.state in states.RUNNING else None


def _resume(x: Walkable, dash: Dash, rows: list[Row]) -> Pressed:
    """Whoever resumes has seen why it stopped: what is passed now does not stop it again."""
    if dash.state != C.PAUSED:
        return None
    failed = [r.wave for r in rows if r.state in states.COUNTS_AS_FAILED]
    passed = {w for w, limit in enumerate(x.setting.limits) if failed.count(w) > limit}
    waived = tuple(sorted({*dash.waived, *passed}))
    dash = dash._replace(waived=waived, window_waived=dash.window_waived or dash.phase != OPEN)
    return x.turn(dash, rows, C(dash.paused_from))


def _retry(x: Walkable, dash: Dash, rows: list[Row]) -> Pressed:
    may = {C.PAUSED, C.NEEDS_PERSON, C.COMPLETED, C.SWITCHING, C.VERIFYING}
    failed = [i for i, r in enumerate(rows) if i and r.state in states.COUNTS_AS_FAILED]
    if dash.state not in may or dash.back or not failed:
        return None
    flipped = rows[0].state == R.VERIFIED
    if not flipped and dash.state in states.AT_REST:
        return None  # there is nothing to follow; the way is back
    rows = list(rows)
    for i in failed:
        rows[i] = _afresh(x.moved(rows[i], R.ARMED if flipped else R.PENDING, None))
    if not flipped:
        return dash, rows
    dash = dash._replace(waived=(), window_waived=dash.window_waived or dash.phase != OPEN)
    return x.turn(dash, rows, C.SWITCHING) if dash.state != C.SWITCHING else (dash, rows)


def _roll_back(x: Walkable, dash: Dash, rows: list[Row]) -> Pressed:
    if dash.state not in states.CAN_ROLL_BACK:
        return None
    if dash.state == C.ROLLING_BACK and not any(r.state == R.UNDO_FAILED for r in rows):
        return None  # asked twice: it is on its way
    return x.turn(dash, rows, C.ROLLING_BACK)


PRESSES: dict[str, Callable[[Walkable, Dash, list[Row]], Pressed]] = {
    "pause": _pause,
    "resume": _resume,
    "retry failed": _retry,
    "roll back": _roll_back,
}


def picture_of(w: Model) -> Picture:
    """What the dashboard knows of this world."""
    return (w.dash, w.server[0], *(row for row, _ in w.terminals))


def _seen_from_outside(terminals: list[Row]) -> bool:
    """Whether the lookups of terminals show that the server works: one by an agent, or persons' where no agent can make one."""
    by_agent = [r for r in terminals if not r.by_hand and r.state != R.LATE]
    return any(r.state == R.VERIFIED for r in by_agent or terminals)


def _may_confirm(dash: Dash, row: Row) -> bool:
    """Whether this is a terminal to be asked for its second lookup."""
    at_rest = dash.state in (C.COMPLETED, C.NEEDS_PERSON) and not dash.back
    return at_rest and row.wave >= 0 and row.state == R.VERIFIED and not row.by_hand


def _asked(row: Row, action: str) -> Row:
    free = row.state == R.LATE or (action == "verify" and row.wave >= 0)
    touched = row.touched or action == "switch"
    return row._replace(asked=action, touched=touched, deadline=NO_DEADLINE if free else RUNNING, confirm=False)


def _afresh(row: Row) -> Row:
    """As if nothing had been asked in this epoch."""
    return row._replace(asked="", deadline=NO_DEADLINE, confirm=False)


def _older(device: Device) -> Device:
    """A new epoch has begun: what waits is dead, reports under way change nothing (check_state sees to it),
    and a switch under way goes on until its agent hears of it."""
    return device._replace(order=(), reports=(), busy=BUSY_WITH_OLD if device.busy else IDLE)
