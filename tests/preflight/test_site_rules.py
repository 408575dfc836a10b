"""Every rule of readiness fires on what it is there for, and names the device."""

import datetime as dt

import pytest

from fleet.preflight.certificate.codes import Code
from fleet.preflight.site.codes import OF_AGENTS, SITE_RULES, is_known, rule_of
from fleet.preflight.site.field_failures import FIELD_FAILURES
from fleet.preflight.site.passed_checks import QUESTIONS
from tests.preflight.pki import NOW, server
from tests.preflight.site import (
    HOSTS,
    ISSUING,
    OTHER_ROOT,
    PORT,
    THUMBPRINT,
    healthy,
    stored,
)
from tests.preflight.spoils import (
    Spoil,
    alarm,
    both,
    bound,
    by_hand,
    contact,
    failed,
    option,
    rehearsed_with,
    reserved,
    saw,
    says,
    server_by_hand,
    till,
    told,
)

DAY = dt.timedelta(days=1)
MINUTE_MS = 60_000
OTHER = "CD" * 20
KEYLESS = stored(has_key=False)
RENEWED = stored(thumbprint=OTHER, not_after="2040-01-01T00:00:00+00:00")
TOUCH = {"running": True, "since_ms": 1_790_000_000_000, "settings_changed_ms": 1_790_000_000_000 + MINUTE_MS + 1}
# (code, device, level, what is wrong); device: None for the site.
CASES: list[tuple[str, str | None, str, Spoil]] = [
    ("no_server", None, "error", lambda site: setattr(site, "server", None)),
    ("no_agent", "T001", "error", contact("T001", "none")),
    ("no_agent", "netpos", "error", contact("netpos", "none")),
    ("by_hand", "T001", "info", both(contact("T001", "none"), by_hand("T001"))),
    ("by_hand", "T001", "info", by_hand("T001")),
    ("by_hand", "netpos", "info", server_by_hand),
    ("no_rehearsal_by_hand", None, "info", server_by_hand),
    ("no_rehearsal_by_hand", None, "error", both(server_by_hand, option(policy_hours=4))),
    ("server_no_contact", "netpos", "error", contact("netpos", "no")),
    ("no_contact", "T001", "warning", contact("T001", "no")),
    ("no_inventory", "T001", "warning", lambda site: site.terminals["T001"].clear()),
    ("inventory_error", "T001", "error", till(error="TouchSettings.xml: no element Secured", host=None)),
    ("excluded", "T001", "warning", option(excluded=frozenset({"T001"}))),
    ("agent_versions", "T001", "warning", till(agent_version="1.3.9")),
    ("identity_used_twice", "T001", "error", alarm("T001", "identity_used_twice")),
    ("instructions_refused", "netpos", "error", alarm("netpos", "instructions_refused")),
    ("agent_alarm", "T001", "error", alarm("T001", "name_differs")),
    ("agent_alarm", "T001", "error", alarm("T001", "clock_off")),  # another rule's code does not make it milder
    ("never_rehearsed", None, "warning", lambda site: setattr(site, "rehearsed", False)),
    ("rehearsal_failed", None, "warning", failed),
    ("rehearsal_failed", None, "error", both(failed, lambda site: setattr(site, "rehearsed", False))),
    ("rehearsal_old", None, "error", option(policy_hours=4)),
    ("rehearsal_other_certificate", None, "warning", lambda site: setattr(site, "thumbprint", OTHER)),
    ("rehearsal_other_certificate", None, "error", option(thumbprint=OTHER)),
    ("rehearsal_other_probe", None, "error", option(probe_changed=True)),
    ("seat_no_answer", "T001", "error", lambda site: site.silent.add("T001")),
    ("seat_unproven", "T001", "error", saw(thumbprint=None)),
    ("seat_missing", "T001", "error", lambda site: site.checks.pop("T001")),
    ("changed_since", "T001", "warning", till(host=HOSTS[2])),
    ("intercepted", "T001", "error", saw(thumbprint=OTHER)),
    ("first_contact_too_slow", "T001", "error", saw(cold_ms=6001)),
    ("slow_first_contact", "T001", "warning", saw(cold_ms=3001)),
    *[(shown, "T001", "error", says(code)) for code, shown in OF_AGENTS.items()],
    *[("seat_finding", "T001", "error", says(code)) for code in ("expired", "rehearsal_failed", "something_new", "")],
    ("host_spellings", None, "info", lambda site: None),
    ("port_differs", "T001", "error", till(port=10110)),
    ("scheme_differs", "T001", "warning", till(scheme="https")),
    ("access_code_differs", "T001", "warning", till(access_code="ffffffffffff")),
    ("clock_off", "T001", "warning", till(clock_offset_ms=5 * MINUTE_MS + 1)),
    ("clock_off", "netpos", "warning", told(clock_offset_ms=-6 * MINUTE_MS)),
    ("clock_outside_validity", "T001", "error", till(clock_offset_ms=20 * 365 * 24 * 60 * MINUTE_MS)),
    ("tls_too_old", "T001", "error", till(tls=["TLSv1", "TLSv1.1"])),
    ("tls_too_old", "netpos", "error", told(tls=["TLSv1"])),
    ("tls_no_common", "T001", "error", both(told(tls=["TLSv1.3"]), till(tls=["TLSv1.2"]))),
    ("disk_full", "T001", "error", till(free_mb=19)),
    ("disk_low", "netpos", "warning", told(free_mb=199)),
    ("settings_not_writable", "T001", "error", till(writable="TouchSettings.xml is write-protected")),
    ("touch_writes_back", "T001", "warning", till(touch=TOUCH)),
    ("foreign_binding", "netpos", "error", bound(f"0.0.0.0:{PORT}", appid="{4dc3e181-e14b-4a21-b022-59fc669b0914}")),
    ("specific_binding", "netpos", "error", bound(f"10.0.0.5:{PORT}")),
    ("specific_binding", "netpos", "error", bound(f"netpos:{PORT}")),
    ("specific_binding", "netpos", "error", bound(f"[::]:{PORT}")),
    ("binding_unreadable", "netpos", "error", bound(f"0.0.0.0:{PORT}", certhash="\u200e" + THUMBPRINT)),
    ("binding_other_port", "netpos", "warning", bound("0.0.0.0:8000")),
    ("binding_missing", "netpos", "error", told(scheme="https", urlacl=[])),
    ("other_scheme_reservation", "netpos", "error", reserved(f"https://+:{PORT}/")),
    ("other_scheme_reservation", "netpos", "error", told(scheme="https")),
    ("reservation_unreadable", "netpos", "error", told(urlacl=[{"url": f"http://+:{PORT}/", "sddl": None}])),
    ("reservation_refused", "netpos", "error", told(urlacl=[{"url": f"http://+:{PORT}/=/", "sddl": "D:P", "refused": "why"}])),
    ("specific_binding", "netpos", "error", bound(f"CCS:{PORT}", certhash=None)),
    ("other_reservation", "netpos", "warning", reserved(f"http://+:{PORT}/other/")),
    ("no_reservation", "netpos", "info", told(urlacl=[])),
    ("iplisten_narrow", "netpos", "error", told(iplisten=["127.0.0.1"])),
    ("iplisten_narrow", "netpos", "error", both(told(iplisten=["::1"]), lambda site: site.checks.clear())),
    ("iplisten_set", "netpos", "warning", told(iplisten=["10.0.0.5"])),
    ("port_owner", "netpos", "error", told(owner={"pid": 812, "program": "nginx.exe"})),
    ("service_down", "netpos", "error", told(service={"name": "NetPOS.Net", "state": "stopped"})),
    ("service_disabled", "netpos", "error", told(service={"name": "NetPOS.Net", "start_type": "disabled"})),
    ("service_dependents", "netpos", "info", told(service={"name": "NetPOS.Net", "dependents": ["Kiosk Bridge"]})),
    ("monitor_present", "netpos", "info", lambda site: None),
    ("recovery_restarts", "netpos", "info", lambda site: None),
    ("thumbprint_malformed", "netpos", "error", option(thumbprint="00000000000012d9cd34315bb56d78c08da590")),
    ("thumbprint_malformed", "netpos", "error", option(thumbprint="\u200e" + THUMBPRINT)),
    ("certificate_none", "netpos", "error", told(certificates=[KEYLESS])),
    ("certificate_none", "netpos", "error", told(certificates=[])),
    ("certificate_missing", "netpos", "error", option(thumbprint=OTHER)),
    ("certificate_key_missing", "netpos", "error", both(told(certificates=[KEYLESS]), option(thumbprint=THUMBPRINT))),
    ("key_in_profile", "netpos", "error", told(certificates=[stored(machine_key=False, readable=None)])),
    ("key_unreadable", "netpos", "error", told(certificates=[stored(readable=False)])),
    ("certificate_expires_soon", "netpos", "warning", told(certificates=[stored(not_after=(NOW + 29 * DAY).isoformat())])),
    (
        "newer_certificate",
        "netpos",
        "warning",
        both(
            told(scheme="https", urlacl=[], certificates=[stored(), RENEWED]),
            bound(f"0.0.0.0:{PORT}"),
        ),
    ),
    ("unmanaged_peers", "netpos", "warning", told(peers=[{"address": "10.0.9.9", "connections": 3}])),
    ("unmanaged_peers", "netpos", "warning", told(peers=[{"address": "127.0.0.77", "connections": 1}])),
    # what the certificate's own preflight finds for each terminal
    ("untrusted_root", "T001", "error", saw(roots=[OTHER_ROOT.pem.decode()])),
    ("untrusted_root", "T001", "error", saw(roots=[])),
    ("missing_intermediate", "T000", "error", lambda site: site.rehearsal["chain"].pop()),
    ("ip_not_in_san", "T001", "error", both(till(host="10.0.0.6"), saw(host="10.0.0.6"))),
    ("name_mismatch", "T001", "error", both(till(host="netpos2"), saw(host="netpos2"))),
    ("host_not_checkable", "T001", "error", both(till(host="net_pos"), saw(host="net_pos"))),
    ("name_mismatch", "T001", "error", both(till(host="netpos2"), lambda site: site.silent.add("T001"))),
    ("expired", None, "error", rehearsed_with(server(ISSUING, *HOSTS, end=NOW - DAY))),
    ("expired_in_window", None, "error", rehearsed_with(server(ISSUING, *HOSTS, end=NOW + 29 * DAY))),
    (
        "expired_in_window",
        None,
        "error",
        both(option(window=(NOW + 60 * DAY, NOW + 60 * DAY)), rehearsed_with(server(ISSUING, *HOSTS, end=NOW + 61 * DAY))),
    ),
    ("ip_in_dns_san", "T002", "error", rehearsed_with(server(ISSUING, HOSTS[0], HOSTS[1], f"dns:{HOSTS[2]}"))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "device", "level", "spoil"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)])
