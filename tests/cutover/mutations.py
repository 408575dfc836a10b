"""The domain with one guard removed: a change to the source of one module, compiled beside the real one."""

import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fleet.cutover import plan, reports, rollback
from fleet.cutover.states import Cutover
from tests.cutover.model import Rules, Setting


@dataclass(frozen=True)
class Mutation:
    """name: what the guard that is gone was good for; site: where the loss shows; swaps: pairs of text before
    and after, the first of which must occur exactly once in the module's source."""

    name: str
    module: ModuleType
    site: Setting
    swaps: tuple[tuple[str, str], ...]

    def rules(self) -> Rules:
        """The domain with this mutation."""
        source = inspect.getsource(self.module)
        for old, new in self.swaps:
            assert source.count(old) == 1, f"the text to replace occurs {source.count(old)} times: {old}"
            source = source.replace(old, new)
        mutant: Any = ModuleType(f"mutated.{self.module.__name__}")
        exec(compile(source, f"<{self.name}>", "exec"), mutant.__dict__)
        if self.module is plan:
            return Rules(plan=mutant)
        if self.module is reports:
            return Rules(reports=mutant)
        return Rules(plan=_plan_with(mutant), rollback=mutant)


def _plan_with(mutant: ModuleType) -> ModuleType:
    """The plan, going back by the mutated rules."""
    copy: Any = ModuleType("mutated.plan")
    exec(compile(inspect.getsource(plan), "<plan>", "exec"), copy.__dict__)
    copy.rollback = mutant
    copy._RULES[Cutover.ROLLING_BACK] = mutant.next_steps  # type: ignore[attr-defined]
    return copy


# Small sites in which the loss of one guard shows; see Setting.
CALM = Setting((0,), (0,), "roll_back", "pause", faults=0)
TROUBLE = Setting((0,), (0,), "hold", "pause", faults=1, presses_cost=True)
TROUBLE_ALLOWED = Setting((0,), (1,), "hold", "roll_back", faults=1, presses_cost=True)
CANARY = Setting((0, 1), (0, 0), "hold", "roll_back", faults=0, presses=("roll back",))
WAVE = Setting((0, 0), (0,), "roll_back", "roll_back", faults=1, presses=("roll back",), untrusted=0)
LIAR = Setting((0,), (0,), "hold", "pause", faults=1, untrusted=0, lies=True, presses=("roll back",))

PLAN_GUARDS: list[tuple[str, Setting, list[tuple[str, str]]]] = [
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
ROLLBACK_GUARDS: list[tuple[str, Setting, list[tuple[str, str]]]] = [
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
REPORTS_GUARDS: list[tuple[str, Setting, list[tuple[str, str]]]] = [
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

MUTATIONS = [
    Mutation(name, module, site, tuple(swaps))
    for module, guards in ((plan, PLAN_GUARDS), (rollback, ROLLBACK_GUARDS), (reports, REPORTS_GUARDS))
    for name, site, swaps in guards
]
