"""Twenty known ways in which a cutover fails in the field, and the codes that name each beforehand. docs/preflight.md shows
the same table, and a test compares the two."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldFailure:
    """One way to fail."""

    number: int
    what: str
    planted: str  # how a lab brings it about, with the functions of agents/lab/misconfigurations.py that do it
    codes: tuple[str, ...]  # when the failure is there, the verdict has at least one of them
    found_by: str  # which report of the agents shows it


FIELD_FAILURES: tuple[FieldFailure, ...] = (
    FieldFailure(
        1,
        "The certificate is bound to another port than the service's",
        "`binding_on_another_port`: an sslcert row of ours at port 8000",
        ("binding_other_port", "binding_missing"),
        "inventory",
    ),
    FieldFailure(
        2,
        "The reservation of HTTP remains, the service cannot register HTTPS",
        "`http_reservation_remains`: a reservation of `http://+:PORT/` with the service on HTTPS",
        ("other_scheme_reservation",),
        "inventory",
    ),
    FieldFailure(
        3,
        "A rollback leaves the reservation of HTTPS, or cannot bring the old one back",
        "`https_reservation_remains`: a reservation of `https://+:PORT/` beside the one of HTTP; `reservation_without_list`, "
        "`reservation_unmovable`",
        ("other_scheme_reservation", "reservation_unreadable", "reservation_refused"),
        "inventory",
    ),
    FieldFailure(
        4,
        "The certificate lies in another store, or without its key (1312)",
        "`key_missing`: no `.key` file beside the certificate; `certificate_elsewhere`: it is not in the store; "
        "`key_in_profile`: the key is a user's",
        ("certificate_none", "certificate_missing", "certificate_key_missing", "key_in_profile"),
        "inventory",
    ),
    FieldFailure(
        5,
        "The private key cannot be read by SYSTEM",
        "`key_unusable`: a `.key` file that the agent cannot use",
        ("key_unreadable", "rehearsal_failed"),
        "inventory, rehearsal",
    ),
    FieldFailure(
        6,
        "A thumbprint with an invisible character, blanks or 38 digits (87, 1312)",
        "`torn_thumbprint`: an sslcert row with 38 digits; a plan with 38 digits, a blank or U+200E",
        ("thumbprint_malformed", "binding_unreadable"),
        "inventory, plan",
    ),
    FieldFailure(
        7,
        "A server where EVERYONE is called otherwise (1332)",
        "`other_language`: the lab in German or Portuguese, which stays ready; `no_reservation` on the port",
        ("no_reservation", "reservations_good"),
        "inventory",
    ),
    FieldFailure(
        8,
        "Services Monitor or recovery restarts NetPOS.Net in mid-change",
        "`restarted_by_itself`: a running monitor; recovery actions that restart",
        ("monitor_present", "recovery_restarts"),
        "inventory",
    ),
    FieldFailure(
        9,
        "Another program owns the port",
        "`port_taken`: another program listening on the port; `foreign_binding`: an sslcert row with another appid",
        ("port_owner", "foreign_binding"),
        "inventory",
    ),
    FieldFailure(
        10,
        "A more specific binding serves another certificate",
        "`specific_binding`: an sslcert row for the server's address",
        ("specific_binding",),
        "inventory",
    ),
    FieldFailure(
        11,
        "iplisten keeps http.sys on one address",
        "`narrowed_addresses`: another address, or `127.0.0.1`, in iplisten",
        ("iplisten_narrow", "iplisten_set"),
        "inventory",
    ),
    FieldFailure(
        12,
        "Terminals use an address or short name that is not in the certificate",
        "`wrong_host`: an address, or a short name, in a terminal's settings that the certificate lacks",
        ("name_mismatch", "ip_not_in_san", "ip_in_dns_san", "wildcard_scope", "no_san", "host_not_checkable"),
        "rehearsal",
    ),
    FieldFailure(
        13,
        "A terminal lacks the root, or the server the intermediate",
        "`root_missing`: a terminal's `roots.pem` without the root; `chain_without_intermediate` on the server",
        ("untrusted_root", "missing_intermediate", "self_signed_untrusted"),
        "rehearsal",
    ),
    FieldFailure(
        14,
        "A terminal offers TLS 1.0 only",
        "`old_tls`: a terminal that offers TLS 1.0 only",
        ("tls_too_old", "tls_no_common", "tls_refused"),
        "inventory, rehearsal",
    ),
    FieldFailure(
        15,
        "A terminal's or the server's clock is off",
        "`wrong_clock`: a terminal's clock skewed by minutes, and by a year; `wrong_server_clock`: the server's by minutes",
        ("clock_off", "clock_outside_validity", "cert_expired", "cert_not_yet_valid"),
        "inventory, rehearsal",
    ),
    FieldFailure(
        16,
        "The certificate ends soon, or a renewal is not bound",
        "`old_binding_kept`: a renewed one that is not bound; a plan with a certificate of 25 days",
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
        "`slow_first_contact`: a first lookup that takes more than half of the till's timeout, or more than all of it",
        ("slow_first_contact", "first_contact_too_slow", "timeout"),
        "rehearsal",
    ),
    FieldFailure(
        18,
        "The settings file is held open, read-only or redirected",
        "`read_only_settings`: a settings file that is write-protected",
        ("settings_not_writable", "inventory_error"),
        "inventory",
    ),
    FieldFailure(
        19,
        "Terminals are off, elsewhere or unmanaged",
        "`switched_off`: a terminal that is off; one without an agent; `stranger`: a client on the port that nobody manages",
        ("no_agent", "no_contact", "seat_no_answer", "seat_missing", "unreachable", "unmanaged_peers"),
        "inventory, rehearsal",
    ),
    FieldFailure(
        20,
        "Something between opens TLS, or the server is too busy in the window",
        "`inspected`: something between till and server that answers with a certificate of its own",
        ("intercepted", "first_contact_too_slow", "slow_first_contact", "timeout"),
        "rehearsal",
    ),
)
