"""From the JSON that agents send to the values of facts.py. Nothing here raises, whatever the JSON is."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from agents.bounds import MAX_CHAIN
from agents.catalogue import RESTART_LIMITS_S, RESTARTS, Restart
from agents.protocol import Finding
from fleet.device_facts.facts import (
    BindingFacts,
    CheckFacts,
    DeviceFacts,
    ListenerFacts,
    Peer,
    ReservationFacts,
    Scheme,
    SeenTable,
    ServerFacts,
    ServiceFacts,
    StoredCertificate,
    TerminalFacts,
    TouchFacts,
)
from fleet.device_facts.lenient import exact, flag, mapping, moment, number, numbers, pems, rows, text, texts, whole

_MAX_ROWS, _MAX_PEERS, _MAX_ROOTS, _MAX_KINDS, _MAX_SAMPLES = 500, 200, 20, 20, 100
_LAST_MS = 7_258_118_400_000  # the year 2200: a later moment is none that pages can show
_PORT = re.compile(r":(\d{1,5})(?:/|$)")
_THUMBPRINT = re.compile(r"[0-9A-F]{40}")
T = TypeVar("T")


def parse(raw: Any) -> DeviceFacts:
    """The part of an inventory that servers and terminals tell alike."""
    return DeviceFacts(**_common(mapping(raw)))


def parse_terminal(raw: Any) -> TerminalFacts:
    """A terminal's inventory."""
    told = mapping(raw)
    return TerminalFacts(**_common(told), timeout_s=_timeout_s(told), restart=parse_restart(told), touch=_touch(told))


def parse_restart(raw: Any) -> Restart | None:
    """How a terminal restarts Touch, by its inventory or by this part of it alone; None where it does not."""
    told = mapping(mapping(raw).get("restart"))
    how = told.get("how")
    if how not in RESTARTS:
        return None
    return Restart(cast(Any, how), whole(told.get("limit_s"), *RESTART_LIMITS_S) or RESTART_LIMITS_S[1])


def parse_server(raw: Any) -> ServerFacts:
    """A server's inventory."""
    told = mapping(raw)
    listed = _each(_certificate, rows(told.get("certificates"), _MAX_ROWS))
    services = rows(told.get("services"), 20)
    owner = mapping(told.get("owner"))
    return ServerFacts(
        **_common(told),
        listed=listed,
        certificates=None if listed is None else tuple(row for row in listed if _THUMBPRINT.fullmatch(row.thumbprint)),
        bindings=_each(_binding, rows(told.get("sslcert"), _MAX_ROWS)),
        reservations=_each(_reservation, rows(told.get("urlacl"), _MAX_ROWS)),
        iplisten=texts(told.get("iplisten"), 64, 64),
        services=_each(_service, services),
        service=_service(mapping(told.get("service"))) or (_service(services[0]) if services else None),
        restarts=flag(mapping(told.get("recovery")).get("restarts")),
        owner=_owner(owner) if owner else None,
        peers=_each(_peer, rows(told.get("peers"), _MAX_PEERS)),
    )


def parse_seen(raw: Any) -> SeenTable | None:
    """The access log in a server's inventory; None where no log is configured, or where it cannot be read."""
    seen = mapping(raw).get("seen")
    return SeenTable(seen) if isinstance(seen, dict) else None


def parse_seen_over_tls(raw: Any) -> SeenTable | None:
    """The addresses that the server has answered over TLS, in its inventory; None as above."""
    seen = mapping(raw).get("seen_over_tls")
    return SeenTable(seen) if isinstance(seen, dict) else None


def parse_check(raw: Any) -> CheckFacts:
    """A terminal's answer to its check in a rehearsal."""
    told = mapping(raw)
    samples = {kind: numbers(values, _MAX_SAMPLES) for kind, values in _by_kind(told.get("samples"))}
    sizes = {kind: size for kind, value in _by_kind(told.get("bytes")) if (size := number(value, 1)) is not None}
    return CheckFacts(
        host=text(told.get("host"), 253),
        port=_port(told.get("port")),
        timeout_s=_timeout_s(told),
        address=text(told.get("address"), 64),
        own_address=text(told.get("own_address"), 64),
        clock_offset_ms=whole(told.get("clock_offset_ms")),
        dns_ms=number(told.get("dns_ms")),
        tcp_ms=number(told.get("tcp_ms")),
        tls_ms=number(told.get("tls_ms")),
        cold_ms=number(told.get("cold_ms")),
        tls=text(told.get("tls"), 16),
        thumbprint=_upper(told.get("thumbprint"), 64) or None,
        roots=pems(told.get("roots"), _MAX_ROOTS),
        samples=samples,
        sizes=sizes,
    )


