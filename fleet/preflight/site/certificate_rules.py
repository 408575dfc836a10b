"""The certificate that the cutover would bind: in the server's store, and as each terminal sees it."""

import datetime as dt
import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from fleet.preflight.certificate.assemble import File, Files, assemble
from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.check import Request
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.files.reading import read
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.hosts import parse_host
from fleet.preflight.certificate.names import check_names
from fleet.preflight.certificate.validity import AFTER_WINDOW, window_times
from fleet.preflight.certificate.viewpoints import Viewpoint, check_viewpoints
from fleet.preflight.site.device_rules import clock_offset_ms, in_words
from fleet.preflight.site.readiness import Item, item
from fleet.preflight.site.view import ServerView, SiteView, newest, wanted

EXPIRES_SOON = dt.timedelta(days=30)
_CLOCK_MATTERS_MS = 60_000
_HASH = re.compile(r"[0-9A-F]{40}")
# Combinations of host and root store that are fully checked. A site has a handful; the limit keeps a hostile agent from
# using up processor time.
_MOST_PLACES = 64
# Codes that depend on a terminal's own host or roots; every other finding is about the certificate and is shown once.
_PER_TERMINAL = {
    Code.NAME_MISMATCH, Code.IP_NOT_IN_SAN, Code.IP_IN_DNS_SAN, Code.WILDCARD_SCOPE, Code.HOST_NOT_CHECKABLE,
    Code.UNTRUSTED_ROOT, Code.SELF_SIGNED_UNTRUSTED, Code.MISSING_INTERMEDIATE, Code.ANCHOR_NOT_SELF_SIGNED,
}  # fmt: skip


def check_store(view: SiteView) -> Iterator[Item]:
    """Items about the server's store, from its inventory alone."""
    server = view.server
    if server is None or server.certificates is None:
        return
    if view.thumbprint and not _HASH.fullmatch(view.thumbprint.upper()):
        yield item("thumbprint_malformed", _malformed(view.thumbprint), server.name)
        return
    row = wanted(view)
    if row is None:
        if view.thumbprint:
            yield item("certificate_missing", f"{view.thumbprint} is not in the store of {server.name}", server.name)
        else:
            yield item("certificate_none", f"{server.name} has no certificate with a key that is valid now", server.name)
        return
    label = f"{row.label or 'the certificate'} ({row.thumbprint[:8]}…)"
    if row.has_key is False:
        yield item("certificate_key_missing", f"{label} has no key on {server.name}", server.name)
    elif row.machine_key is False:
        yield item("key_in_profile", f"the key of {label} is in the profile of a user of {server.name}", server.name)
    elif row.readable is False:
        yield item("key_unreadable", f"the key of {label} cannot be used by the agent on {server.name}", server.name)
    if row.not_after is not None and row.not_after - view.now < EXPIRES_SOON:
        yield item("certificate_expires_soon", f"{label} ends on {row.not_after:%Y-%m-%d %H:%M} UTC", server.name)
    yield from _unbound(server, view.now)


def check_certificate(view: SiteView, said: Collection[tuple[str, str | None]]) -> Iterator[Item]:
    """Items from the chain as the server sends it. said: (code, device) of the findings that the terminals reported
    themselves."""
    chain = view.rehearsal.chain if view.rehearsal else ()
    if not chain:
        return
    request = assemble(Files(File("the chain", "\n".join(chain).encode("utf-8", "replace")), ()), (), _times(view))
    once: set[tuple[str, str]] = set()
    for name, finding in _findings(view, request):
        if finding.code is Code.KEY_NOT_GIVEN or (finding.code.value, name) in said:
            continue
        if name is not None and finding.code in _PER_TERMINAL:
            yield item(finding.code.value, f"{name}: {finding.message}", name)
        elif (finding.code.value, finding.message) not in once:
            once.add((finding.code.value, finding.message))
            yield item(finding.code.value, f"{finding.cert or 'the chain'}: {finding.message}")
    if request.leaf is not None:
        yield from _clocks(view, request.leaf)


def _findings(view: SiteView, request: Request) -> Iterator[tuple[str | None, CertificateFinding]]:
    """(terminal, finding). For a terminal whose roots are not known, only its host is checked."""
    whole: list[Viewpoint] = []
    places: set[tuple[str, tuple[str, ...] | None]] = set()
    checks = view.checks()
    for terminal in view.taking_part:
        check = checks.get(terminal.name)
        host = terminal.host or (check.host if check else None)
        if host is None:
            continue
        place = (host, check.roots if check else None)
        if check is not None and check.answered and check.roots is not None and (place in places or len(places) < _MOST_PLACES):
            places.add(place)
            whole.append(Viewpoint(terminal.name, host, _roots(check.roots)))
        elif request.leaf is not None and not request.leaf.fault:
            yield from ((terminal.name, finding) for finding in check_names(request.leaf, (parse_host(host),)))
    for name, verdict in check_viewpoints(request, whole).items():
        yield from ((name, finding) for finding in verdict.findings)


@lru_cache(maxsize=512)
def _roots(pems: tuple[str, ...]) -> tuple[Cert, ...]:
    return tuple(cert for pem in pems for cert in read(pem.encode("utf-8", "replace"), "a root").roots)


def _times(view: SiteView) -> tuple[dt.datetime, ...]:
    if view.window is None:
        return (view.now, view.now + AFTER_WINDOW)
    return tuple(sorted({view.now, *window_times(*view.window)}))


def _clocks(view: SiteView, leaf: Cert) -> Iterator[Item]:
    """A certificate that is valid by the dashboard's clock may be invalid on a device whose clock is years behind."""
    checks = view.checks()
    for device in view.devices:
        check = checks.get(device.name)
        offset = clock_offset_ms(device, check.clock_offset_ms if check else None)
        if offset is None or abs(offset) < _CLOCK_MATTERS_MS:
            continue
        theirs = _moment(view.now, offset)
        if theirs is None or not leaf.not_before <= theirs <= leaf.not_after:
            span = f"{leaf.not_before:%Y-%m-%d %H:%M} to {leaf.not_after:%Y-%m-%d %H:%M} UTC"
            message = f"{device.name}'s clock is {in_words(offset)}; by it the certificate ({span}) is not valid"
            yield item("clock_outside_validity", message, device.name)


def _moment(now: dt.datetime, offset_ms: int) -> dt.datetime | None:
    try:
        return now - dt.timedelta(milliseconds=offset_ms)
    except OverflowError:
        return None


def _unbound(server: ServerView, now: dt.datetime) -> Iterator[Item]:
    """A renewed certificate has a new thumbprint; the binding keeps the old one until somebody changes it."""
    best = newest(server, now)
    bound = {row.certhash for row in server.bindings or () if row.port == server.port and row.certhash}
    if server.scheme != "https" or best is None or not bound or best.thumbprint in bound:
        return
    message = f"{best.label or best.thumbprint} until {best.not_after:%Y-%m-%d} is in the store of {server.name}"
    yield item("newer_certificate", f"{message}, bound is {sorted(bound)[0][:8]}…", server.name)


def _malformed(text: str) -> str:
    digits = sum(letter in "0123456789ABCDEFabcdef" for letter in text)
    if digits != len(text):
        return f"the thumbprint holds {len(text) - digits} characters that are not hex digits; some may be invisible"
    return f"the thumbprint has {digits} digits, not 40" + ("; two were lost in copying" if digits == 38 else "")
