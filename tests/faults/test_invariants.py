"""The harness has to see what is wrong: each kind of violation, made by hand."""

from tests.faults import invariants
from tests.faults.invariants import Liars
from tests.faults.truth import TerminalAccess, Truth

FINDING = {"code": "x", "message": "m", "remedy": "r"}
CAUSE = {**FINDING, "devices": ["A"]}


def run(device, state, kind="terminal", finding=None):
    return {"device": device, "state": state, "kind": kind, "finding": finding, "step": None}


def cutover(state, *runs, finding=None, cause=None):
    same = {"from_scheme": "http", "to_scheme": "https", "finding": finding, "cause": cause}
    return {"state": state, "device_runs": list(runs), **same}


def kinds(cutover, truth, before=None, now=None, log=(), liars=invariants.NOBODY):
    return [v.kind for v in invariants.check(cutover, list(log), truth, before or {}, now or {}, liars)]


GOOD = Truth("https", "https", {"A": TerminalAccess("https", True)})
LOST = Truth("https", "https", {"A": TerminalAccess("http", False, "refused")})
SERVER = run("S", "verified", "server")


def test_nothing_is_wrong_with_a_good_end():
    assert kinds(cutover("completed", SERVER, run("A", "verified")), GOOD) == []


def test_who_is_not_served_and_not_named_is_stranded():
    assert "stranded" in kinds(cutover("completed", SERVER, run("A", "verified")), LOST)
    assert "stranded" in kinds(cutover("completed", SERVER), LOST)
    assert kinds(cutover("needs_person", SERVER, run("A", "failed", finding=FINDING)), LOST) == []


def test_a_claim_that_is_not_so_is_a_wrong_journal():
    assert kinds(cutover("completed", SERVER, run("A", "restored")), GOOD) == ["journal"]
    assert kinds(
        cutover("completed", run("S", "verified", "server"), run("A", "verified")), Truth("http", "http", GOOD.terminals)
    ) == ["journal"]
    half = Truth("https", "http", GOOD.terminals)
    assert kinds(cutover("completed", SERVER, run("A", "verified")), half) == ["journal"]


def test_whoever_waits_says_why():
    assert "no_reason" in kinds(cutover("needs_person", SERVER, run("A", "failed")), LOST)
    assert kinds(cutover("paused", SERVER, run("A", "verified")), GOOD) == ["no_reason"]
    by_plan = {"device": None, "to": "paused", "actor": "plan"}
    assert kinds(cutover("paused", SERVER, cause=CAUSE), GOOD, log=[by_plan]) == ["no_reason"]
    assert kinds(cutover("paused", SERVER), GOOD, log=[{**by_plan, "actor": "admin"}]) == []
    assert kinds(cutover("paused", SERVER, finding=FINDING, cause=CAUSE), GOOD, log=[by_plan]) == []


def test_whatever_stopped_by_itself_has_a_cause_also_when_it_is_over():
    old = Truth("http", "http", {"A": TerminalAccess("http", True)})
    back = run("S", "restored", "server"), run("A", "restored")
    for to in ("paused", "rolling_back", "needs_person"):
        log = [{"device": None, "to": to, "actor": "plan"}, {"device": None, "to": "rolled_back", "actor": "plan"}]
        assert kinds(cutover("rolled_back", *back), old, log=log) == ["no_reason"]
        assert kinds(cutover("rolled_back", *back, cause=CAUSE), old, log=log) == []
    by_admin = [{"device": None, "to": "rolling_back", "actor": "admin"}, {"device": "A", "to": "failed", "actor": "plan"}]
    assert kinds(cutover("rolled_back", *back), old, log=by_admin) == []


def test_a_liar_is_not_verified_and_its_other_lies_stand_beside_a_reason():
    lied = Truth("https", "https", {"A": TerminalAccess("http", False, "refused")})
    liar, told = Liars({"A"}), Liars({"A"}, attention={"A"})
    assert kinds(cutover("completed", SERVER, run("A", "verified")), lied, liars=told) == ["claim"]
    assert kinds(cutover("completed", SERVER, run("A", "verified")), GOOD, liars=liar) == []
    assert kinds(cutover("completed", SERVER, run("A", "failed", finding=FINDING)), lied, liars=liar) == []
    stuck = Truth("http", "http", {"A": TerminalAccess("https", False, "refused")})
    back = run("S", "restored", "server"), run("A", "restored")
    file = {"terminals/A/TouchSettings.xml": 1}, {"terminals/A/TouchSettings.xml": 2}
    assert kinds(cutover("rolled_back", *back), stuck, *file, liars=liar) == ["stranded", "claim", "not_identical"]
    assert kinds(cutover("rolled_back", *back), stuck, *file, liars=told) == []


def test_a_liar_excuses_nobody_else():
    two = Truth("https", "https", {"A": TerminalAccess("http", False), "B": TerminalAccess("http", False)})
    runs = SERVER, run("A", "failed", finding=FINDING), run("B", "verified")
    assert kinds(cutover("completed", *runs), two, liars=Liars({"A"}, attention={"A", "B"})) == ["stranded", "journal"]


def test_a_cutover_leaves_every_service_as_it_was():
    done, before = cutover("completed", SERVER, run("A", "verified")), {"services.json services": ["runs"], "f": "1"}
    assert kinds(done, GOOD, before, {**before, "f": "2"}) == []
    assert kinds(done, GOOD, before, {**before, "services.json services": ["stopped"]}) == ["services"]


def test_a_rollback_leaves_nothing_behind():
    old = Truth("http", "http", {"A": TerminalAccess("http", True)})
    back = cutover("rolled_back", run("S", "restored", "server"), run("A", "restored"))
    assert kinds(back, old, {"f": "1"}, {"f": "1"}) == []
    assert kinds(back, old, {"f": "1"}, {"f": "2"}) == ["not_identical"]
