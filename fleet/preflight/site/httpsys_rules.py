"""The server's http.sys: bindings, reservations, addresses, and other programs on the port."""

import ipaddress
from collections.abc import Iterator

from agents.catalogue import APPID
from fleet.device_facts.facts import BindingFacts
from fleet.preflight.site.readiness import Item, item
from fleet.preflight.site.view import ServerView, SiteView

_EVERY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - an entry of http.sys's list, not a place to listen


def check_httpsys(view: SiteView) -> Iterator[Item]:
    """Items about what Windows has on the server's port."""
    server = view.server
    if server is None:
        return
    if server.port is not None:
        yield from _bindings(server, server.port)
        yield from _reservations(server, server.port)
    yield from _iplisten(view, server)
    if server.owner:
        yield item("port_owner", f"port {server.port or '?'} of {server.name} is held by {server.owner}", server.name)


def _bindings(server: ServerView, port: int) -> Iterator[Item]:
    rows = server.bindings
    if rows is None:
        return
    here = [row for row in rows if row.port == port]
    for row in here:
        yield from _binding(server, row, port)
    for row in rows:
        if row.port != port and _ours(row) and not row.rehearsal:
            yield item("binding_other_port", f"{row.endpoint} has a certificate; {server.name} serves port {port}", server.name)
    if server.scheme == "https" and not here:
        yield item("binding_missing", f"{server.name} is on HTTPS and port {port} has no certificate", server.name)


def _binding(server: ServerView, row: BindingFacts, port: int) -> Iterator[Item]:
    to = "the Central Certificate Store" if row.central else row.certhash or "an unreadable thumbprint"
    whose = f"{row.endpoint} is bound to {to} by {row.appid or 'an unknown program'}"
    if row.endpoint != f"0.0.0.0:{port}":
        yield item("specific_binding", f"{whose} and takes precedence over 0.0.0.0:{port}", server.name)
    elif not _ours(row):
        yield item("foreign_binding", whose, server.name)
    if row.certhash is None and not row.central:
        yield item("binding_unreadable", f"the thumbprint bound to {row.endpoint} is not 40 hex digits", server.name)


def _ours(row: BindingFacts) -> bool:
    return (row.appid or "").lower() == APPID


def _reservations(server: ServerView, port: int) -> Iterator[Item]:
    if server.reservations is None:
        return
    here = [row for row in server.reservations if row.port == port]
    for row in here:
        if server.scheme and row.scheme != server.scheme:
            message = f"{row.url} is reserved while {server.name} is on {server.scheme.upper()}"
            yield item("other_scheme_reservation", message, server.name)
        if row.sddl is None:
            yield item("reservation_unreadable", f"the access list of {row.url} is not readable", server.name)
        elif row.refused:
            message = f"{row.url} is on the port and could not be moved and brought back: {row.refused}"
            yield item("reservation_refused", message, server.name)
    same = [row for row in here if row.scheme == server.scheme]
    for row in same[1:]:
        yield item("other_reservation", f"{row.url} is reserved beside {same[0].url}", server.name)
    if not here:
        message = f"port {port} has no reservation: the service's account needs none, or reserving it failed once"
        yield item("no_reservation", message, server.name)


def _iplisten(view: SiteView, server: ServerView) -> Iterator[Item]:
    listed = server.iplisten
    if not listed or _EVERY_ADDRESS & set(listed):
        return
    only = f"http.sys on {server.name} listens on {', '.join(listed[:8])} only"
    used = {check.address for check in view.checks().values() if check.address}
    if missing := sorted(used - set(listed)):
        yield item("iplisten_narrow", f"{only}, the terminals reach it at {', '.join(missing[:8])}", server.name)
    elif not used and all(_is_loopback(address) for address in listed):
        yield item("iplisten_narrow", f"{only}: terminals on other machines cannot reach it", server.name)
    else:
        yield item("iplisten_set", only, server.name)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
