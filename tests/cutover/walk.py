"""Walking every reachable state of a world, breadth first, and checking the rules on the way."""

import gc
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from fleet.cutover import states
from fleet.cutover.plan import OPEN as OPEN_RUNS
from fleet.cutover.rollback import CLEAN
from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R
from tests.cutover.model import (
    ENDED,
    FAIR,
    MENDED,
    NEW,
    OLD,
    OPEN,
    PASSED,
    PERSON,
    PRESSES,
    REPORTS,
    Broken,
    Dash,
    Device,
    Event,
    Model,
    Picture,
    Row,
    Rules,
    Setting,
    Walkable,
    need,
    picture_of,
)


@dataclass
class Walk:
    """What a walk has seen. broken: the first rule found broken; path: the shortest way there."""

    setting: Setting
    states: int = 0
    events: int = 0
    seconds: float = 0.0
    broken: str | None = None
    path: list[str] = field(default_factory=list)
    moves: set[tuple[str, str]] = field(default_factory=set)

    def __str__(self) -> str:
        way = "".join(f"\n  {n}. {step}" for n, step in enumerate(self.path))
        return f"{self.setting}: {self.states} states, {self.events} events, {self.seconds:.1f} s; {self.broken}{way}"


def walk(setting: Setting, rules: Rules | None = None, *, most: int = 2_000_000) -> Walk:
    """Look at every state. Ends at the first counterexample."""
    begun, result = time.perf_counter(), Walk(setting)
    explorer = _Explorer(Walkable(setting, rules), most)
    gc.disable()  # nothing here is garbage before the end, and looking for some takes half of the time
    try:
        explorer.explore()
        explorer.check_that_it_ends()
        explorer.check_ways_out()
    except Broken as broken:
        result.broken, result.path = str(broken), explorer.path_here()
    finally:
        gc.enable()
    result.states, result.events = len(explorer.models), explorer.count
    result.seconds, result.moves = time.perf_counter() - begun, explorer.x.moves_seen
    return result


class _Explorer:
    def __init__(self, x: Walkable, most: int) -> None:
        self.x, self.most, self.count, self.here = x, most, 0, -1
        self.models: list[Model] = []
        self.ids: dict[Model, int] = {}
        self.pictures: set[Picture] = set()
        self.came_from: list[tuple[int, str]] = []
        self.fair: list[list[int]] = []
        self.helps: list[list[int]] = []  # fair events, people and repairs: the ways out when faults cease

    def explore(self) -> None:
        for model in self.x.start():
            self._note(model, -1, "start")
        at = 0
        while at < len(self.models):
            self.here, model = at, self.models[at]
            events = self.x.events(model)
            if (picture := picture_of(model)) not in self.pictures:
                self.pictures.add(picture)
                check_picture(self.x, picture)
            check_state(self.x, model, events)
            fair: list[int] = []
            helps: list[int] = []
            for event in events:
                known = self._note(event.after, at, event)
                if event.kind == FAIR:
                    fair.append(known)
                elif event.kind in (PERSON, MENDED):
                    helps.append(known)
            self.fair.append(fair)
            self.helps.append(fair + helps)
            self.count += len(events)
            at += 1
            if at > self.most:
                raise Broken(f"more than {self.most} states: something grows without end")

    def check_that_it_ends(self) -> None:
        """Liveness: the events that happen by themselves go round in no circle, so whatever their order
        they run out; check_state has looked at the states in which they have."""
        waits = [0] * len(self.models)
        for targets in self.fair:
            for target in targets:
                waits[target] += 1
        ready = [i for i, n in enumerate(waits) if n == 0]
        seen = 0
        while ready:
            seen += 1
            for target in self.fair[ready.pop()]:
                waits[target] -= 1
                if waits[target] == 0:
                    ready.append(target)
        self.here = next((i for i, n in enumerate(waits) if n), -1)
        need(seen == len(self.models), "liveness: it goes round in a circle by itself")

    def check_ways_out(self) -> None:
        """Rule 5: wherever it stands, people get it back when faults cease; and while the server stays on the
        new scheme they get it to its end, too."""
        back, done = self._leads_to(C.ROLLED_BACK), self._leads_to(C.COMPLETED)
        need(bool(done), "it never completes")
        free = "retry failed" in self.x.setting.presses and not self.x.setting.presses_cost
        for i, model in enumerate(self.models):
            self.here = i
            state = self.x.dashes[model.dash].state
            need(i in back or state not in states.CAN_ROLL_BACK, "rule 5: no way back, though every fault has ceased")
            if free and self._server_stays(model):
                need(i in done, "rule 5: no way to the end, though every fault has ceased")

    def _server_stays(self, w: Model) -> bool:
        """Whether a cutover at rest or paused has a server that really is on the new scheme, and no word
        under way or taken that it has given up. (Not passing the last check is not giving up.)"""
        dash, rows = self.x.values(picture_of(w))
        server: Device = self.x.devices[w.server[1]]
        asks = rows[0].state == R.VERIFIED or dash.paused_from == C.VERIFYING
        at_hand = not dash.back and dash.state in {C.PAUSED, C.NEEDS_PERSON, C.COMPLETED}
        return at_hand and asks and server.scheme == NEW and not server.busy and not server.reports

    def _leads_to(self, state: C) -> set[int]:
        before: list[list[int]] = [[] for _ in self.models]
        for i, targets in enumerate(self.helps):
            for target in targets:
                before[target].append(i)
        found = {i for i, w in enumerate(self.models) if self.x.dashes[w.dash].state == state}
        todo = list(found)
        while todo:
            for i in before[todo.pop()]:
                if i not in found:
                    found.add(i)
                    todo.append(i)
        return found

    def path_here(self) -> list[str]:
        """The events that led to the state at hand."""
        path: list[str] = []
        at = self.here
        while at >= 0:
            model = self.models[at]
            at, name = self.came_from[at]
            path.append(f"{name} -> {tell(self.x, model)}")
        return path[::-1]

    def _note(self, model: Model, before: int, event: Event | str) -> int:
        known = self.ids.get(model)
        if known is None:
            known = self.ids[model] = len(self.models)
            self.models.append(model)
            self.came_from.append((before, event if isinstance(event, str) else f"{_who(event.at)} {event.name}"))
        return known


