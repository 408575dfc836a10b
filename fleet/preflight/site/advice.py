"""Does this site need HTTPS? Advice with its reasons, from what an admin ticks and the addresses that agents saw. The
vendor's rule: HTTPS where the traffic crosses a network that others use; and measure before you decide."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Need = Literal["needed", "advised", "optional"]
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Answers:
    """What only a person knows."""

    same_lan: bool = False  # terminals and server are in one network of the venue
    wifi_apart: bool = False  # guests' Wi-Fi is another network
    vpn: bool = False  # terminals and server are connected by a VPN


@dataclass(frozen=True, slots=True)
class Advice:
    """The advice."""

    need: Need  # needed, advised or optional
    says: str  # one sentence
    reasons: tuple[str, ...]  # each one sentence


@dataclass(frozen=True, slots=True)
class Seen:
    """Addresses sorted by what they mean."""

    public: tuple[str, ...]
    networks: tuple[str, ...]  # those of /24 or /64 that contain the private addresses


def seen(addresses: Iterable[str | None]) -> Seen:
    """Sorts the addresses that agents reported. A text that is not an address is ignored."""
    public, networks = set(), set()
    for text in addresses:
        try:
            address = ipaddress.ip_address((text or "").removeprefix("::ffff:").partition("%")[0])
        except ValueError:
            continue
        if address.is_global:
            public.add(str(address))
        elif not address.is_loopback:
            networks.add(str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False)))
    return Seen(tuple(sorted(public)), tuple(sorted(networks)))


def advise(answers: Answers, addresses: Iterable[str | None]) -> Advice:
    """The advice. addresses: of the terminals, and of the server as the terminals reach it."""
    found = seen(addresses)
    reasons = [*_about(found)]
    if found.public:
        reasons.append("On a public network others can read and change member numbers and balances.")
        return Advice("needed", "HTTPS is needed here.", tuple(reasons))
    if answers.same_lan and not answers.wifi_apart:
        reasons.append("Guests on the same network can read the traffic and can impersonate the server.")
        return Advice("needed", "HTTPS is needed here, or a separate guest Wi-Fi.", tuple(reasons))
    if answers.same_lan:
        reasons.append("Only the venue's own devices are on this network, so HTTPS protects only against them.")
        if len(found.networks) > 1:
            reasons.append("The link between these networks must also belong to the venue. If it does not, HTTPS is needed.")
        return Advice("optional", "The network does not require HTTPS. Consider its cost and decide.", tuple(reasons))
    if answers.vpn:
        reasons.append(
            "The VPN encrypts only the link between its ends. On both sides of it the same rule applies as for a LAN."
        )
        return Advice(
            "advised", "HTTPS is advised: the VPN does not reach the terminals and the server themselves.", tuple(reasons)
        )
    reasons.append("Others use the network between terminals and server, or this cannot be ruled out.")
    return Advice("needed", "HTTPS is needed here.", tuple(reasons))


def _about(found: Seen) -> Iterable[str]:
    if found.public:
        yield f"Agents saw public addresses: {_list(found.public)}."
    if len(found.networks) > 1:
        yield f"Agents saw {len(found.networks)} private networks: {_list(found.networks)}."
    elif found.networks:
        yield f"All addresses that agents saw are in {found.networks[0]}."
    elif not found.public:
        yield "No agent has reported a network address yet: rehearse first."


def _list(items: tuple[str, ...]) -> str:
    return ", ".join(items[:_SHOWN]) + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")
