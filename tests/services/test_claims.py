"""What an agent claims decides nothing before it is checked: reports nobody asked for, impossible times, proofs that
prove nothing, and a second lookup that contradicts the first."""

import datetime as dt

import pytest

from agents.protocol import Finding, Finished, StepDone
from fleet.cutover.waves import Wave
from fleet.models import Agent, Device, Instruction, StepRun
from fleet.services.clock import to_ms
from fleet.services.cutovers import reports
from fleet.services.cutovers.timings import timings
from tests.factories import PROBE, make_club, make_probe
from tests.services.fleet_sim import SimFleet, dump, lookup, states

pytestmark = pytest.mark.django_db

CONFIRMED_S = 60  # longer than all tries of a second lookup together


@pytest.fixture
def fleet():
    site, _, _ = make_club(4)
    make_probe(site)
    return SimFleet.of(site)


@pytest.fixture
def cutover(fleet):
    """All is armed, the server is on HTTPS, and T01 is told to switch."""
    return until_told(fleet)


def until_told(fleet, **fields):
    """A cutover that has come to T01."""
    cutover = fleet.plan(**fields)
    fleet.act(cutover, "start")
    for _ in range(2):
        for name in ("netpos", "T01", "T02", "T03", "T04"):
            if name == "netpos" or states(cutover)[name] == "pending":
                fleet.serve(fleet[name].device.agent.pk)
        fleet.tick()
    assert states(cutover)["T01"] == "switching"
    cutover.refresh_from_db()
    return cutover


def asked(fleet, name):
    """The newest instruction for this device."""
    return Instruction.objects.filter(agent=fleet[name].device.agent).order_by("-pk").first()


def claim(fleet, name, *, steps, **changes):
    """This agent says that its newest instruction is done, with these steps' evidence."""
    agent, row = fleet[name], asked(fleet, name)
    at = to_ms(fleet.now)
    batch = []
    for step, evidence in steps.items():
        agent.n += 1
        batch.append(StepDone(agent.n, row.seq, row.epoch, row.cutover_id, step, "forward", at, 10, evidence))
    agent.n += 1
    fields = {"n": agent.n, "seq": row.seq, "epoch": row.epoch, "cutover": row.cutover_id, "action": row.action}
    batch.append(Finished(**fields | {"outcome": "done", "at_ms": at, "scheme": "https"} | changes))
    fleet.deliver([(agent.device.agent.pk, report) for report in batch])


def good_steps(fleet):
    """The evidence of a terminal that has really switched."""
    proof = {"proof": "application", "matched": True, "status": 200, "ms": 3.0, "tls": "TLSv1.3", "thumbprint": "AB" * 20}
    return {
        "secured": {"scheme": "https", "after": "True"},
        "interface_list": dict(proof),
        "member_lookup": {**proof, "at_ms": to_ms(fleet.now)},
    }


def test_done_with_its_evidence_is_verified(fleet, cutover):
    claim(fleet, "T01", steps=good_steps(fleet))
    assert states(cutover)["T01"] == "verified"


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        ("secured", None),
        ("secured", {"scheme": "http"}),
        ("interface_list", None),
        ("interface_list", {"status": 404}),
        ("member_lookup", None),
        ("interface_list", {"matched": False}),
        ("interface_list", {"proof": "transport"}),
        ("member_lookup", {"proof": None}),
        ("member_lookup", {"matched": 1}),
        ("member_lookup", {"status": 500}),
        ("member_lookup", {"status": True}),
        ("member_lookup", {"tls": None}),
        ("member_lookup", {"tls": ["TLSv1.3"]}),
        ("member_lookup", {"thumbprint": "CD" * 20}),
        ("member_lookup", {"thumbprint": None}),
        ("member_lookup", {"ms": 10**9}),
        ("member_lookup", {"ms": -1}),
        ("member_lookup", {"at_ms": 2**62}),
        ("member_lookup", {"at_ms": 0}),
        ("member_lookup", {"at_ms": "now"}),
    ],
)
def test_done_without_a_proof_is_not_verified(fleet, cutover, step, changes):
    steps = good_steps(fleet)
    if changes is None:
        del steps[step]
    else:
        steps[step] |= changes
    claim(fleet, "T01", steps=steps)
    run = cutover.runs.get(device__name="T01")
    assert run.state != "verified"
    assert run.finding["code"] == "no_proof"
    cutover.refresh_from_db()
    assert (cutover.cause["code"], cutover.cause["devices"]) == ("no_proof", ["T01"])


