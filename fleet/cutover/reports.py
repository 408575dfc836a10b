"""What an agent said about an instruction -> the device run's next state. Pure and total: a report
that no longer matters (older epoch, doubled, out of order) is an answer of None, never an error."""

from dataclasses import dataclass

from agents.protocol import Action, Finding, Outcome
from fleet.cutover.snapshot import Direction
from fleet.cutover.states import RUN_MOVES, Cutover, Run


@dataclass(frozen=True, slots=True)
class Verdict:
    """The run's next state and why."""

    to: Run
    reason: str
    finding: Finding | None = None


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
    """The verdict on one Finished report, or None when it changes nothing.

    current_epoch: the report answers an instruction of the cutover's epoch of now. An older one never
    changes a state: the cutover has turned round since, and a newer instruction is on its way.
    by_itself: nobody had asked, the agent acted on its own."""
    if not current_epoch:
        return None
    verdict: Verdict | None
    if by_itself and action == "undo" and direction == "forward":
        verdict = _went_back(server, outcome, finding)
    else:
        verdict = _verdict(cutover, direction, run, action, outcome, finding)
    if verdict is None or verdict.to not in RUN_MOVES[run]:
        return None
    return verdict


def _went_back(server: bool, outcome: Outcome, finding: Finding | None) -> Verdict:
    """The server as before ends the way forward for all (see plan.py). A terminal that went back alone
    is named: at this moment it may speak another scheme than its server."""
    if server and outcome == "done":
        return Verdict(Run.RESTORED, "went back by itself", finding)
    return Verdict(Run.FAILED, "went back by itself", finding)


def _verdict(
    cutover: Cutover, direction: Direction, run: Run, action: Action, outcome: Outcome, finding: Finding | None
) -> Verdict | None:
    if outcome == "refused":
        return Verdict(Run.UNDO_FAILED if direction == "back" else Run.FAILED, "its agent refused", finding)
    if action == "arm":
        if run not in (Run.PENDING, Run.LATE) or cutover not in (Cutover.ARMING, Cutover.PAUSED):
            return None
        return Verdict(Run.ARMED, "ready") if outcome == "done" else Verdict(Run.FAILED, "not ready", finding)
    if action == "switch" and direction == "forward":
        return Verdict(Run.VERIFIED, "verified") if outcome == "done" else Verdict(Run.FAILED, "could not switch", finding)
    if action == "undo" and direction == "back":
        return Verdict(Run.RESTORED, "as before") if outcome == "done" else Verdict(Run.UNDO_FAILED, "could not undo", finding)
    if action == "verify" and cutover is Cutover.VERIFYING:
        if outcome == "done":
            return Verdict(Run.VERIFIED, "passed the last check")
        return Verdict(Run.FAILED, "did not pass the last check", finding)
    return None
