"""From what an agent reported about an instruction to the device run's next state. It has an answer for every report:
None where the report no longer matters (an older epoch, a second time, out of order), and never an error."""

from dataclasses import dataclass

from agents.protocol import Action, Finding, Outcome
from fleet.cutover.causes import UNKNOWN
from fleet.cutover.snapshot import Direction
from fleet.cutover.states import RUN_MOVES, Cutover, Run


@dataclass(frozen=True, slots=True)
class Verdict:
    """The run's next state."""

    to: Run
    reason: str  # for the log of the cutover
    finding: Finding | None = None  # what is wrong with the device, if anything


def judge(
    cutover: Cutover,
    direction: Direction,
    run: Run,
    *,
    current_epoch: bool,
    action: Action,
    outcome: Outcome,
    finding: Finding | None,
    server: bool = False,
    by_itself: bool = False,
) -> Verdict | None:
    """The verdict on one Finished report, or None when it changes nothing. The caller has already replaced a `done`
    without proof (proofs.py) by `failed` or `undo_failed`.

    current_epoch: whether the instruction is of the cutover's present epoch. An older one never changes a state: the
    cutover has changed its direction since, and a newer instruction is on its way.
    server: whether the device is the server.
    by_itself: the agent acted without an instruction."""
    if not current_epoch:
        return None
    if outcome != "done":
        finding = finding or UNKNOWN
    verdict: Verdict | None
    if by_itself and action == "undo" and direction == "forward":
        verdict = _went_back(server, outcome, finding or UNKNOWN)
    else:
        verdict = _verdict(cutover, direction, run, action, outcome, finding, server)
    if verdict is None or verdict.to not in RUN_MOVES[run]:
        return None
    return verdict


def _went_back(server: bool, outcome: Outcome, finding: Finding) -> Verdict:
    """A server that went back ends the way forward for all (see plan.py). A terminal that went back alone counts as
    failed, because now it may speak another scheme than its server."""
    if server and outcome == "done":
        return Verdict(Run.RESTORED, "went back on its own", finding)
    return _bad(Run.FAILED, "went back on its own", finding)


def _verdict(
    cutover: Cutover,
    direction: Direction,
    run: Run,
    action: Action,
    outcome: Outcome,
    finding: Finding | None,
    server: bool,
) -> Verdict | None:
    if outcome == "refused":
        return _bad(Run.UNDO_FAILED if direction == "back" else Run.FAILED, "its agent refused", finding)
    if action == "arm":
        if run not in (Run.PENDING, Run.LATE) or cutover not in (Cutover.ARMING, Cutover.PAUSED):
            return None
        return Verdict(Run.ARMED, "ready") if outcome == "done" else _bad(Run.FAILED, "not ready", finding)
    if action == "switch" and direction == "forward":
        return Verdict(Run.VERIFIED, "verified") if outcome == "done" else _bad(Run.FAILED, "could not switch", finding)
    if action == "undo" and direction == "back":
        return Verdict(Run.RESTORED, "restored") if outcome == "done" else _bad(Run.UNDO_FAILED, "could not undo", finding)
    if action == "verify" and direction == "forward":
        return _last_check(cutover, outcome, finding) if server else _second_lookup(cutover, run, outcome, finding)
    return None


def _last_check(cutover: Cutover, outcome: Outcome, finding: Finding | None) -> Verdict | None:
    if cutover is not Cutover.VERIFYING:
        return None
    if outcome == "done":
        return Verdict(Run.VERIFIED, "passed the final check")
    return _bad(Run.FAILED, "did not pass the final check", finding)


def _second_lookup(cutover: Cutover, run: Run, outcome: Outcome, finding: Finding | None) -> Verdict | None:
    """The answer of a verified terminal that was asked once more after the cutover had ended."""
    if cutover not in (Cutover.COMPLETED, Cutover.NEEDS_PERSON) or run is not Run.VERIFIED or outcome == "done":
        return None
    return _bad(Run.FAILED, "its second lookup failed", finding)


def _bad(to: Run, what: str, finding: Finding | None) -> Verdict:
    return Verdict(to, f"{what}: {finding.message} ({finding.code})" if finding else what, finding)
