"""From the JSON that agents sent to the values of site_view.py. Never raises, whatever the JSON is."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from fleet.preflight.site.lenient import flag, mapping, moment, number, pems, rows, text, texts, whole
from fleet.preflight.site.view import (
    BindingView,
    Contact,
    Peer,
    RehearsalView,
    ReservationView,
    Said,
    ServerView,
    ServiceView,
    Stored,
    TerminalCheckView,
    TerminalView,
)

_PORT = re.compile(r":(\d{1,5})(?:/|$)")
_HASH = re.compile(r"[0-9A-F]{40}")
_MOST_ROWS, _MOST_PEERS, _MOST_SENT, _MOST_ROOTS = 500, 200, 8, 20


def terminal_view(
    name: str, contact: Contact, facts: Any, *, host: str = "", port: int | None = None, alarm: Any = None
) -> TerminalView:
    """A terminal from its inventory. host, port: what an earlier inventory said, for where this one is silent; alarm: what
    is kept beside its agent."""
    told = mapping(facts)
    return TerminalView(
        **_device(name, contact, told) | {"port": whole(told.get("port"), 1, 65535) or port},
        host=text(told.get("host"), 253) or text(host, 253) or None,
        timeout_s=number(told.get("timeout_s"), 0.001, 3600),
        alarm=said(alarm),
    )


def server_view(name: str, contact: Contact, facts: Any, *, port: int | None = None, alarm: Any = None) -> ServerView:
    """The server from its inventory."""
    told = mapping(facts)
    owner = mapping(told.get("owner"))
    services = rows(told.get("services"), 20)
    return ServerView(
        **_device(name, contact, told) | {"port": whole(told.get("port"), 1, 65535) or port},
        certificates=_map(_stored, rows(told.get("certificates"), _MOST_ROWS)),
        bindings=_map(_binding, rows(told.get("sslcert"), _MOST_ROWS)),
        reservations=_map(_reservation, rows(told.get("urlacl"), _MOST_ROWS)),
        iplisten=texts(told.get("iplisten"), 64, 64),
        services=_map(_service, services),
        service=_service(mapping(told.get("service"))) or (_service(services[0]) if services else None),
        restarts=flag(mapping(told.get("recovery")).get("restarts")),
        owner=_owner(owner) if owner else None,
        peers=_map(_peer, rows(told.get("peers"), _MOST_PEERS)),
        alarm=said(alarm),
    )


def rehearsal_view(at: dt.datetime, thumbprint: str, facts: Any, checks: Iterable[TerminalCheckView]) -> RehearsalView:
    """A rehearsal from its row. facts: the server's answer when it opened."""
    return RehearsalView(at, thumbprint, pems(mapping(facts).get("chain"), _MOST_SENT) or (), tuple(checks))


def check_view(terminal: str, answered: bool, finding: Any, facts: Any) -> TerminalCheckView:
    """One terminal's answer. facts: as it sent them."""
    told = mapping(facts)
    return TerminalCheckView(
        terminal=terminal,
        answered=answered,
        finding=said(finding),
        host=text(told.get("host"), 253),
        port=whole(told.get("port"), 1, 65535),
        timeout_s=number(told.get("timeout_s"), 0.001, 3600),
        address=text(told.get("address"), 64),
        own_address=text(told.get("own_address"), 64),
        clock_offset_ms=whole(told.get("clock_offset_ms")),
        cold_ms=number(told.get("cold_ms")),
        tls=text(told.get("tls"), 16),
        thumbprint=(text(told.get("thumbprint"), 64) or "").upper() or None,
        roots=pems(told.get("roots"), _MOST_ROOTS),
    )


def said(finding: Any) -> Said | None:
    """A finding; None for none. Something else in its place is a finding that says nothing."""
    if finding is None:
        return None
    told = mapping(finding)
    return Said(text(told.get("code"), 40) or "", text(told.get("message")) or "", text(told.get("remedy")) or "")


def _device(name: str, contact: Contact, told: Any) -> dict[str, Any]:
    scheme = told.get("scheme")
    return {
        "name": name,
        "contact": contact,
        "told": bool(told),
        "error": text(told.get("error")),
        "scheme": scheme if scheme in ("http", "https") else None,
        "writable": text(told.get("writable")),
        "free_mb": whole(told.get("free_mb"), 0),
        "clock_offset_ms": whole(told.get("clock_offset_ms")),
        "os": text(told.get("os"), 100),
        "tls": texts(told.get("tls"), 10, 16) or None,
        "access_code": text(told.get("access_code"), 64),
        "version": text(told.get("agent_version"), 40),
    }


def _map(make: Any, found: Any) -> Any:
    """Each row that could be made something of, as a tuple; None stays None."""
    return None if found is None else tuple(row for told in found if (row := make(told)) is not None)


def _stored(told: Any) -> Stored | None:
    thumbprint = (text(told.get("thumbprint"), 64) or "").upper()
    if not _HASH.fullmatch(thumbprint):
        return None
    return Stored(
        thumbprint,
        text(told.get("subject"), 200),
        moment(told.get("not_before")),
        moment(told.get("not_after")),
        flag(told.get("has_key")),
        flag(told.get("readable")),
        flag(told.get("machine_key")),
        texts(told.get("names"), 50, 253) or (),
    )


def _binding(told: Any) -> BindingView | None:
    endpoint = text(told.get("endpoint"), 260)
    if not endpoint:
        return None
    certhash = (text(told.get("certhash"), 80) or "").upper()
    return BindingView(
        endpoint,
        _port(endpoint),
        certhash if _HASH.fullmatch(certhash) else None,
        text(told.get("appid"), 60),
        rehearsal=flag(told.get("rehearsal")) or False,
    )


def _reservation(told: Any) -> ReservationView | None:
    url = text(told.get("url"), 260)
    if not url:
        return None
    sddl, refused = text(told.get("sddl"), 2000), text(told.get("refused"))
    return ReservationView(url, url.partition(":")[0].lower(), _port(url), sddl, refused)


def _service(told: Any) -> ServiceView | None:
    name = text(told.get("name"), 256)
    if not name:
        return None
    dependents = texts(told.get("dependents"), 50, 100) or ()
    return ServiceView(name, text(told.get("state"), 20), text(told.get("start_type"), 20), dependents)


def _peer(told: Any) -> Peer | None:
    address = text(told.get("address"), 64)
    return Peer(address, whole(told.get("connections"), 0) or 0) if address else None


def _owner(told: Any) -> str:
    return f"{text(told.get('program'), 100) or 'an unknown program'} (process {whole(told.get('pid'), 0) or '?'})"


def _port(place: str) -> int | None:
    found = _PORT.search(place)
    return whole(int(found[1]), 1, 65535) if found else None
