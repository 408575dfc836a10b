"""What must be true when a cutover has ended, seen from outside: by files, real lookups and what the dashboard says."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from tests.faults.truth import Truth

Kind = Literal["stranded", "journal", "claim", "no_reason", "not_identical", "services", "no_rest", "not_back"]
WORDS: dict[Kind, str] = {
    "stranded": "stranded",
    "journal": "journal ≠ reality",
    "claim": "a liar is believed",
    "no_reason": "without a reason",
    "not_identical": "not identical after rollback",
    "services": "services not as before the cutover",
    "no_rest": "never at rest",
    "not_back": "could not be brought back",
}
NAMED = frozenset({"failed", "unreachable", "undo_failed", "late"})
IN_MOTION = frozenset({"switching", "undoing"})
AT_REST = frozenset({"completed", "rolled_back", "cancelled", "needs_person"})
# States that a cutover may take by itself, and then needs a cause.
STOPS = frozenset({"paused", "rolling_back", "needs_person"})


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never happen."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Liars:
    """Terminals whose agent a hostile program replaced. Such a terminal may say anything of itself, but it must end
    either with its real state, or with a finding or an item of attention."""

    names: Collection[str] = ()
    attention: Collection[str] = ()  # the devices that GET /attention names

    def named(self, run: dict[str, Any]) -> bool:
        """Whether a person is told about this device."""
        return run["finding"] is not None or run["device"] in self.attention


NOBODY = Liars()


def at_rest(cutover: dict[str, Any]) -> bool:
    """Whether the cutover has ended, and no device is switching or undoing."""
    moving = any(run["state"] in IN_MOTION for run in cutover["device_runs"])
    return cutover["state"] in AT_REST and not moving


def check(
    cutover: dict[str, Any],
    log: list[dict[str, Any]],
    truth: Truth,
    before: dict[str, Any],
    now: dict[str, Any],
    liars: Liars = NOBODY,
) -> list[Violation]:
    """Everything that is wrong after the end. log: the transitions; before, now: snapshots of the settings."""
    found = [*stranded(cutover, truth, liars), *journal(cutover, truth, liars), *no_reason(cutover, log)]
    found += claims(cutover, truth, liars)
    if cutover["state"] in ("rolled_back", "cancelled"):
        named = {run["device"] for run in cutover["device_runs"] if run["device"] in liars.names and liars.named(run)}
        theirs = {f"terminals/{name}/TouchSettings.xml" for name in named}
        found += [v for v in identical(before, now) if v.text.split(":")[0] not in theirs]
    elif cutover["state"] == "completed":
        found += services(before, now)
    return found


def stranded(cutover: dict[str, Any], truth: Truth, liars: Liars = NOBODY) -> list[Violation]:
    """Terminals that get no answer from the server, and that no finding names. Call this when no fault is in force."""
    named = {run["device"] for run in cutover["device_runs"] if run["state"] in NAMED and run["finding"]}
    named |= {run["device"] for run in cutover["device_runs"] if run["device"] in liars.names and liars.named(run)}
    return [
        Violation("stranded", f"{name}: set to {terminal.scheme or '?'}, the server speaks {truth.spoken}: {terminal.why}")
        for name, terminal in truth.terminals.items()
        if not terminal.ok and name not in named
    ]


def journal(cutover: dict[str, Any], truth: Truth, liars: Liars = NOBODY) -> list[Violation]:
    """Devices whose state is not what their settings say, or for the server what it really speaks."""
    found = []
    for run in cutover["device_runs"]:
        if run["device"] in liars.names:
            continue
        claim = _claim(cutover, run)
        server = run["kind"] == "server"
        real = truth.spoken if server else truth.terminals[run["device"]].scheme
        if claim and real != claim:
            found.append(Violation("journal", f"{run['device']} is {run['state']}, so on {claim}; really on {real or '?'}"))
        elif claim and server and truth.settings != claim:
            found.append(Violation("journal", f"{run['device']} is {run['state']}; its settings say {truth.settings}"))
    return found


def claims(cutover: dict[str, Any], truth: Truth, liars: Liars) -> list[Violation]:
    """Liars that are verified while their settings say otherwise, or in another wrong state without a finding."""
    found = []
    for run in cutover["device_runs"]:
        claim = _claim(cutover, run)
        if run["device"] not in liars.names or claim is None or truth.terminals[run["device"]].scheme == claim:
            continue
        if run["state"] == "verified" or not liars.named(run):
            real = truth.terminals[run["device"]].scheme
            found.append(
                Violation("claim", f"{run['device']} lied and is {run['state']}, so on {claim}; really on {real or '?'}")
            )
    return found


def _claim(cutover: dict[str, Any], run: dict[str, Any]) -> str | None:
    """The scheme that a device speaks if its run's state is true, or None if the state says nothing about it."""
    new, old = cutover["to_scheme"], cutover["from_scheme"]
    return {"verified": new, "restored": old, "pending": old, "armed": old}.get(run["state"])


def no_reason(cutover: dict[str, Any], log: list[dict[str, Any]]) -> list[Violation]:
    """Everything that waits for a person without saying why."""
    runs = cutover["device_runs"]
    found = [
        Violation("no_reason", f"{run['device']} is {run['state']} without a finding")
        for run in runs
        if run["state"] in NAMED and not run["finding"]
    ]
    if cutover["state"] == "paused" and not cutover["finding"] and not _by_person(log):
        found.append(Violation("no_reason", "paused without a finding, and not by a person"))
    if not cutover.get("cause") and (stop := next((row for row in log if _by_itself(row)), None)):
        found.append(Violation("no_reason", f"it became {stop['to']} by itself, and has no cause"))
    if cutover["state"] == "needs_person" and not any(run["finding"] for run in runs):
        found.append(Violation("no_reason", "needs_person, but no device has a finding"))
    return found


def identical(before: dict[str, Any], now: dict[str, Any]) -> list[Violation]:
    """What a rollback has left changed."""
    different = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    return [Violation("not_identical", f"{key}: {before.get(key)} became {now.get(key)}") for key in different]


def services(before: dict[str, Any], now: dict[str, Any]) -> list[Violation]:
    """Services that are not as before: also after a cutover the monitor works, and what needs NetPOS.Net runs again."""
    key = "services.json services"
    return [Violation("services", f"{before[key]} became {now[key]}")] if before.get(key) != now.get(key) else []


def _by_itself(row: dict[str, Any]) -> bool:
    return row["device"] is None and row["to"] in STOPS and row["actor"] == "plan"


def _by_person(log: list[dict[str, Any]]) -> bool:
    last = next((row for row in reversed(log) if row["device"] is None), None)
    return last is not None and last["to"] == "paused" and last["actor"] != "plan"