def test_what_is_wrong_is_named(code: str, device: str | None, level: str, spoil: Spoil) -> None:
    site = healthy()
    spoil(site)
    readiness = site.assess()
    found = [one for one in readiness.items if (one.code, one.device) == (code, device)]
    assert [one.severity for one in found] == [level], [one.code for one in readiness.of("error", "warning")]
    assert found[0].message
    assert found[0].title == rule_of(code).title
    assert found[0].remedy == rule_of(code).remedy
    assert device is None or device in found[0].message or device == "netpos"
    expected = {"error": "blocked", "warning": "warnings", "info": "ready"}[level] if code != "never_rehearsed" else "unknown"
    assert readiness.verdict == expected or readiness.verdict == "blocked"


def test_a_rehearsals_own_binding_is_no_mistake_and_at_the_services_port_it_is_no_excuse() -> None:
    site = healthy()
    bound("0.0.0.0:50123", rehearsal=True)(site)
    bound("0.0.0.0:50124", rehearsal="yes")(site)
    bound(f"10.0.0.5:{PORT}", rehearsal=True)(site)
    found = [(one.code, one.message.split()[0]) for one in site.assess().items if one.code.endswith(("_port", "c_binding"))]
    assert sorted(found) == [("binding_other_port", "0.0.0.0:50124"), ("specific_binding", f"10.0.0.5:{PORT}")]


