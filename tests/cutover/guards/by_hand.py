"""What keeps a person's answers in order: the guards of fleet/cutover/by_hand.py, and those of the plan and of the rollback
that concern devices by hand."""

from tests.cutover.guards.sites import BY_HAND, BY_HAND_TROUBLE, SERVER_BY_HAND, SERVER_BY_HAND_TROUBLE, Guards

PLAN_GUARDS: Guards = [
    (
        "a terminal by hand is ready without being asked",
        BY_HAND,
        [
            ("if r.by_hand and r.state is Run.PENDING]", "if False]"),
            (" and r.asked is None and not r.by_hand)", " and r.asked is None)"),
        ],
    ),
    (
        "a server by hand is ready without being asked",
        SERVER_BY_HAND,
        [("for r in s.runs if r.by_hand and", "for r in s.terminals if r.by_hand and")],
    ),
    (
        "nobody asks a server by hand for its last check",
        SERVER_BY_HAND,
        [("    if not s.server.by_hand:\n", "    if True:\n")],
    ),
    (
        "the silence at a server by hand has an end",
        SERVER_BY_HAND,
        [("    if _overdue(server, now):\n", "    if False:\n")],
    ),
    (
        "no person is asked at arming",
        BY_HAND,
        [(" and r.asked is None and not r.by_hand)", " and r.asked is None)")],
    ),
]
ROLLBACK_GUARDS: Guards = [
    (
        "nobody is asked to set back what nobody has changed",
        BY_HAND,
        [(" and not _to_undo(r) and not r.by_hand]", " and not _to_undo(r)]")],
    ),
]
GUARDS: Guards = [
    (
        "an answer to the question before the turn is not one to the question of now",
        BY_HAND,
        [("if told is not None and told != now:", "if False:")],
    ),
    (
        "an answer about the server before the turn is not one to the question of now",
        SERVER_BY_HAND,
        [("if told is not None and told != now:", "if False:")],
    ),
    (
        "an answer about the server counts on the way forward only when it is asked for",
        SERVER_BY_HAND_TROUBLE,
        [('if direction == "forward" and run not in FORWARD:', "if False:")],
    ),
    (
        "an answer about the server counts on the way back only when it is asked for",
        SERVER_BY_HAND_TROUBLE,
        [('if direction == "back" and run not in BACK:', "if False:")],
    ),
    (
        "a server that does not work is not verified",
        SERVER_BY_HAND_TROUBLE,
        [("return Run.VERIFIED if result", "return Run.VERIFIED if True or result")],
    ),
    (
        "a server that is not back is not restored",
        SERVER_BY_HAND_TROUBLE,
        [("return Run.RESTORED if result", "return Run.RESTORED if True or result")],
    ),
    (
        "a server that does not work has a finding",
        SERVER_BY_HAND_TROUBLE,
        [('it does not work", _does_not_work(now, note, server))', 'it does not work")')],
    ),
    (
        "an answer counts on the way forward only when it is asked for",
        BY_HAND_TROUBLE,
        [('if direction == "forward" and run not in FORWARD:', "if False:")],
    ),
    (
        "an answer counts on the way back only when it is asked for",
        BY_HAND_TROUBLE,
        [('if direction == "back" and run not in BACK:', "if False:")],
    ),
    (
        "a terminal that does not work is not verified",
        BY_HAND_TROUBLE,
        [("return Run.VERIFIED if result", "return Run.VERIFIED if True or result")],
    ),
    (
        "a terminal that is not back is not restored",
        BY_HAND_TROUBLE,
        [("return Run.RESTORED if result", "return Run.RESTORED if True or result")],
    ),
    (
        "a second answer of the same kind changes nothing",
        BY_HAND_TROUBLE,
        [("    if to is run:\n        return None\n", "")],
    ),
    (
        "what is restored stays so",
        BY_HAND_TROUBLE,
        [("if run is Run.RESTORED:", "if False:")],
    ),
    (
        "what does not work has a finding",
        BY_HAND_TROUBLE,
        [('it does not work", _does_not_work(now, note, server))', 'it does not work")')],
    ),
]
