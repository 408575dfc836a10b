"""One random trial as a value. Trial i of seed S with T terminals is always the same, so it can be run again."""

import random
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.faults import points
from tests.faults.hostile.behaviours import TRIED
from tests.faults.site import DASHBOARD

GROUPS = ("server_agent", "terminal_agents", "gateway", "worker", "web", "beat", "broker", "netpos", "terminals")
# Seconds in which faults begin. A cutover of ten terminals takes about five, its rollback four.
SPAN_S = {"forward": 5.5, "back": 4.0}
# How often each kind is drawn, relative to the others.
KINDS = {
    "kill": 30, "point": 25, "terminals": 20, "person": 12, "server": 10, "freeze": 10, "broker_flush": 6, "db_lock": 8,
    "hostile": 12,
}  # fmt: skip
VERBS = {"pause": 4, "resume": 3, "roll_back": 3, "retry_failed": 2}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a trial."""

    kind: str
    at: float  # seconds after the button was pressed
    seconds: float = 0.0  # how long it lasts; 0: it only happens once
    what: dict[str, Any] = field(default_factory=dict)  # more, depending on the kind


@dataclass(frozen=True, slots=True)
class Plan:
    """One trial."""

    seed: int
    number: int
    body: dict[str, Any]  # of POST /cutovers, without the site
    way: str  # "forward" or "back": when the faults happen
    faults: tuple[Fault, ...]
    presses: tuple[str, ...]  # the button that a person presses at the first pause, at the second, and so on

    @property
    def liars(self) -> set[int]:
        """The numbers of the terminals whose agent a hostile program replaces for a while."""
        return {fault.what["who"] for fault in self.faults if fault.kind == "hostile"}

    @property
    def kinds(self) -> list[str]:
        """The kinds of its faults, each once."""
        return sorted({fault.kind for fault in self.faults})

    def as_json(self) -> dict[str, Any]:
        """As it is written into the folder of a failed trial."""
        return asdict(self)


def make(
    seed: int, number: int, terminals: int, *, long: bool = False, full_disk: bool = False, restored: bool = False,
    caches: bool = False,
) -> Plan:  # fmt: skip
    """Trial `number` of this seed. long: the dashboard may be down for longer than a restart takes; full_disk: the disk of
    the whole site is full for a while; restored: the database is replaced by an older copy of it;
    caches: Touch is restarted, so it may be in a sale, and there are the points of its restart."""
    rng = random.Random(f"{seed}:{number}:{terminals}:{long}")
    way = "back" if rng.random() < 0.3 else "forward"
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=rng.randint(1, 4))
    faults = [_fault(rng, kind, way, terminals, caches=caches) for kind in kinds]
    if long and rng.random() < 0.5:
        groups = list(DASHBOARD if rng.random() < 0.5 else DASHBOARD[:3])
        faults.append(Fault("down", _at(rng, way), round(rng.uniform(45, 90), 1), {"groups": groups}))
    presses = tuple(rng.choice(("resume", "roll_back", "retry_failed")) for _ in range(4))
    body = _body(rng, terminals)
    if full_disk:
        faults.append(Fault("disk_full", _at(rng, way), round(rng.uniform(1, 15), 1)))
    if restored:
        faults.append(Fault("restored", _at(rng, way), round(rng.uniform(0.1, 8), 1)))
    return Plan(seed, number, body, way, tuple(sorted(faults, key=lambda f: f.at)), presses)


def _body(rng: random.Random, terminals: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "on_window_close": rng.choice(("finish", "hold", "roll_back")),
        "on_threshold": rng.choice(("roll_back", "pause")),
        # The shortest window there is: with pauses, delays and kills it ends while something is under way.
        "duration_minutes": 1 if rng.random() < 0.2 else 60,
    }
    shape = rng.random()
    if shape < 0.3:
        body["waves"] = [{"percent": 100, "max_failed": rng.randint(0, terminals)}]
    elif shape < 0.6:
        size = rng.randint(1, max(1, terminals // 2))
        body["waves"] = [{"size": size, "max_failed": rng.randint(0, size)}, {"percent": 50, "max_failed_percent": 50}]
    return body


def _at(rng: random.Random, way: str) -> float:
    return round(rng.uniform(-0.2, SPAN_S[way]), 2)


def _fault(rng: random.Random, kind: str, way: str, terminals: int, *, caches: bool) -> Fault:
    at = _at(rng, way)
    if kind == "kill":
        parts = [{"group": g, "which": rng.randrange(6)} for g in rng.sample(GROUPS, rng.randint(1, 3))]
        again = [round(rng.uniform(0.2, 2.5), 2) for _ in range(rng.choice((0, 0, 1, 2)))]
        return Fault(kind, at, sum(again), {"parts": parts, "again": again})
    if kind == "point":
        possible = [p for p in points.every() if way in p.ways and (caches or not p.restarts)]
        fitting = [p.name for p in possible if not (p.wake or p.starts_later)]
        # Armed before the button is pressed, so that early points are reached, too.
        return Fault(kind, -0.2, SPAN_S[way] + 2, {"point": rng.choice(fitting), "times": rng.choice((1, 1, 2))})
    if kind == "terminals":
        who = sorted(rng.sample(range(terminals), rng.randint(1, max(1, terminals // 2))))
        return Fault(kind, at, round(rng.uniform(0.5, 12), 1), {"who": who, "faults": _terminal_faults(rng, caches=caches)})
    if kind == "person":
        return Fault(kind, at, 0, {"verb": rng.choices(list(VERBS), list(VERBS.values()))[0]})
    if kind == "server":
        faults = rng.choice(({"fail_to_start": True}, {"start_delay_s": rng.randint(1, 8)}, {"monitor_restarts": True}))
        return Fault(kind, at, round(rng.uniform(1, 12), 1), {"faults": faults})
    if kind == "hostile":
        what = {"who": rng.randrange(terminals), "behaviours": [rng.choice(TRIED)], "seed": rng.randrange(1000)}
        return Fault(kind, at, round(rng.uniform(2, 12), 1), what)
    if kind == "freeze":
        return Fault(kind, at, round(rng.uniform(0.5, 8), 1), {"group": rng.choice(GROUPS)})
    if kind == "db_lock":
        return Fault(kind, at, round(rng.uniform(0.5, 8), 1))
    return Fault(kind, at)


def _terminal_faults(rng: random.Random, *, caches: bool) -> dict[str, Any]:
    sales = ({"in_sale": True},) if caches else ()
    return rng.choice(
        (
            *sales,
            {"offline": True},
            {"latency_ms": rng.choice((100, 500, 2000))},
            {"untrusted_root": True},
            {"read_only_settings": True},
            {"clock_skew_s": rng.choice((-1, 1)) * 86_400 * rng.choice((1, 1000))},
        )
    )