def parse_listener(raw: Any) -> ListenerFacts:
    """A server's answer when it has opened its shadow listener."""
    told = mapping(raw)
    cpu = mapping(told.get("cpu_ms"))
    return ListenerFacts(
        port=_port(told.get("port")),
        plain_port=_port(told.get("plain_port")),
        chain=pems(told.get("chain"), MAX_CHAIN) or (),
        cpu_full_ms=number(cpu.get("full")),
        cpu_resumed_ms=number(cpu.get("resumed")),
    )


def parse_finding(raw: Any) -> Finding | None:
    """A finding, each part in one line; None for null. Anything else that is not a finding becomes an empty one: the
    device did say that something is wrong."""
    if raw is None:
        return None
    told = mapping(raw)
    return Finding(text(told.get("code"), 40) or "", text(told.get("message")) or "", text(told.get("remedy")) or "")


def _common(told: Mapping[str, Any]) -> dict[str, Any]:
    scheme = told.get("scheme")
    return {
        "told": bool(told),
        "error": text(told.get("error")),
        "own_name": exact(told.get("name")),
        "scheme": cast(Scheme, scheme) if scheme in ("http", "https") else None,
        "host": text(told.get("host"), 253),
        "port": _port(told.get("port")),
        "writable": text(told.get("writable")),
        "free_mb": whole(told.get("free_mb"), 0),
        "clock_offset_ms": whole(told.get("clock_offset_ms")),
        "os": text(told.get("os"), 100),
        "tls": texts(told.get("tls"), 10, 16) or None,
        "access_code": text(told.get("access_code"), 64),
        "version": text(told.get("agent_version"), 40),
    }


def _touch(told: Mapping[str, Any]) -> TouchFacts | None:
    touch = mapping(told.get("touch"))
    if not touch:
        return None
    since, changed = whole(touch.get("since_ms"), 0, _LAST_MS), whole(touch.get("settings_changed_ms"), 0, _LAST_MS)
    return TouchFacts(flag(touch.get("running")), since, changed)


def _each(make: Callable[[Mapping[str, Any]], T | None], found: Iterable[Mapping[str, Any]] | None) -> tuple[T, ...] | None:
    """Each row of which `make` made a value; None stays None."""
    return None if found is None else tuple(row for told in found if (row := make(told)) is not None)


def _certificate(told: Mapping[str, Any]) -> StoredCertificate:
    return StoredCertificate(
        _upper(told.get("thumbprint"), 64),
        text(told.get("subject"), 2000),
        text(told.get("issuer"), 2000),
        moment(told.get("not_before")),
        moment(told.get("not_after")),
        flag(told.get("has_key")),
        flag(told.get("readable")),
        flag(told.get("machine_key")),
        texts(told.get("names"), 500, 253) or (),
    )


def _binding(told: Mapping[str, Any]) -> BindingFacts | None:
    endpoint = text(told.get("endpoint"), 260)
    if not endpoint:
        return None
    certhash = _upper(told.get("certhash"), 80)
    return BindingFacts(
        endpoint,
        _port_in(endpoint),
        certhash if _THUMBPRINT.fullmatch(certhash) else None,
        text(told.get("appid"), 60),
        rehearsal=flag(told.get("rehearsal")) or False,
    )


def _reservation(told: Mapping[str, Any]) -> ReservationFacts | None:
    url = text(told.get("url"), 260)
    if not url:
        return None
    sddl, refused = text(told.get("sddl"), 2000), text(told.get("refused"))
    return ReservationFacts(url, url.partition(":")[0].lower(), _port_in(url), sddl, refused)


def _service(told: Mapping[str, Any]) -> ServiceFacts | None:
    name = text(told.get("name"), 256)
    if not name:
        return None
    dependents = texts(told.get("dependents"), 50, 100) or ()
    return ServiceFacts(name, text(told.get("state"), 20), text(told.get("start_type"), 20), dependents)


def _peer(told: Mapping[str, Any]) -> Peer | None:
    address = text(told.get("address"), 64)
    return Peer(address, whole(told.get("connections"), 0) or 0) if address else None


def _owner(told: Mapping[str, Any]) -> str:
    return f"{text(told.get('program'), 100) or 'an unknown program'} (process {whole(told.get('pid'), 0) or '?'})"


def _by_kind(value: Any) -> Iterable[tuple[str, Any]]:
    return list(mapping(value).items())[:_MAX_KINDS]


def _timeout_s(told: Mapping[str, Any]) -> float | None:
    return number(told.get("timeout_s"), 0.001, 3600)


def _upper(value: Any, longest: int) -> str:
    return (text(value, longest) or "").upper()


def _port(value: Any) -> int | None:
    return whole(value, 1, 65535)


def _port_in(place: str) -> int | None:
    found = _PORT.search(place)
    return _port(int(found[1])) if found else None
