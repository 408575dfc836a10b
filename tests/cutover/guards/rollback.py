"""The guards of fleet/cutover/rollback.py."""

from tests.cutover.guards.sites import CALM, CANARY, TROUBLE, Guards

GUARDS: Guards = [
    (
        "the server goes back first",
        CALM,
        [("if s.server.state not in (Run.RESTORED, Run.PENDING, Run.ARMED) and not answers:", "if False:")],
    ),
    (
        "the server goes back at all",
        CALM,
        [
            (
                """    if steps := _undo((s.server,)):
        return steps
""",
                "",
            )
        ],
    ),
    (
        "a server that cannot go back is named",
        TROUBLE,
        [("return _stuck(s) if s.server.state is Run.UNDO_FAILED else []", "return []")],
    ),
    (
        "silence on the way back has an end",
        CALM,
        [("if r.state is Run.UNDOING and r.deadline is not None and now >= r.deadline]", "if False]")],
    ),
    (
        "each is told to undo once",
        CALM,
        [('if r.asked != "undo" and _to_undo(r)]', "if _to_undo(r)]")],
    ),
    (
        "who is told to undo again is not moved twice",
        CANARY,
        [(" for r in todo if r.state is not Run.UNDOING]", " for r in todo]")],
    ),
    (
        "a second rollback asks again",
        CANARY,
        [("Run.UNREACHABLE, Run.UNDOING, Run.UNDO_FAILED", "Run.UNREACHABLE, Run.UNDO_FAILED")],
    ),
    (
        "whoever verified is undone",
        CALM,
        [("Run.SWITCHING, Run.VERIFIED, Run.FAILED", "Run.SWITCHING, Run.FAILED")],
    ),
    (
        "whoever was switching is undone",
        CALM,
        [("Run.SWITCHING, Run.VERIFIED, Run.FAILED", "Run.VERIFIED, Run.FAILED")],
    ),
    (
        "whoever was unreachable is undone",
        CALM,
        [("Run.FAILED, Run.UNREACHABLE,", "Run.FAILED,")],
    ),
    (
        "a retried terminal is undone",
        CALM,
        [(" or (run.touched and run.state in (Run.PENDING, Run.ARMED))", "")],
    ),
    (
        "one that followed by itself is undone",
        TROUBLE,
        [("_undo(s.terminals) + _undo_in_passing(s)", "_undo(s.terminals)")],
    ),
    (
        "a rollback that goes on says so",
        CALM,
        [
            (
                """        if s.state is Cutover.NEEDS_PERSON:
""",
                """        if False:
""",
            )
        ],
    ),
    (
        "a rollback waits for its terminals",
        CALM,
        [
            (
                """    if any(r.state is Run.UNDOING for r in s.terminals):
        return []
""",
                "",
            )
        ],
    ),
    (
        "nothing is rolled back with a terminal that is not",
        CALM,
        [("if all(r.state in CLEAN for r in s.terminals) and not answers:", "if True:")],
    ),
    (
        "whoever needs a person is told so once",
        CALM,
        [
            (
                """    if s.state is Cutover.NEEDS_PERSON:
        return []
""",
                "",
            )
        ],
    ),
]
