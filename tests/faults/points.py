"""Every named point at which a process can be made to die, with what is needed to reach it."""

from dataclasses import dataclass

from agents import catalogue, failpoints
from fleet import failpoints as dashboard

FORWARD, BACK = "forward", "back"
# Points that are reached only on the way forward.
_FORWARD_ONLY = frozenset({"worker.tick_uncommitted", "worker.tick_committed"})
# Points in code that several processes run: web for a button, gateway for a report, worker for a tick. The worker reaches
# them when it begins a cutover. On the way back it does not: there the gateway runs the code when it takes reports.
_RESTART = catalogue.Restart("program", 60)
_PARTS = ("web", "gateway", "worker")
_SHARED = {"engine.carried_out": _PARTS, "tasks.follow_begun": _PARTS, "tasks.follow_done": _PARTS}


@dataclass(frozen=True, slots=True)
class Point:
    """One point."""

    name: str
    where: str  # the processes that die there
    ways: tuple[str, ...]  # "forward", "back" or both: when it is reached
    wake: str = ""  # processes to kill first, because the point is reached when they start again
    starts_later: bool = False  # reached only when a tick begins a cutover
    restarts: bool = False  # reached only where Touch is restarted: in a lab whose Touch caches its settings
    parts: tuple[str, ...] = ()  # processes that share this code, each of which is to die there; empty: only one kind runs it


def every() -> list[Point]:
    """All points: first the agents', made from the catalogue of steps, then the dashboard's."""
    return [*_steps("server"), *_steps("terminal"), *_agent("server"), *_agent("terminal"), *_dashboard()]


def _steps(role: str) -> list[Point]:
    where = f"{role}_agent" if role == "server" else "terminal_agents"
    steps = catalogue.SERVER_STEPS if role == "server" else catalogue.steps_for("terminal", "switch", _RESTART)
    found = []
    for step in (*catalogue.ARM_STEPS, *steps):
        asks_only, restarts = step.name in failpoints.ASKS_ONLY, step.name == catalogue.RESTART_TOUCH.name
        found += [
            Point(f"{role}.{step.name}.{stage}", where, (FORWARD,), restarts=restarts)
            for stage in failpoints.FORWARD
            if stage != "saved" or not asks_only
        ]
        if not asks_only:
            found += [Point(f"{role}.{step.name}.{stage}", where, (BACK,), restarts=restarts) for stage in failpoints.BACK]
    return found


def _agent(role: str) -> list[Point]:
    where = "server_agent" if role == "server" else "terminal_agents"
    return [
        Point(f"{role}.{event}", where, (FORWARD, BACK), wake=where if event == "hello_said" else "")
        for event in failpoints.AGENT
    ]


def _dashboard() -> list[Point]:
    found = []
    for name in dashboard.NAMES:
        ways = (FORWARD,) if name in _FORWARD_ONLY else (FORWARD, BACK)
        wake = "terminal_agents" if name == "gateway.agent_recognised" else ""
        parts = _SHARED.get(name, ())
        where = ", ".join(parts) or name.split(".")[0].replace("tasks", "worker")
        found.append(Point(name, where, ways, wake, name in _FORWARD_ONLY, parts=parts))
    return found
