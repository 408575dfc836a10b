"""The guards of fleet/cutover/reports.py."""

from tests.cutover.guards.sites import CALM, LIAR, TROUBLE, TROUBLE_ALLOWED, Guards

GUARDS: Guards = [
    (
        "an older epoch changes nothing",
        CALM,
        [
            (
                """    if not current_epoch:
        return None
""",
                "",
            )
        ],
    ),
    (
        "a report moves a run only as the table allows",
        CALM,
        [(" or verdict.to not in RUN_MOVES[run]", "")],
    ),
    (
        "what an agent did by itself counts",
        TROUBLE,
        [('if by_itself and action == "undo"', 'if False and action == "undo"')],
    ),
    (
        "a server that went back by itself is back",
        TROUBLE,
        [('if server and outcome == "done":', "if False:")],
    ),
    (
        "a server that could not go back is not back",
        TROUBLE,
        [('if server and outcome == "done":', "if server:")],
    ),
    (
        "passing the last check clears an earlier failure",
        CALM,
        [('return Verdict(Run.VERIFIED, "passed the final check")', "return None")],
    ),
    (
        "a failed undo is named",
        TROUBLE,
        [('else _bad(Run.UNDO_FAILED, "could not undo", finding)', 'else Verdict(Run.RESTORED, "")')],
    ),
    (
        "a failed switch is named",
        TROUBLE,
        [('else _bad(Run.FAILED, "could not switch", finding)', 'else Verdict(Run.VERIFIED, "")')],
    ),
    (
        "a device that is not ready is not armed",
        TROUBLE,
        [('else _bad(Run.FAILED, "not ready", finding)', 'else Verdict(Run.ARMED, "")')],
    ),
    (
        "a second lookup that contradicts the first counts",
        LIAR,
        [('return _bad(Run.FAILED, "its second lookup failed", finding)', "return None")],
    ),
    (
        "an old answer to arm does not arm",
        TROUBLE_ALLOWED,
        [
            (
                """        if run not in (Run.PENDING, Run.LATE) or cutover not in (Cutover.ARMING, Cutover.PAUSED):
            return None
""",
                "",
            )
        ],
    ),
]
