"""Other clients of the server's port: peers that are not enrolled terminals."""

import ipaddress
from collections.abc import Iterator

from fleet.device_facts.facts import Peer
from fleet.preflight.site.readiness import Item, item
from fleet.preflight.site.view import SiteView

_SHOWN = 20
# The server itself. A client on any other loopback address counts as another machine, as the lab's terminals do.
_SELF = {"127.0.0.1", "::1"}


def check_network(view: SiteView) -> Iterator[Item]:
    """One item with the unknown peers. Without a rehearsal no terminal's address is known, so no peer can be called
    unknown. A terminal by hand is known by the address that a person has entered."""
    own = {_plain(check.own_address) for check in view.checks().values() if check.own_address}
    if view.server is None or not own:
        return
    own |= {_plain(terminal.address) for terminal in view.terminals if terminal.address}
    unmanaged = [peer for peer in view.server.peers or () if _is_unmanaged(peer, own)]
    if not unmanaged:
        return
    silent = sum(check.own_address is None for check in view.checks().values())
    shown = ", ".join(f"{peer.address} ({peer.connections})" for peer in unmanaged[:_SHOWN])
    more = f" and {len(unmanaged) - _SHOWN} more" if len(unmanaged) > _SHOWN else ""
    maybe = f"; some may be the {silent} terminals whose address is not known" if silent else ""
    yield item("unmanaged_peers", f"connected to port {view.server.port or '?'}: {shown}{more}{maybe}", view.server.name)


def _is_unmanaged(peer: Peer, own: set[str]) -> bool:
    address = _plain(peer.address)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return address not in own | _SELF


def _plain(address: str) -> str:
    """An address in the form in which it is compared: IPv4 inside IPv6 is the same machine."""
    return address.removeprefix("::ffff:").partition("%")[0].lower()
