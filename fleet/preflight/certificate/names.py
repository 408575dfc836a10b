"""Is the terminal's host in the certificate? RFC 9525 section 6: only the alternative names count."""

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.hosts import Host

# Second labels under which country registries sell names. A complete public suffix list would become outdated in a product
# that is installed once; this warning needs only the usual labels.
_REGISTRY = re.compile(
    "ac|asn|com?|edu|geek|gen|gob?|govt?|gv|health|id|iwi|kiwi|ltd|maori|me|mil|net?|nhs|nom|org?|plc|police|sch|school"
)


def check_names(leaf: Cert, hosts: tuple[Host, ...]) -> list[CertificateFinding]:
    """Findings about the names of the server's own certificate, for each host string."""
    names = leaf.value(x509.SubjectAlternativeName)
    if names is None or not list(names):
        return [CertificateFinding(Code.NO_SAN, _no_san(leaf), leaf.label), *_uncheckable(hosts)]
    found = [finding for host in hosts if (finding := _host(leaf, names, host))]
    return found + _common_name(leaf, names) + _criticality(leaf)


def matches(pattern: str, name: str) -> bool:
    """Whether a DNS entry covers a host name. A star stands for exactly one label, the first, and needs a name of
    at least one label after it. RFC 9525 6.3."""
    pattern = pattern.removesuffix(".").lower()
    if pattern.startswith("*."):
        _, dot, rest = name.partition(".")
        return bool(dot) and "*" not in pattern[2:] and pattern[2:] == rest
    return "*" not in pattern and pattern == name


def _host(leaf: Cert, names: x509.SubjectAlternativeName, host: Host) -> CertificateFinding | None:
    if host.fault:
        return CertificateFinding(Code.HOST_NOT_CHECKABLE, f'the host "{host.text}" cannot be checked: {host.fault}')
    entries = names.get_values_for_type(x509.DNSName)
    if host.address is not None:
        return _address(leaf, names, host, entries)
    name = host.name or ""
    covering = [entry for entry in entries if matches(entry, name)]
    if covering:
        return _public_suffix(leaf, covering, name)
    if near := [entry for entry in entries if _almost(entry, name)]:
        return CertificateFinding(Code.WILDCARD_SCOPE, f'"{near[0]}" does not cover "{host.text}"', leaf.label)
    shown = ", ".join(entries[:5]) or "none"
    return CertificateFinding(Code.NAME_MISMATCH, f'"{host.text}" is not among its DNS names: {shown}', leaf.label)


def _address(leaf: Cert, names: x509.SubjectAlternativeName, host: Host, entries: list[str]) -> CertificateFinding | None:
    addresses = names.get_values_for_type(x509.IPAddress)
    if host.address in addresses:
        return None
    if str(host.address) in entries or host.text in entries:
        return CertificateFinding(Code.IP_IN_DNS_SAN, f"it contains the address {host.text} as a DNS name only", leaf.label)
    shown = ", ".join(str(address) for address in addresses[:5]) or "none"
    return CertificateFinding(Code.IP_NOT_IN_SAN, f"the address {host.text} is not among its IP addresses: {shown}", leaf.label)


def _almost(pattern: str, name: str) -> bool:
    """A star that was probably meant to cover this name: too deep, at the top level, or inside a label."""
    if "*" not in pattern:
        return False
    rest = pattern.lower().removesuffix(".").rpartition("*")[2].lstrip(".")
    return name.endswith(rest)  # Also when `rest` is empty: a star alone was meant to cover everything.


def _public_suffix(leaf: Cert, covering: list[str], name: str) -> CertificateFinding | None:
    if any("*" not in entry for entry in covering):
        return None
    labels = name.split(".")[1:]
    if len(labels) == 1 or (len(labels) == 2 and len(labels[1]) == 2 and _REGISTRY.fullmatch(labels[0])):
        return CertificateFinding(
            Code.PUBLIC_SUFFIX_WILDCARD, f'"*.{".".join(labels)}" covers a whole public suffix', leaf.label
        )
    return None


def _common_name(leaf: Cert, names: x509.SubjectAlternativeName) -> list[CertificateFinding]:
    held = set(names.get_values_for_type(x509.DNSName))
    held |= {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    common = [str(entry.value) for entry in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return [
        CertificateFinding(Code.CN_NOT_IN_SAN, f'its common name "{name[:80]}" is not among its alternative names', leaf.label)
        for name in common
        if name not in held
    ]


def _criticality(leaf: Cert) -> list[CertificateFinding]:
    """RFC 5280 4.2.1.6: alternative names MUST be critical when there is no subject, and SHOULD NOT be critical beside one.
    Terminals do not enforce the second rule, and `dotnet dev-certs` breaks it."""
    extension = leaf.extension(x509.SubjectAlternativeName)
    empty = not leaf.has_subject
    if extension is None or extension.critical == empty:
        return []
    if empty:
        return [
            CertificateFinding(Code.MALFORMED_INPUT, "it has no subject, and its names are not marked critical", leaf.label)
        ]
    return [CertificateFinding(Code.PROFILE_GAP, "its alternative names are marked critical beside a subject", leaf.label)]


def _no_san(leaf: Cert) -> str:
    common = [str(entry.value) for entry in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return f'it has no alternative names, only the common name "{common[0][:80]}"' if common else "it has no names at all"


def _uncheckable(hosts: tuple[Host, ...]) -> list[CertificateFinding]:
    return [
        CertificateFinding(Code.HOST_NOT_CHECKABLE, f'the host "{host.text}" cannot be checked: {host.fault}')
        for host in hosts
        if host.fault
    ]
