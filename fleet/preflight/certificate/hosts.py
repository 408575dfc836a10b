"""The host exactly as it stands in a terminal's settings, and whether a certificate can be checked against it."""

import ipaddress
import re
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 1123 2.1: letters, digits, inner hyphens, 63 a label, 253 the whole.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST = 253


@dataclass(frozen=True, slots=True)
class Host:
    """A terminal's host string."""

    text: str  # as typed
    name: str | None = None  # as it is compared: lower case, without a dot at the end; None for an address
    address: Address | None = None  # for an IP address; None for a name
    fault: str | None = None  # why it cannot be checked; name and address are then None


def parse_host(text: str) -> Host:
    """A terminal's host string, recognised as a name or an address. Raises nothing."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if (address := _address(bare)) is not None:
        return Host(text, address=address)
    return parse_name(text)


def parse_name(text: str) -> Host:
    """The same for a string that is meant as a name."""
    name = text.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return Host(text, fault="it contains letters that a host name cannot have")
    fault = _fault(name)
    return Host(text, fault=fault) if fault else Host(text, name=name)


def parse_address(text: str) -> Host:
    """The same for a string that is meant as an IP address."""
    address = _address(text)
    return Host(text, fault="it is not an IP address") if address is None else Host(text, address=address)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # An address with a zone ("fe80::1%4") is valid on one machine only; a certificate cannot contain it.
    return None if "%" in text else found


def _fault(name: str) -> str | None:
    labels = name.split(".")
    if not name:
        return "it is empty"
    if name != name.strip() or any(letter.isspace() for letter in name):
        return "it contains a blank"
    if "://" in name or "/" in name:
        return "it is the address of a web page; only the host belongs there"
    if ":" in name:
        return "it contains a colon; the port has its own field"
    if "_" in name:
        return "it contains an underscore, which host names may not have; many programs refuse to compare it"
    if "*" in name:
        return "it contains a star, which only certificates may have"
    if len(name) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        return "it is not a host name: letters, digits and inner hyphens, labels of 1 to 63 characters"
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        return "it looks like an IP address and is not one"
    return None