def _who(i: int) -> str:
    return f"terminal {i}" if i else "server"


def check_state(x: Walkable, w: Model, events: Iterable[Event]) -> None:
    """The rules that hold in each single state."""
    dash: Dash = x.dashes[w.dash]
    if any(e.kind == FAIR and e.name not in ("point of no return", "window ends") for e in events):
        return
    need(dash.state in states.AT_REST or dash.state == C.PAUSED, f"liveness: it stands still in {dash.state}")
    if dash.state in states.AT_REST:
        check_rest(x, w)


def check_picture(x: Walkable, picture: Picture) -> None:
    """The rules about what the dashboard knows, whatever the devices do."""
    dash, rows = x.values(picture)
    if dash.state == C.ROLLED_BACK:
        clean = all(r.state in CLEAN and not (r.touched and r.state in (R.PENDING, R.ARMED)) for r in rows)
        need(clean, "rolled back with a device that is neither restored nor untouched")
    if dash.state == C.COMPLETED:
        need(not any(r.state in states.COUNTS_AS_FAILED for r in rows), "completed with a device that has failed")
        woken = all(r.asked == "switch" for r in rows if r.state == R.LATE)
        need(woken, "completed, and a late terminal will not find its instruction")
    if dash.state == C.NEEDS_PERSON:
        listed = states.COUNTS_AS_FAILED | {R.UNDO_FAILED}
        need(any(r.state in listed for r in rows), "rule 5: needs a person, and names no device")
    if dash.state in states.CAN_ROLL_BACK - {C.ROLLING_BACK} or dash.state == C.PAUSED:
        need(any(press(x, dash, rows) for press in PRESSES.values()), "rule 5: nobody can do anything")
    need(all(r.asked == "undo" for r in rows if r.state == R.UNDOING), "undoing, and not told so in this epoch")
    silent = any(r.deadline == PASSED for r in rows if r.state in (R.SWITCHING, R.UNDOING))
    need(not silent, "a device is silent for too long, and nothing is said about it")
    if dash.back:
        judged = [x.judge(dash.state, True, r.state, said, False, i == 0) for i, r in enumerate(rows) for said in REPORTS]
        need(not any(judged), f"rule 4: a report of an older epoch changes something: {judged}")
    elif dash.phase != OPEN:
        check_window(x, dash, rows)


def check_window(x: Walkable, dash: Dash, rows: list[Row]) -> None:
    """Past the point of no return: whoever chose to roll back is rolled back, and nothing waits for ever
    for a window that has closed before anything was changed."""
    waits = dash.state in (C.ARMING, C.CUTTING_SERVER, C.PAUSED)
    waits = waits or (dash.state == C.SWITCHING and any(r.state in OPEN_RUNS for r in rows[1:]))
    if x.setting.on_close == "roll_back" and not dash.window_waived:
        need(not waits, "rule 3: past the point of no return, and not on the way back")
    before = dash.paused_from in (C.ARMING, C.CUTTING_SERVER) and rows[0].state in (R.PENDING, R.ARMED)
    need(dash.phase != ENDED or not before, "paused before anything was changed, and the window is over")


def check_rest(x: Walkable, w: Model) -> None:
    """Rule 1: nobody is left behind unnoticed; and what the dashboard believes is so."""
    dash, rows = x.values(picture_of(w))
    server, *terminals = (x.devices[d] for _, d in (w.server, *w.terminals))
    if rows[0].state == R.UNDO_FAILED:
        return  # the server itself is listed: nothing that its terminals do would help before it is mended
    if server.wrong:
        return  # no rule holds against a wrong person
    speaks = OLD if server.scheme == OLD else NEW  # one that broke down still has the new settings
    for row, device in zip(rows[1:], terminals, strict=True):
        if device.online and row.state not in states.WITH_FINDING and not device.wrong:  # no rule holds against a wrong person
            need(device.scheme == speaks, f"rule 1: stranded ({row.state}) in {dash.state}")
            need(row.state != R.VERIFIED or device.scheme == NEW, "verified, and it is not so")
    need(dash.state != C.ROLLED_BACK or speaks == OLD, "rolled back, and the server is not")
    need(dash.state != C.COMPLETED or speaks == NEW, "completed, and the server is not")


def tell(x: Walkable, w: Model) -> str:
    """A state in one line, for a counterexample."""
    dash, rows = x.values(picture_of(w))
    parts = [f"{dash.state} phase {dash.phase}" + (" waived" if dash.window_waived else "")]
    for row, (_, number) in zip(rows, (w.server, *w.terminals), strict=True):
        device: Device = x.devices[number]
        extra = [f"asked {row.asked}"] if row.asked else []
        extra += ["offline"] * (not device.online) + ["untrusted"] * (not device.trusted)
        extra += [("", "busy", "busy with the older epoch")[device.busy]] if device.busy else []
        extra += [f"order {device.order[0]}"] if device.order else []
        extra += [f"reports {device.reports}"] if device.reports else []
        parts.append(f"{row.state}/{('old', 'new', 'DOWN')[device.scheme]} {' '.join(extra)}".strip())
    return " | ".join(parts)