def test_the_evidence_may_come_in_an_earlier_batch(fleet, cutover):
    agent, row = fleet["T01"], asked(fleet, "T01")
    for step, evidence in good_steps(fleet).items():
        agent.n += 1
        done = StepDone(agent.n, row.seq, row.epoch, row.cutover_id, step, "forward", to_ms(fleet.now), 10, evidence)
        fleet.deliver([(agent.device.agent.pk, done)])
    claim(fleet, "T01", steps={})
    assert states(cutover)["T01"] == "verified"


def test_an_undo_without_a_proof_is_not_restored(fleet, cutover):
    fleet.act(cutover, "roll_back")
    fleet.serve(fleet.server.device.agent.pk)
    fleet.tick()
    claim(fleet, "T01", steps={}, scheme="http")
    run = cutover.runs.get(device__name="T01")
    assert (run.state, run.finding["code"]) == ("undo_failed", "no_proof")
    fleet.act(cutover, "roll_back")
    fleet.work()
    assert states(cutover)["T01"] == "restored"


def test_a_report_that_answers_no_instruction_is_dropped_and_counted(fleet, cutover):
    agent, row = fleet["T02"], asked(fleet, "T02")
    pk = agent.device.agent.pk
    ids = [(row.seq + 7, row.epoch), (row.seq, row.epoch + 1), (2**40, row.epoch)]
    fields = (cutover.pk, "secured", "forward", 1, 10**15, {})
    batch = [(pk, StepDone(agent.n + i, *pair, *fields)) for i, pair in enumerate(ids, 1)]
    batch += [(pk, Finished(agent.n + 4, row.seq, row.epoch, cutover.pk, "undo", "done", 1, "http"))]
    batch += [(pk, Finished(agent.n + 5, row.seq, row.epoch, cutover.pk + 1, "arm", "done", 1, "http"))]
    steps, before = StepRun.objects.count(), states(cutover)
    _, acked = reports.take(batch, fleet.now)
    assert acked == {pk: agent.n + 5}
    assert Agent.objects.get(pk=pk).dropped == 5
    assert (StepRun.objects.count(), states(cutover)) == (steps, before)


def test_durations_and_times_stay_between_asking_and_answering(fleet, cutover):
    agent, row = fleet["T01"], asked(fleet, "T01")
    fleet.now += dt.timedelta(seconds=3)
    for i, (step, at) in enumerate((("secured", 2**40 * 3), ("interface_list", 1)), 1):
        done = StepDone(agent.n + i, row.seq, row.epoch, cutover.pk, step, "forward", at, 10**15, {})
        fleet.deliver([(agent.device.agent.pk, done)])
    found = StepRun.objects.filter(run__device__name="T01", seq=row.seq).order_by("id")
    assert [step.took_ms for step in found] == [to_ms(fleet.now) - to_ms(row.created_at)] * 2
    assert [step.at for step in found] == [fleet.now, row.created_at]


