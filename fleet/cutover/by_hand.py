"""A device without an agent: a person sets it and says how that went. From the person's answer to the device run's next
state. It is a terminal, or the server.

A person may be late, wrong or gone, may press twice, and may answer a question that was asked before the cutover turned
around. So an answer counts only for the scheme that the person was asked to set, and only while that is asked."""

from typing import Literal

from agents.protocol import Finding, Scheme
from fleet.cutover.reports import Verdict
from fleet.cutover.snapshot import Direction, RunView
from fleet.cutover.states import BEFORE_WINDOW, Cutover, Run

Result = Literal["done", "does_not_work"]

# The states in which a person's answer counts. A verified device may still turn out not to work, and an answer that
# comes after the deadline is taken.
FORWARD = frozenset({Run.SWITCHING, Run.UNREACHABLE, Run.FAILED, Run.VERIFIED})
BACK = frozenset({Run.UNDOING, Run.UNDO_FAILED, Run.RESTORED})


class Refused(Exception):
    """The answer does not count. Its text says why, and what the person is to do instead."""


def wanted(direction: Direction, to_scheme: Scheme) -> Scheme:
    """The scheme that a device is to have now."""
    other: Scheme = "http" if to_scheme == "https" else "https"
    return to_scheme if direction == "forward" else other


def waits(cutover: Cutover, direction: Direction, run: Run) -> bool:
    """Whether a person is expected to do something at this device now, in time or late."""
    if cutover in BEFORE_WINDOW or cutover in (Cutover.CANCELLED, Cutover.ROLLED_BACK):
        return False
    return run in (BACK - {Run.RESTORED} if direction == "back" else FORWARD - {Run.VERIFIED})


def judge(
    cutover: Cutover,
    direction: Direction,
    run: Run,
    *,
    result: Result,
    told: Scheme | None,
    to_scheme: Scheme,
    note: str = "",
    server: bool = False,
) -> Verdict | None:
    """The verdict on a person's answer, or None where it says what is known already. Raises Refused.

    told: the scheme that the person was asked to set; None where the answer does not say.
    to_scheme: the cutover's.
    note: the person's own words about what does not work; server: whether the device is the server."""
    now = wanted(direction, to_scheme)
    if told is not None and told != now:
        raise Refused(f"the cutover turned around: set it back to {now.upper()}, then answer again")
    if direction == "back" and run not in BACK:
        wait = "this server was not changed: leave it as it is" if server else f"wait until the server is back on {now.upper()}"
        raise Refused(f"the cutover is being rolled back: {wait}")
    if direction == "forward" and run not in FORWARD:
        raise Refused(f"it is not this {_kind(server)}'s turn (it is {run}): leave it as it is for now")
    to = _next(direction, result)
    if to is run:
        return None
    if run is Run.RESTORED:
        raise Refused("somebody has answered already that it is back as before, and this cutover has no further step for it")
    if result == "done":
        return Verdict(to, f"a person has set it to {now.upper()}")
    return Verdict(to, "a person reports that it does not work", _does_not_work(now, note, server))


def silence(run: RunView, scheme: Scheme, lost: Finding) -> tuple[str, Finding]:
    """The reason and the finding for a device whose deadline is over. scheme: what it was to be set to; lost: the finding
    for one that has an agent."""
    if not run.by_hand:
        return "its agent did not report in time", lost
    do = "do what it says" if run.kind == "server" else f"set {run.name} as it says and look up a member"
    finding = Finding(
        "nobody_answered",
        f"Nobody has said in time whether {run.name} works over {scheme.upper()}.",
        f"Open this {run.kind}'s page, {do}. Then press Done or Does not work: a late answer counts, too.",
    )
    return "nobody has answered in time", finding


def _next(direction: Direction, result: Result) -> Run:
    if direction == "back":
        return Run.RESTORED if result == "done" else Run.UNDO_FAILED
    return Run.VERIFIED if result == "done" else Run.FAILED


def _kind(server: bool) -> str:
    return "server" if server else "terminal"


def _does_not_work(scheme: Scheme, note: str, server: bool = False) -> Finding:
    said = f': "{note}"' if note else ""
    if server:
        return Finding(
            "does_not_work",
            f"A person reports that the server does not work over {scheme.upper()}{said}.",
            "Compare the server's URL reservation, certificate binding, settings and services with the commands on its page. "
            "When it answers, press Done there.",
        )
    return Finding(
        "does_not_work",
        f"A person reports that it does not work over {scheme.upper()}{said}.",
        "Check Secured, the host name and the port in its settings, and whether it trusts the server's certificate. "
        "When a member lookup works, press Done on this terminal's page.",
    )
