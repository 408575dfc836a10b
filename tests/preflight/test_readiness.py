"""Readiness: what a verdict is made of, what is left alone, and that nothing a device says can break it."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest

from fleet.preflight.site.check import assess
from fleet.preflight.site.codes import SITE_RULES, is_known
from fleet.preflight.site.passed_checks import QUESTIONS
from tests.preflight.pki import NOW, YEAR
from tests.preflight.site import (
    OTHER_ROOT,
    PORT,
    THUMBPRINT,
    Sketch,
    check_facts,
    healthy,
    server_facts,
    stored,
    terminal_facts,
)
from tests.preflight.spoils import Spoil, both, bound, contact, option, saw, says, till, told

DAY = dt.timedelta(days=1)
MINUTE_MS = 60_000
OTHER = "CD" * 20
KEYLESS = stored(has_key=False)
RENEWED = stored(thumbprint=OTHER, not_after="2040-01-01T00:00:00+00:00")


def test_a_healthy_site_of_fifty_varied_terminals_has_no_error_and_no_warning() -> None:
    readiness = healthy(50).assess()
    assert readiness.of("error", "warning") == ()
    assert readiness.verdict == "ready"
    assert {one.code for one in readiness.of("fine")} == {question.code for question in QUESTIONS}


@pytest.mark.parametrize("spoil", [
    till(clock_offset_ms=5 * MINUTE_MS), till(free_mb=200), saw(cold_ms=3000), till(tls=["TLSv1.2"]), till(tls=[]),
    option(policy_hours=5), till(timeout_s=None), told(iplisten=["0.0.0.0"]), option(thumbprint=THUMBPRINT.lower()),
    told(peers=[{"address": "::ffff:10.0.0.11", "connections": 1}]), told(peers=None), told(owner=None),
    told(peers=[{"address": "127.0.0.1", "connections": 9}, {"address": "::1", "connections": 2}]),
    told(certificates=[stored(not_after=(NOW + 30 * DAY).isoformat())]),
    told(certificates=[stored(), stored(thumbprint=OTHER, has_key=False, not_after="2050-01-01T00:00:00+00:00")]),
    told(certificates=[stored(), stored(thumbprint=OTHER, machine_key=False, not_after="2050-01-01T00:00:00+00:00")]),
    told(certificates=[stored(machine_key=None)]), told(certificates=[stored(machine_key="no")]),
    option(window=(NOW + 7 * DAY, NOW + 7 * DAY + dt.timedelta(hours=1))),
])  # fmt: skip
def test_what_is_just_good_enough_is_left_alone(spoil: Spoil) -> None:
    site = healthy()
    spoil(site)
    assert site.assess().of("error", "warning") == ()


def test_without_a_rehearsal_the_answer_is_unknown_and_by_policy_an_error() -> None:
    site = healthy()
    site.rehearsed = False
    assert site.assess().verdict == "unknown"
    site.options["policy_hours"] = 24
    readiness = site.assess()
    assert (readiness.verdict, [one.code for one in readiness.of("error")]) == ("unknown", ["never_rehearsed"])
    till(port=1)(site)
    assert site.assess().verdict == "blocked"


def test_an_excluded_terminal_blocks_nothing_whatever_is_wrong_with_it() -> None:
    site = healthy()
    for spoil in (till(port=1, free_mb=0, error="broken", host="other"), says("untrusted_root"), contact("T001", "none")):
        spoil(site)
    assert site.assess().verdict == "blocked"
    site.options["excluded"] = frozenset({"T001"})
    readiness = site.assess()
    assert readiness.verdict == "warnings"
    assert [(one.code, one.device) for one in readiness.of("error", "warning")] == [("excluded", "T001")]


def test_the_same_thing_is_said_once_and_most_precisely() -> None:
    site = healthy()
    both(till(host="10.0.0.6"), saw(host="10.0.0.6"), says("name_mismatch"))(site)
    assert [one.code for one in site.assess().of("error")] == ["ip_not_in_san"]
    site = healthy()
    both(says("untrusted_root"), saw(roots=[OTHER_ROOT.pem.decode()]))(site)
    assert [one.code for one in site.assess().of("error") if one.code == "untrusted_root"] == ["untrusted_root"]
    site = healthy()
    years = 20 * 365 * 24 * 60 * MINUTE_MS
    both(till(clock_offset_ms=years), saw(clock_offset_ms=years), says("cert_not_yet_valid"))(site)
    assert [one.code for one in site.assess().of("error", "warning")] == ["clock_outside_validity"]


def test_many_terminals_with_the_same_fault_are_one_item_each() -> None:
    site = healthy(20)
    for number, name in enumerate(site.terminals):
        site.terminals[name].update(port=PORT + 1)
        site.checks[name] = check_facts(number, site.terminals[name], roots=[OTHER_ROOT.pem.decode()])
    readiness = site.assess()
    for code in ("port_differs", "untrusted_root"):
        assert [one.device for one in readiness.items if one.code == code] == list(site.terminals)


def test_what_an_agent_says_of_its_seat_is_shown_as_text_of_one_line_with_our_remedy() -> None:
    site = healthy()
    site.findings["T001"] = {"code": "timeout", "message": "a\nb\u202ec" + "d" * 9999, "remedy": "run this: rm -rf /"}
    (one,) = site.assess().of("error")
    assert one.message.startswith("T001: a\ufffdb\ufffdcddd")
    assert len(one.message) < 400
    assert one.remedy == SITE_RULES["timeout"].remedy


HOSTILE = [
    None,
    True,
    -1,
    1e999,
    10**400,
    "x" * 100_000,
    [],
    [[]],
    {},
    {"a": {}},
    [{"a": 1}],
    [None, 3, {"url": 5}],
    "\0\u202e",
    {"pid": "x"},
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_no_fact_whatever_it_is_raises(value: Any) -> None:
    for place in ("server", "till", "check", "rehearsal"):
        keys = {"server": server_facts(), "till": terminal_facts(1), "check": check_facts(1, terminal_facts(1)),
                "rehearsal": {"chain": 1, "cpu_ms": 1, "port": 1}}[place]  # fmt: skip
        for key in keys:
            site = healthy(3)
            parts = {
                "server": site.server,
                "till": site.terminals["T001"],
                "check": site.checks["T001"],
                "rehearsal": site.rehearsal,
            }
            parts[place][key] = value
            site.findings["T002"] = value
            assert site.assess().verdict in ("ready", "warnings", "blocked")
    site = healthy(3)
    site.server = site.terminals["T001"] = site.checks["T001"] = site.rehearsal = value
    assert site.assess().verdict in ("warnings", "blocked")


def test_a_pem_that_is_none_is_no_traceback() -> None:
    for chain in (["x"], ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"], ["-----BEGIN CERTIFICATE-----"]):
        site = healthy(3)
        site.rehearsal["chain"] = chain
        assert "malformed_input" in {one.code for one in site.assess().of("error")}
        site = healthy(3)
        site.checks["T001"]["roots"] = chain
        assert ("untrusted_root", "T001") in {(one.code, one.device) for one in site.assess().of("error")}


def test_seven_hundred_terminals_take_less_than_a_tenth_of_a_second_without_certificates() -> None:
    site = healthy(700)
    site.rehearsal = {}
    view = site.view()
    assess(view)
    best = min(_cpu_of(lambda: assess(view)) for _ in range(3))
    assert best < 0.1


def _cpu_of(act: Callable[[], object]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun


def test_hundreds_of_different_hosts_and_roots_are_bounded() -> None:
    """An agent must not choose how long the page takes."""
    site = healthy(700)
    for number, name in enumerate(site.terminals):
        site.terminals[name]["host"] = site.checks[name]["host"] = f"h{number}.example"
    view = site.view()
    assert _cpu_of(lambda: assess(view)) < 2.0


def test_good_answers_name_codes_that_exist() -> None:
    for question in QUESTIONS:
        assert all(is_known(str(code)) for code in question.spoilt_by), question.code
        assert not is_known(question.code)


def test_a_certificate_of_years_is_not_soon_over() -> None:
    site = healthy()
    told(certificates=[stored(not_after=(NOW + YEAR).isoformat())])(site)
    assert "certificate_expires_soon" not in {one.code for one in site.assess().items}


def test_lookups_that_failed_are_not_counted_as_made_also_where_the_server_is_on_https() -> None:
    site = healthy(3)
    assert site.server is not None
    site.server["scheme"] = "https"
    assert passed(site)["seats_ready"].startswith("3 of 3 terminals")
    site.findings = {"T000": {"code": "busy", "message": "a cutover is under way", "remedy": "wait"}}
    assert passed(site)["seats_ready"].startswith("2 of 3 terminals")
    site.findings = dict.fromkeys(site.checks, site.findings["T000"])
    assert not {"seats_ready", "first_contact_quick"} & set(passed(site))


def passed(site: Sketch) -> dict[str, str]:
    """The passed checks by code, with what is said of each."""
    return {item.code: item.message for item in site.assess().items if item.severity == "fine"}


def test_a_site_that_has_moved_is_not_asked_for_a_rehearsal() -> None:
    site = healthy()
    both(told(scheme="https", urlacl=[]), bound(f"0.0.0.0:{PORT}"), option(policy_hours=1))(site)
    for facts in site.terminals.values():
        facts["scheme"] = "https"
    site.rehearsed = False
    assert site.assess().verdict == "ready"


def test_a_till_without_the_root_is_not_told_of_an_intermediate_when_the_chain_ends_well_for_others() -> None:
    site = healthy()
    site.checks["T001"]["roots"] = []
    site.findings["T001"] = {"code": "untrusted_root", "message": "m", "remedy": "r"}
    errors = [(one.code, one.device) for one in site.assess().of("error")]
    assert errors == [("untrusted_root", "T001")]
    for check in site.checks.values():
        check["roots"] = []
    for name in site.checks:
        site.findings[name] = {"code": "untrusted_root", "message": "m", "remedy": "r"}
    assert "missing_intermediate" in {one.code for one in site.assess().of("error")}
