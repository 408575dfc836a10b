"""The dead man's switch: what an agent does when the dashboard is gone, with a server that tells schemes apart."""

import dataclasses
import time

import pytest

from agents.clock import Clock
from agents.deadman import NO_TLS, DeadMan
from agents.errors import StepError
from agents.hosts import asking
from agents.protocol import Finished, Instruction
from agents.storage.ledger import Ledger, report_record

SWITCH = Instruction("a", 5, 2, 7, "switch", "https", ("secured",), 10101, "AB" * 20, "1", 0, 30_000)


class FakeHost:
    restart = None

    def scheme(self):
        return "http"


def accepted(ledger, instruction):
    ledger.apply({"k": "accepted", "i": dataclasses.asdict(instruction), "offset": 0})


def finished(ledger, action, outcome, restored=False, n=1):
    report = Finished(n, 5, 2, 7, action, outcome, 1, "https", restored=restored)
    ledger.apply(report_record(report))


@pytest.mark.parametrize(
    ("reports", "uncommitted"),
    [
        ([], True),
        ([("switch", "done", False)], True),
        ([("switch", "done", False), ("verify", "failed", False)], True),
        ([("switch", "done", False), ("verify", "done", False)], False),
        ([("switch", "failed", True)], False),
        ([("switch", "failed", False)], True),
        ([("switch", "done", False), ("undo", "done", True)], False),
        ([("switch", "done", False), ("undo", "undo_failed", False)], True),
    ],
)
def test_a_switch_is_uncommitted_until_the_last_check_or_the_way_back(reports, uncommitted):
    ledger = Ledger()
    accepted(ledger, SWITCH)
    for n, (action, outcome, restored) in enumerate(reports, 1):
        finished(ledger, action, outcome, restored, n)
    assert ledger.uncommitted is uncommitted
    again = Ledger()
    again.apply(ledger.snapshot())
    assert (again.uncommitted, again.last) == (ledger.uncommitted, SWITCH)


def test_what_was_done_alone_becomes_a_part_of_the_next_cutover():
    ledger = Ledger()
    alone = dataclasses.replace(SWITCH, cutover=0, seq=0)
    ledger.apply({"k": "undo", "i": dataclasses.asdict(alone), "step": "secured", "saved": {"before": "original"}})
    accepted(ledger, SWITCH)
    (record,) = ledger.open_undo(7)
    assert record.saved == {"before": "original"}


class FakeJournal:
    def __init__(self, last, undo=()):
        self.ledger = Ledger()
        self.ledger.last = last
        self.undo = undo

    def open_undo(self, cutover):
        return self.undo


class FakeRunner:
    def __init__(self, journal, heard_at):
        self.host, self.journal, self.heard_at = FakeHost(), journal, heard_at
        self.idle, self.did, self.clock = True, [], Clock()

    async def back_alone(self, instruction, why):
        self.did.append(("back", instruction.to_scheme, why.code))

    async def forward_alone(self, instruction):
        self.did.append(("forward", instruction.to_scheme, instruction.steps))


@dataclasses.dataclass
class Undo:
    step: str
    instruction: Instruction


def deadman(*, silent_s, last=SWITCH, undo=(), speaks=()):
    runner = FakeRunner(FakeJournal(last, undo), time.monotonic() - silent_s)
    runner.host.port = lambda: 10101
    man = DeadMan(runner)

    async def trouble(scheme):
        return dict(speaks).get(scheme, "connection_refused")

    man._trouble = trouble
    return man, runner.did


SWITCHED = (Undo("secured", SWITCH),)


@pytest.mark.parametrize(
    ("own", "undo", "speaks", "did"),
    [
        ("http", (), {"http": "lookup_failed", "https": None}, "forward"),
        ("http", (), {"http": "lookup_failed", "https": "untrusted_root"}, None),
        ("https", SWITCHED, {"https": "tls_refused", "http": None}, "back"),
        ("https", SWITCHED, {"https": "untrusted_root", "http": None}, None),
        ("https", SWITCHED, {"https": "wrong_certificate", "http": None}, None),
        ("https", (), {"https": "tls_refused", "http": None}, None),
        ("https", SWITCHED, {"https": "tls_refused", "http": "connection_refused"}, None),
    ],
)
async def test_a_till_follows_what_the_server_really_speaks_and_never_trusts_plain_http_alone(own, undo, speaks, did):
    man, done = deadman(silent_s=60, undo=undo, speaks=speaks)
    await man._follow(own)
    assert [d[0] for d in done] == ([did] if did else [])


async def test_within_the_lease_nothing_is_done():
    man, done = deadman(silent_s=5, speaks={"https": None})
    assert not man.lease_over
    await man._terminal()
    await man._move("https")
    assert done == []


async def test_a_till_that_never_was_told_anything_follows_to_https_with_what_it_knows(monkeypatch):
    man, done = deadman(silent_s=60, last=None, speaks={"https": None})
    await man._follow("http")
    assert done == [("forward", "https", ("secured", "interface_list"))]


def server(monkeypatch, *, silent_s, answers=True, starting_now=False, policy="restore", uncommitted=True, undo=SWITCHED):
    man, done = deadman(silent_s=silent_s, last=dataclasses.replace(SWITCH, policy=policy), undo=undo)
    man.journal.ledger.uncommitted = uncommitted

    async def lookup(host, order, within_s):
        if not answers:
            raise StepError("connection_refused", "nothing there", "start it")

    async def starting():
        return starting_now

    monkeypatch.setattr(asking, "member", lookup)
    man._starting = starting
    return man, done


@pytest.mark.parametrize(
    ("situation", "did"),
    [
        ({"silent_s": 60}, ["lease_over"]),
        ({"silent_s": 60, "policy": "finish"}, []),
        ({"silent_s": 60, "uncommitted": False}, []),
        ({"silent_s": 60, "undo": ()}, []),
        ({"silent_s": 5}, []),
    ],
)
async def test_a_server_goes_back_when_its_switch_was_not_confirmed_in_time(situation, did, monkeypatch):
    man, done = server(monkeypatch, **situation)
    await man._server()
    assert [d[2] for d in done] == did


async def test_a_switched_server_that_stays_silent_is_put_back(monkeypatch):
    man, done = server(monkeypatch, silent_s=1, answers=False)
    await man._server()
    assert done == [], "a moment of silence is no reason"
    man._answered_at -= 60
    await man._server()
    assert [d[2] for d in done] == ["server_silent"]


async def test_a_server_that_somebody_is_just_starting_is_left_alone(monkeypatch):
    man, done = server(monkeypatch, silent_s=1, answers=False, starting_now=True)
    man._answered_at -= 60
    await man._server()
    assert done == []


def test_no_refused_certificate_counts_as_plain_http():
    assert not {"untrusted_root", "name_mismatch", "wrong_certificate", "cert_expired", "cert_not_yet_valid"} & NO_TLS
