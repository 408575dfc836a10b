"""The guards of fleet/cutover/plan.py."""

from tests.cutover.guards.sites import CALM, CANARY, LIAR, TROUBLE, WAVE, Guards

GUARDS: Guards = [
    (
        "a verified terminal is asked a second time",
        LIAR,
        [('return [Ask(due, "verify")] if due else []', "return []")],
    ),
    (
        "only a verified terminal is asked a second time",
        LIAR,
        [("if r.confirm_due and r.state is Run.VERIFIED)", "if r.state in COUNTS_AS_FAILED)")],
    ),
    (
        "arming waits until every device has answered",
        CALM,
        [("if steps or any(r.state is Run.PENDING for r in s.runs):", "if steps:")],
    ),
    (
        "silence at arming has an end",
        TROUBLE,
        [("if run.state is Run.PENDING and _overdue(run, now):", "if False:")],
    ),
    (
        "a threshold counts before the server is flipped",
        WAVE,
        [
            (
                """    if stop := _threshold(s):
        return [stop]
    if s.terminals""",
                "    if s.terminals",
            )
        ],
    ),
    (
        "no server is flipped for nobody",
        CALM,
        [("if s.terminals and not any(r.state is Run.ARMED for r in s.terminals):", "if False:")],
    ),
    (
        "no server is flipped after the point of no return",
        CALM,
        [
            (
                """    if _closing(s, now):
        return [_back_for_time("the window closes before the server could be switched; nothing was changed")]
    if s.server""",
                "    if s.server",
            ),
            (
                """        if _closing(s, now):
            return [_back_for_time("the window closes before the server could be switched; nothing was changed")]
        return [Ask""",
                "        return [Ask",
            ),
        ],
    ),
    (
        "terminals wait for the server's proof",
        CALM,
        [("if server.state is Run.VERIFIED:", "if server.state in (Run.VERIFIED, Run.SWITCHING):")],
    ),
    (
        "a server that could not be flipped leads back",
        TROUBLE,
        [
            (
                """    if server.state in COUNTS_AS_FAILED:
""",
                """    if False:
""",
            )
        ],
    ),
    (
        "a server's silence has an end",
        CALM,
        [
            (
                """    if _overdue(server, now):
""",
                """    if False:
""",
            )
        ],
    ),
    (
        "a server that goes back by itself leads back",
        TROUBLE,
        [('if s.direction == "forward" and s.server.state is Run.RESTORED and s.state in CAN_ROLL_BACK:', "if False:")],
    ),
    (
        "a server that does not stay leads back",
        TROUBLE,
        [
            (
                """    if s.server.state in COUNTS_AS_FAILED:
        # The server had answered""",
                """    if False:
        # The server had answered""",
            )
        ],
    ),
    (
        "a terminal's silence has an end",
        CALM,
        [("if r.state is Run.SWITCHING and _overdue(r, now)]", "if False]")],
    ),
    (
        "a threshold stops the waves",
        CANARY,
        [
            (
                """    if stop := _threshold(s):
        return [stop]
    open_runs""",
                "    open_runs",
            )
        ],
    ),
    (
        "a threshold is passed by one more than allowed",
        CANARY,
        [("if len(failed) > limit and", "if len(failed) > limit + 1 and")],
    ),
    (
        "a threshold that a person has seen does not stop again",
        CALM,
        [(" and wave not in s.waived:", ":")],
    ),
    (
        "no terminal is flipped after the point of no return",
        CALM,
        [('if open_runs and s.on_window_close != "finish" and _closing(s, now):', "if False:")],
    ),
    (
        "the point of no return holds until a person waives it",
        CALM,
        [("return now >= s.no_return_at and not s.window_waived", "return now >= s.ends_at and not s.window_waived")],
    ),
    (
        "a window that a person has waived does not stop again",
        CALM,
        [(" and not s.window_waived", "")],
    ),
    (
        "a wave waits for the one before it",
        CANARY,
        [("wave = min(r.wave for r in open_runs)", "wave = max(r.wave for r in open_runs)")],
    ),
    (
        "all terminals are tried before the last check",
        CALM,
        [
            (
                """    if not open_runs:
""",
                """    if not [r for r in open_runs if r.state is not Run.SWITCHING]:
""",
            )
        ],
    ),
    (
        "a late terminal finds its instruction",
        CANARY,
        [('return [Ask(late, "switch")] if late else []', "return []")],
    ),
    (
        "the server is asked for a last check",
        CALM,
        [('if s.server.asked != "verify":', "if False:")],
    ),
    (
        "nothing completes without the last check",
        CALM,
        [
            (
                """    if not s.server_checked:
""",
                """    if False:
""",
            )
        ],
    ),
    (
        "a server that fails the last check is lost",
        TROUBLE,
        [
            (
                """    if s.server.deadline is None:
""",
                """    if False:
""",
            )
        ],
    ),
    (
        "silence at the last check has an end",
        TROUBLE,
        [
            (
                """    if not _overdue(s.server, now):
        return []
""",
                """    return []
""",
            )
        ],
    ),
    (
        "a second failure of the last check is one, too",
        CALM,
        [("if s.server.state is Run.FAILED:  # already", "if False:  # already")],
    ),
    (
        "a late one's silence during the last check has an end",
        CANARY,
        [("    if steps := _silent(s, now):  # a late", "    if steps := ():  # a late")],
    ),
    (
        "terminals to be tried again are tried before rest",
        CALM,
        [
            (
                """    if any(r.state in OPEN for r in s.terminals):
""",
                """    if False:
""",
            )
        ],
    ),
    (
        "nothing completes with a failed terminal",
        CALM,
        [
            (
                """    if bad:
""",
                """    if False:
""",
            )
        ],
    ),
    (
        "a failure after completion is named",
        CALM,
        [("if not steps and any(r.state in COUNTS_AS_FAILED for r in s.runs):", "if False:")],
    ),
    (
        "those who came back complete it",
        CALM,
        [("if not steps and s.server.state is Run.VERIFIED and all(", "if False and all(")],
    ),
    (
        "whoever needs a person is not completed",
        CALM,
        [("all(r.state in DONE | {Run.SWITCHING} for r in s.terminals):", "True:")],
    ),
    (
        "on its way back it goes on when a device is mended",
        CALM,
        [
            (
                """        return rollback.next_steps(s, now)
    steps""",
                """        return []
    steps""",
            )
        ],
    ),
    (
        "silence during a pause has an end",
        CALM,
        [
            (
                """def _paused(s: Snapshot, now: dt.datetime) -> list[Step]:
    if steps := _silent(s, now):""",
                """def _paused(s: Snapshot, now: dt.datetime) -> list[Step]:
    if steps := ():""",
            )
        ],
    ),
    (
        "a pause before the flip ends with the window",
        TROUBLE,
        [("if now >= s.ends_at or (", "if (")],
    ),
    (
        "a pause does not outlast the point of no return",
        CALM,
        [
            (
                """    elif s.on_window_close == "roll_back" and _closing(s, now):
        return [_back_for_time("the point""",
                """    elif False:
        return [_back_for_time("the point""",
            )
        ],
    ),
]
