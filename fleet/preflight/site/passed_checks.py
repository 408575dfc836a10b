"""The checks that passed: each question that could be asked and found nothing, so that a page can show it."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from fleet.preflight.certificate.codes import Code
from fleet.preflight.site.codes import ALARMS
from fleet.preflight.site.readiness import Item
from fleet.preflight.site.view import SiteView

# How many devices could be asked, and how many there are.
Asked = Callable[[SiteView], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Question:
    """code: the name of the good answer; spoilt_by: the codes that mean that it is not all fine; text: the answer, with
    its numbers."""

    code: str
    title: str
    spoilt_by: frozenset[str]
    asked: Asked
    text: str


def what_is_fine(view: SiteView, bad: Collection[str]) -> Iterator[Item]:
    """An item for each question that somebody answered and whose answers are all good. bad: codes of errors and
    warnings."""
    for question in QUESTIONS:
        told, of = question.asked(view)
        if told and not question.spoilt_by & set(bad):
            yield Item(question.code, "fine", None, question.text.format(told=told, of=of), "", question.title)


def _devices(field: str) -> Asked:
    def asked(view: SiteView) -> tuple[int, int]:
        return sum(getattr(device, field) is not None for device in view.devices), len(view.devices)

    return asked


def _told(view: SiteView) -> tuple[int, int]:
    return sum(device.told for device in view.devices), len(view.devices)


def _contact(view: SiteView) -> tuple[int, int]:
    asked = [device for device in view.devices if not device.by_hand]
    return sum(device.contact == "yes" for device in asked), len(asked)


def _terminals(field: str) -> Asked:
    def asked(view: SiteView) -> tuple[int, int]:
        rows = view.taking_part
        known = view.server is not None and getattr(view.server, field) is not None
        return sum(getattr(row, field) is not None for row in rows) if known else 0, len(rows)

    return asked


def _server(field: str) -> Asked:
    def asked(view: SiteView) -> tuple[int, int]:
        return int(view.server is not None and getattr(view.server, field) is not None), 1

    return asked


def _checks(view: SiteView) -> tuple[int, int]:
    """Terminals whose lookup in the last rehearsal worked: an answer with a finding says that it did not."""
    good = {name for name, check in view.checks().items() if check.answered and check.finding is None}
    asked = [terminal for terminal in view.taking_part if not terminal.by_hand]
    return sum(t.name in good for t in asked), len(asked)


def _chain(view: SiteView) -> tuple[int, int]:
    return _checks(view) if view.rehearsal and view.rehearsal.chain else (0, 0)


_SEAT_CODES = frozenset({
    "seat_no_answer",
        "seat_unproven", "seat_missing", "intercepted", "untrusted_root", "name_mismatch", "cert_expired",
    "cert_not_yet_valid", "tls_refused", "timeout", "unreachable", "connection_refused", "lookup_failed", "busy",
    "seat_finding", "rehearsal_failed", "no_agent",
})  # fmt: skip

QUESTIONS: tuple[Question, ...] = (
    Question(
        "in_contact",
        "Agents",
        frozenset({"no_agent", "no_contact", "server_no_contact", "no_server", "agent_alarm"}) | ALARMS,
        _contact,
        "{told} of {of} devices are in contact",
    ),
    Question("seats_ready", "Rehearsal", _SEAT_CODES, _checks, "{told} of {of} terminals made a lookup over HTTPS"),
    Question(
        "first_contact_quick",
        "First lookup",
        _SEAT_CODES | {"slow_first_contact", "first_contact_too_slow"},
        _checks,
        "the first lookup took less than half of the terminal's timeout at {told} of {of} terminals",
    ),
    Question(
        "certificate_good",
        "Certificate",
        frozenset(Code) | {"clock_outside_validity"},
        _chain,
        "names, trust and dates are valid at {told} of {of} terminals, now, in the window and 30 days later",
    ),
    Question(
        "clocks_right",
        "Clocks",
        frozenset({"clock_off", "clock_outside_validity"}),
        _devices("clock_offset_ms"),
        "{told} of {of} clocks are within 5 minutes of the dashboard's",
    ),
    Question(
        "tls_new_enough",
        "TLS",
        frozenset({"tls_too_old", "tls_no_common"}),
        _devices("tls"),
        "{told} of {of} devices speak TLS 1.2 or newer",
    ),
    Question(
        "disk_room",
        "Disk",
        frozenset({"disk_low", "disk_full"}),
        _devices("free_mb"),
        "{told} of {of} devices have 200 MB or more left",
    ),
    Question(
        "settings_good",
        "Settings",
        frozenset({"settings_not_writable", "inventory_error", "no_inventory"}),
        _told,
        "the settings of {told} of {of} devices can be read and rewritten",
    ),
    Question(
        "ports_equal",
        "Port",
        frozenset({"port_differs"}),
        _terminals("port"),
        "{told} of {of} terminals use the server's port",
    ),
    Question(
        "access_codes_equal",
        "Access code",
        frozenset({"access_code_differs"}),
        _terminals("access_code"),
        "{told} of {of} terminals have the server's access code",
    ),
    Question(
        "versions_equal",
        "Agents' version",
        frozenset({"agent_versions"}),
        _devices("version"),
        "{told} of {of} agents have the same version",
    ),
    Question(
        "bindings_good",
        "Certificate bindings",
        frozenset({"foreign_binding", "specific_binding", "binding_unreadable", "binding_other_port", "binding_missing"}),
        _server("bindings"),
        "no other program's certificate is bound to the port",
    ),
    Question(
        "reservations_good",
        "URL reservations",
        frozenset({"other_scheme_reservation", "reservation_unreadable", "other_reservation"}),
        _server("reservations"),
        "no reservation conflicts, and the cutover reserves by SID, which is the same in every language of Windows",
    ),
    Question(
        "iplisten_free",
        "Addresses",
        frozenset({"iplisten_narrow", "iplisten_set"}),
        _server("iplisten"),
        "http.sys serves every address",
    ),
    Question(
        "service_good",
        "NetPOS.Net",
        frozenset({"service_down", "service_disabled", "port_owner"}),
        _server("service"),
        "the service runs and starts automatically",
    ),
    Question(
        "store_good",
        "Certificate store",
        frozenset(
            {
                "thumbprint_malformed",
                "certificate_none",
                "certificate_missing",
                "certificate_key_missing",
                "key_in_profile",
                "key_unreadable",
                "certificate_expires_soon",
                "newer_certificate",
            }
        ),
        _server("certificates"),
        "the certificate is in the server's store with its key and valid for 30 days or more",
    ),
)