def test_one_terminal_that_took_for_ever_does_not_keep_the_next_night_from_starting(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    StepRun.objects.filter(run__device__name="T01").update(took_ms=2**31 - 1)
    fleet.act(cutover, "roll_back")
    fleet.work()
    again = fleet.plan(duration_minutes=5)
    assert timings(again).terminal_forward_s < 10
    fleet.act(again, "start")
    fleet.work()
    again.refresh_from_db()
    assert again.state == "completed", dump(again)


# --- the second lookup


@pytest.fixture
def done(fleet):
    """A completed cutover, before its second lookups."""
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    return cutover


def confirm(fleet, seconds=CONFIRMED_S):
    """Time passes, and every agent answers what it is asked."""
    for _ in range(seconds // 5):
        fleet.tick(5)
        for agent_id in fleet.agents:
            fleet.serve(agent_id)


def test_every_terminal_is_asked_once_more_and_stays_verified(fleet, done):
    confirm(fleet)
    assert set(states(done).values()) == {"verified"}
    again = Instruction.objects.filter(action="verify", run__kind="terminal")
    assert again.count() == 4
    assert not again.filter(finished_at=None).exists()
    done.refresh_from_db()
    assert (done.state, done.cause) == ("completed", None)


def test_a_till_that_has_gone_by_then_is_no_contradiction(fleet, done):
    fleet["T02"].offline = True
    confirm(fleet)
    assert states(done)["T02"] == "verified"


def test_an_inventory_that_says_otherwise_contradicts(fleet, done):
    at = fleet.now + dt.timedelta(seconds=1)
    Device.objects.filter(name="T03").update(facts={"scheme": "http"}, inventory_at=at)
    confirm(fleet)
    run = done.runs.get(device__name="T03")
    assert (run.state, run.finding["code"]) == ("failed", "contradiction")
    assert run.cut_off_since is not None
    done.refresh_from_db()
    assert (done.state, done.cause["devices"]) == ("needs_person", ["T03"])


def test_an_older_inventory_says_nothing(fleet, done):
    at = fleet.now - dt.timedelta(seconds=1)
    Device.objects.filter(name="T03").update(facts={"scheme": "http"}, inventory_at=at)
    confirm(fleet)
    assert states(done)["T03"] == "verified"


def test_a_till_that_the_server_never_answered_contradicts(fleet, done):
    seen = {name: {"scheme": "https", "at_ms": to_ms(fleet.now)} for name in ("T01", "T02", "T04")}
    later = fleet.now + dt.timedelta(seconds=1)
    Device.objects.filter(kind="server").update(facts={"seen": seen}, inventory_at=later)
    confirm(fleet)
    run = done.runs.get(device__name="T03")
    assert (run.state, run.finding["code"]) == ("failed", "contradiction")
    assert [run.state for run in done.runs.exclude(device__name="T03")] == ["verified"] * 4


def fail_second_lookup(fleet, name, **changes):
    """This till's answer to the lookup that it is asked for next."""
    fleet.tick(15)
    assert asked(fleet, name).action == "verify"
    finding = Finding("timeout", "there was no answer within 19 s", "Check the network.")
    claim(fleet, name, steps={}, outcome="failed", finding=finding, **changes)


def test_a_second_lookup_that_fails_for_a_moment_is_asked_again(fleet, done):
    fail_second_lookup(fleet, "T02")
    fail_second_lookup(fleet, "T02")
    assert states(done)["T02"] == "verified"
    confirm(fleet)
    assert states(done)["T02"] == "verified"


def test_a_till_whose_own_settings_say_otherwise_has_failed_at_once(fleet, done):
    fail_second_lookup(fleet, "T02", scheme="http")
    assert states(done)["T02"] == "failed"


def test_a_second_lookup_that_fails_every_time_fails_the_till(fleet, done):
    for _ in range(3):
        fail_second_lookup(fleet, "T02")
    run = done.runs.get(device__name="T02")
    assert (run.state, run.finding["code"]) == ("failed", "timeout")
    fleet.act(done, "retry_failed")
    fleet.work()
    confirm(fleet)
    assert states(done)["T02"] == "verified"


def test_a_forged_second_lookup_is_no_proof(fleet, done):
    fleet.tick(5)
    row = asked(fleet, "T02")
    assert row.action == "verify"
    forged = lookup(_Order(row), to_ms(fleet.now)) | {"thumbprint": "00" * 20}
    for _ in range(3):
        claim(fleet, "T02", steps={}, evidence=forged)
        fleet.tick(15)
    run = done.runs.get(device__name="T02")
    assert (run.state, run.finding["code"]) == ("failed", "no_proof")


class _Order:
    """What lookup() wants to know of an instruction."""

    to_scheme = "https"
    probe = PROBE

    def __init__(self, row):
        self.thumbprint = row.cutover.certificate_thumbprint


# --- refusals


def test_an_agent_that_refuses_what_we_sign_is_named_until_it_obeys(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.tick()
    finding = Finding("stale_instruction", "a newer instruction has been accepted before", "Nothing was done.")
    claim(fleet, "T02", steps={}, outcome="refused", finding=finding)
    alarm = Agent.objects.get(device__name="T02").alarm
    assert alarm["code"] == "instructions_refused"
    assert "stale_instruction" in alarm["message"]
    fleet.work()
    again = fleet.plan()
    fleet.act(again, "start")
    fleet.work()
    assert Agent.objects.get(device__name="T02").alarm is None


def test_a_refusal_of_what_came_too_late_is_no_alarm(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.tick()
    claim(fleet, "T02", steps={}, outcome="refused", finding=Finding("expired", "too late", "Nothing was done."))
    assert Agent.objects.get(device__name="T02").alarm is None
    assert cutover.runs.get(device__name="T02").state in ("failed", "restored")


# --- saying it twice, and too far ahead


def test_an_instruction_ends_once_whatever_is_said_later(fleet):
    cutover = until_told(fleet, waves=(Wave(percent=100, max_failed=4),))
    finding = Finding("timeout", "it took too long", "Try again.")
    claim(fleet, "T01", steps={}, outcome="failed", finding=finding)
    assert states(cutover)["T01"] == "failed"
    claim(fleet, "T01", steps=good_steps(fleet))
    assert states(cutover)["T01"] == "failed"


def test_the_last_number_there_is_silences_nobody(fleet, cutover):
    agent, row = fleet["T01"], asked(fleet, "T01")
    pk = agent.device.agent.pk
    last = StepDone(2**40 - 1, row.seq, row.epoch, cutover.pk, "secured", "forward", 1, 1, {})
    _, acked = reports.take([(pk, last)], fleet.now)
    assert acked == {pk: agent.n}
    claim(fleet, "T01", steps=good_steps(fleet))
    assert states(cutover)["T01"] == "verified"


def test_a_till_that_only_said_it_had_undone_is_told_once_more(fleet, done):
    fleet.act(done, "roll_back")
    fleet.work()
    assert states(done)["T02"] == "restored"
    fleet["T02"].scheme = "https"
    later = fleet.now + dt.timedelta(seconds=1)
    Device.objects.filter(name="T02").update(facts={"scheme": "https"}, scheme="https", inventory_at=later)
    confirm(fleet, 30)
    assert fleet["T02"].scheme == "http"
    assert states(done)["T02"] == "restored"
    done.refresh_from_db()
    assert done.state == "rolled_back"


def test_who_is_as_before_is_told_nothing_more(fleet, done):
    fleet.act(done, "roll_back")
    fleet.work()
    count = Instruction.objects.count()
    Device.objects.filter(kind="terminal").update(scheme="http", inventory_at=fleet.now + dt.timedelta(seconds=1))
    confirm(fleet, 30)
    assert Instruction.objects.count() == count


def test_an_agent_that_cannot_read_our_instructions_is_named(fleet):
    """It has no number of ours to answer with."""
    agent = fleet["T02"]
    finding = Finding("bad_instruction", "epoch: is larger than 2**40", "Nothing was done.")
    unreadable = Finished(1, 0, 0, 0, "arm", "refused", 1, None, finding)
    fleet.deliver([(agent.device.agent.pk, unreadable)])
    row = Agent.objects.get(pk=agent.device.agent.pk)
    assert row.alarm["code"] == "instructions_refused"
    assert "bad_instruction" in row.alarm["message"]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "verified"),
        ({"proof": "transport", "matched": True, "status": 405}, "verified"),
        ({"proof": "transport", "matched": True, "status": 404, "by_http_sys": True}, "failed"),
        ({"proof": "transport", "status": 0}, "failed"),
        ({"matched": False}, "failed"),
    ],
)
def test_without_a_probe_profile_any_response_of_the_service_is_a_proof(changes, state):
    fleet = SimFleet.of(make_club(4)[0])
    cutover = until_told(fleet, on_threshold="pause")
    steps = good_steps(fleet)
    steps["member_lookup"] |= changes
    claim(fleet, "T01", steps=steps)
    assert states(cutover)["T01"] == state
