"""What an agent said -> the device run's next state."""

import itertools
from typing import get_args

import pytest

from agents.protocol import Action, Finding, Outcome
from fleet.cutover.reports import judge
from fleet.cutover.snapshot import Direction
from fleet.cutover.states import RUN_MOVES, WITH_FINDING, Cutover, Run

WHY = Finding("code", "what happened", "what to do")
EVERYTHING = list(
    itertools.product(
        Cutover, get_args(Direction), Run, get_args(Action), get_args(Outcome), (False, True), (False, True)
    )
)  # fmt: skip


def verdict(cutover, direction, run, action, outcome, *, current=True, server=False, alone=False):
    return judge(
        cutover, direction, run,
        current_epoch=current, action=action, outcome=outcome, finding=WHY, server=server, by_itself=alone,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cutover", "direction", "run", "action", "outcome", "to"),
    [
        (Cutover.ARMING, "forward", Run.PENDING, "arm", "done", Run.ARMED),
        (Cutover.ARMING, "forward", Run.LATE, "arm", "done", Run.ARMED),
        (Cutover.PAUSED, "forward", Run.PENDING, "arm", "done", Run.ARMED),
        (Cutover.ARMING, "forward", Run.PENDING, "arm", "failed", Run.FAILED),
        (Cutover.SWITCHING, "forward", Run.LATE, "arm", "done", None),
        (Cutover.ARMING, "forward", Run.FAILED, "arm", "done", None),
        (Cutover.ARMING, "forward", Run.ARMED, "arm", "done", None),
        (Cutover.SWITCHING, "forward", Run.SWITCHING, "switch", "done", Run.VERIFIED),
        (Cutover.SWITCHING, "forward", Run.SWITCHING, "switch", "failed", Run.FAILED),
        (Cutover.SWITCHING, "forward", Run.SWITCHING, "switch", "refused", Run.FAILED),
        (Cutover.SWITCHING, "forward", Run.UNREACHABLE, "switch", "done", Run.VERIFIED),
        (Cutover.COMPLETED, "forward", Run.LATE, "switch", "done", Run.VERIFIED),
        (Cutover.PAUSED, "forward", Run.SWITCHING, "switch", "done", Run.VERIFIED),
        (Cutover.SWITCHING, "forward", Run.VERIFIED, "switch", "done", None),
        (Cutover.ROLLING_BACK, "back", Run.UNDOING, "switch", "done", None),
        (Cutover.ROLLING_BACK, "back", Run.UNDOING, "undo", "done", Run.RESTORED),
        (Cutover.ROLLING_BACK, "back", Run.UNDOING, "undo", "undo_failed", Run.UNDO_FAILED),
        (Cutover.ROLLING_BACK, "back", Run.UNDOING, "undo", "refused", Run.UNDO_FAILED),
        (Cutover.NEEDS_PERSON, "back", Run.UNDO_FAILED, "undo", "done", Run.RESTORED),
        (Cutover.ROLLED_BACK, "back", Run.LATE, "undo", "done", Run.RESTORED),
        (Cutover.ROLLED_BACK, "back", Run.ARMED, "undo", "done", None),
        (Cutover.SWITCHING, "forward", Run.SWITCHING, "undo", "done", None),
        (Cutover.COMPLETED, "forward", Run.VERIFIED, "verify", "done", None),
        (Cutover.COMPLETED, "forward", Run.VERIFIED, "verify", "failed", Run.FAILED),
        (Cutover.NEEDS_PERSON, "forward", Run.VERIFIED, "verify", "refused", Run.FAILED),
        (Cutover.COMPLETED, "forward", Run.FAILED, "verify", "done", None),
        (Cutover.ROLLED_BACK, "back", Run.RESTORED, "verify", "failed", None),
        (Cutover.SWITCHING, "forward", Run.VERIFIED, "verify", "failed", None),
        (Cutover.PAUSED, "forward", Run.VERIFIED, "verify", "failed", None),
    ],
)
def test_what_a_report_means(cutover, direction, run, action, outcome, to):
    found = verdict(cutover, direction, run, action, outcome)
    assert (found and found.to) == to


@pytest.mark.parametrize(
    ("server", "run", "outcome", "to"),
    [
        (True, Run.VERIFIED, "done", Run.RESTORED),
        (True, Run.SWITCHING, "done", Run.RESTORED),
        (True, Run.VERIFIED, "undo_failed", Run.FAILED),
        (False, Run.VERIFIED, "done", Run.FAILED),
        (False, Run.VERIFIED, "undo_failed", Run.FAILED),
    ],
)
def test_what_an_agent_undid_by_itself_means(server, run, outcome, to):
    found = verdict(Cutover.SWITCHING, "forward", run, "undo", outcome, server=server, alone=True)
    assert found is not None
    assert (found.to, found.finding) == (to, WHY)


@pytest.mark.parametrize(
    ("cutover", "run", "outcome", "to"),
    [
        (Cutover.VERIFYING, Run.VERIFIED, "failed", Run.FAILED),
        (Cutover.VERIFYING, Run.FAILED, "done", Run.VERIFIED),
        (Cutover.VERIFYING, Run.VERIFIED, "done", None),
        (Cutover.COMPLETED, Run.VERIFIED, "failed", None),
    ],
)
def test_what_the_last_check_of_the_server_means(cutover, run, outcome, to):
    found = verdict(cutover, "forward", run, "verify", outcome, server=True)
    assert (found and found.to) == to


def test_bad_news_without_a_finding_gets_one():
    found = judge(
        Cutover.SWITCHING, "forward", Run.SWITCHING,
        current_epoch=True, action="switch", outcome="failed", finding=None,
    )  # fmt: skip
    assert found is not None
    assert found.finding is not None
    assert found.finding.code == "unknown"


def test_a_report_of_an_older_epoch_never_changes_anything():
    for cutover, direction, run, action, outcome, server, alone in EVERYTHING:
        found = verdict(cutover, direction, run, action, outcome, current=False, server=server, alone=alone)
        assert found is None, (cutover, direction, run, action, outcome)


def test_whatever_is_said_the_table_allows_what_follows():
    for cutover, direction, run, action, outcome, server, alone in EVERYTHING:
        found = verdict(cutover, direction, run, action, outcome, server=server, alone=alone)
        assert found is None or found.to in RUN_MOVES[run], (cutover, direction, run, action, outcome)


def test_a_doubled_report_has_no_second_effect():
    for cutover, direction, run, action, outcome, server, alone in EVERYTHING:
        first = verdict(cutover, direction, run, action, outcome, server=server, alone=alone)
        if first is not None:
            second = verdict(cutover, direction, first.to, action, outcome, server=server, alone=alone)
            assert second is None, (cutover, direction, run, action, outcome)


def test_bad_news_carries_its_finding():
    for cutover, direction, run, action, outcome, server, alone in EVERYTHING:
        found = verdict(cutover, direction, run, action, outcome, server=server, alone=alone)
        if found is not None and found.to in WITH_FINDING:
            assert found.finding == WHY