def test_every_code_of_the_table_has_a_case() -> None:
    assert set(SITE_RULES) == {case[0] for case in CASES} - {str(code) for code in Code}


def test_the_twenty_field_failures_are_all_there_with_codes_that_exist() -> None:
    assert [failure.number for failure in FIELD_FAILURES] == list(range(1, 21))
    fine = {question.code for question in QUESTIONS}
    cased = {case[0] for case in CASES} | {"expired_in_window", "chain_expires_in_window", "no_san", "wildcard_scope"}
    for failure in FIELD_FAILURES:
        for code in failure.codes:
            assert is_known(code) or code in fine, code
            assert code in cased or code in fine or code in {str(known) for known in Code}, code


@pytest.mark.parametrize(
    "facts",
    [
        {"touch": {**TOUCH, "running": False}},
        {"touch": {**TOUCH, "running": None}},
        {"touch": {**TOUCH, "since_ms": None}},
        {"touch": {**TOUCH, "settings_changed_ms": TOUCH["since_ms"] + MINUTE_MS}},
        {"touch": TOUCH, "restart": {"how": "program", "limit_s": 60}},
        {"touch": TOUCH, "restart": {"how": "reboot", "limit_s": 60}},
    ],
    ids=["closed", "not known", "without a time", "written while it started", "restarted", "restarted with its machine"],
)
def test_a_touch_that_knows_its_settings_or_is_restarted_is_no_reason_to_warn(facts: dict) -> None:
    site = healthy()
    till(**facts)(site)
    assert "touch_writes_back" not in {one.code for one in site.assess().items}
