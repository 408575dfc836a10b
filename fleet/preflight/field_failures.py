"""The twenty ways in which such a night fails in the field (windows-domain.md section 7), and the codes that name each
beforehand. docs/preflight.md shows the same table, and a test compares the two."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldFailure:
    """codes: one of them at least is in the verdict when the failure is there; found_by: where it is looked at."""

    number: int
    what: str
    codes: tuple[str, ...]
    found_by: str


FIELD_FAILURES: tuple[FieldFailure, ...] = (
    FieldFailure(
        1, "The certificate is bound to another port than the service's", ("binding_other_port", "binding_missing"), "inventory"
    ),
    FieldFailure(
        2, "The reservation of HTTP remains, the service cannot register HTTPS", ("other_scheme_reservation",), "inventory"
    ),
    FieldFailure(
        3,
        "A rollback leaves the reservation of HTTPS, or cannot bring the old one back",
        ("other_scheme_reservation", "reservation_unreadable"),
        "inventory",
    ),
    FieldFailure(
        4,
        "The certificate lies in another store, or without its key (1312)",
        ("certificate_none", "certificate_missing", "certificate_key_missing"),
        "inventory",
    ),
    FieldFailure(5, "The private key cannot be read by SYSTEM", ("key_unreadable", "rehearsal_failed"), "inventory, rehearsal"),
    FieldFailure(
        6,
        "A thumbprint with an invisible character, blanks or 38 digits (87, 1312)",
        ("thumbprint_malformed", "binding_unreadable"),
        "inventory, plan",
    ),
    FieldFailure(7, "A server where EVERYONE is called otherwise (1332)", ("no_reservation", "reservations_good"), "inventory"),
    FieldFailure(
        8,
        "Services Monitor or recovery restarts NetPOS.Net in mid-change",
        ("monitor_present", "recovery_restarts"),
        "inventory",
    ),
    FieldFailure(9, "Another program owns the port", ("port_owner", "foreign_binding"), "inventory"),
    FieldFailure(10, "A more specific binding serves another certificate", ("specific_binding",), "inventory"),
    FieldFailure(11, "iplisten keeps http.sys on one address", ("iplisten_narrow", "iplisten_set"), "inventory"),
    FieldFailure(
        12,
        "Terminals use an address or short name that is not in the certificate",
        ("name_mismatch", "ip_not_in_san", "ip_in_dns_san", "wildcard_scope", "no_san", "host_not_checkable"),
        "rehearsal",
    ),
    FieldFailure(
        13,
        "A terminal lacks the root, or the server the intermediate",
        ("untrusted_root", "missing_intermediate", "self_signed_untrusted"),
        "rehearsal",
    ),
    FieldFailure(14, "A terminal offers TLS 1.0 only", ("tls_too_old", "tls_no_common", "tls_refused"), "inventory, rehearsal"),
    FieldFailure(
        15,
        "A terminal's or the server's clock is off",
        ("clock_off", "clock_outside_validity", "cert_expired", "cert_not_yet_valid"),
        "inventory, rehearsal",
    ),
    FieldFailure(
        16,
        "The certificate ends soon, or a renewal is not bound",
        (
            "certificate_expires_soon",
            "expired",
            "expired_in_window",
            "chain_expires_in_window",
            "newer_certificate",
            "rehearsal_other_certificate",
        ),
        "inventory, rehearsal",
    ),
    FieldFailure(
        17,
        "The first handshake waits for the Internet",
        ("slow_first_contact", "first_contact_too_slow", "timeout"),
        "rehearsal",
    ),
    FieldFailure(
        18, "The settings file is held open, read-only or redirected", ("settings_not_writable", "inventory_error"), "inventory"
    ),
    FieldFailure(
        19,
        "Terminals are off, elsewhere or unmanaged",
        ("no_agent", "no_contact", "seat_no_answer", "seat_missing", "unreachable", "unmanaged_peers"),
        "inventory, rehearsal",
    ),
    FieldFailure(
        20,
        "Something between opens TLS, or the server is too busy in the window",
        ("intercepted", "first_contact_too_slow", "slow_first_contact", "timeout"),
        "rehearsal",
    ),
)
