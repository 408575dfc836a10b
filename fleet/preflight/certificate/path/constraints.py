"""Name constraints: the names for which a CA may issue. RFC 5280 4.2.1.10. Stars are read defensively: a permitted subtree
must contain everything that a star can stand for, an excluded subtree nothing of it (CVE-2025-61727)."""

import ipaddress
from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import NameOID

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.path.paths import Route

# Names times subtrees of one path. Real ones have tens; thousands of both are an attack on our processor time.
MOST_COMPARISONS = 50_000


class _CannotJudge(Exception):
    """A constraint or a name that cannot be compared; the text says why."""


def check_constraints(route: Route) -> list[CertificateFinding]:
    """Findings about the names in a path under the constraints of the CAs above them."""
    found = []
    left = MOST_COMPARISONS
    for place, cert in enumerate(route.certs[1:], 1):
        limits = cert.value(x509.NameConstraints)
        if limits is None:
            continue
        permitted, excluded = limits.permitted_subtrees or [], limits.excluded_subtrees or []
        if not permitted and not excluded:
            found.append(CertificateFinding(Code.NAME_CONSTRAINTS, "it limits names, and lists none", cert.label))
        kinds = {type(subtree) for subtree in [*permitted, *excluded]}
        if not all(below.subject_is_readable for below in _below(route, place)):
            found.append(
                CertificateFinding(Code.NAME_CONSTRAINTS, "it limits names, and a name below it cannot be read", cert.label)
            )
            continue
        names = [(below, name) for below in _below(route, place) for name in _names(below, kinds)]
        left -= len(names) * (len(permitted) + len(excluded))
        if left < 0:
            return [
                *found,
                CertificateFinding(Code.NAME_CONSTRAINTS, "too many names under too many limits to compare", cert.label),
            ]
        found += _apply(cert, permitted, excluded, names)
    return found


def _apply(
    cert: Cert, permitted: list[x509.GeneralName], excluded: list[x509.GeneralName], names: list[tuple[Cert, x509.GeneralName]]
) -> list[CertificateFinding]:
    for below, name in names:
        try:
            same = [subtree for subtree in permitted if type(subtree) is type(name)]
            # All are checked, so that one that fits never hides one that cannot be judged.
            held = [_holds(subtree, name, whole=True) for subtree in same]
            if same and True not in held:
                return [CertificateFinding(Code.NAME_CONSTRAINTS, f"its CA may not issue for {_shown(name)}", below.label)]
            if any(_holds(subtree, name, whole=False) for subtree in excluded if type(subtree) is type(name)):
                return [
                    CertificateFinding(Code.NAME_CONSTRAINTS, f"its CA is forbidden to issue for {_shown(name)}", below.label)
                ]
        except _CannotJudge as error:
            return [CertificateFinding(Code.NAME_CONSTRAINTS, str(error), cert.label)]
    return []


def _below(route: Route, place: int) -> Iterator[Cert]:
    """The certificates to which a CA's limits apply. Self-issued CAs are exempt; the server's own certificate never is."""
    yield route.certs[0]
    yield from (cert for cert in route.certs[1:place] if not cert.self_issued)


def _names(cert: Cert, kinds: set[type[x509.GeneralName]]) -> list[x509.GeneralName]:
    """The certificate's names of these kinds. RFC 5280 4.2.1.10: the subject counts as a directory name, and its
    mail address as one when there is no other."""
    held = [name for name in cert.value(x509.SubjectAlternativeName) or () if type(name) in kinds]
    if x509.DirectoryName in kinds and cert.has_subject:
        held.append(x509.DirectoryName(cert.subject))
    if x509.RFC822Name in kinds and not any(isinstance(name, x509.RFC822Name) for name in held):
        mails = [str(mail.value) for mail in cert.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
        held += [x509.RFC822Name(mail) for mail in mails if mail.isascii()]
    return held


def _holds(subtree: x509.GeneralName, name: x509.GeneralName, *, whole: bool) -> bool:
    if isinstance(subtree, x509.DNSName) and isinstance(name, x509.DNSName):
        return _dns(subtree.value.lower(), name.value.lower(), whole)
    if isinstance(subtree, x509.IPAddress) and isinstance(name, x509.IPAddress):
        return _ip(subtree, name)
    if isinstance(subtree, x509.DirectoryName) and isinstance(name, x509.DirectoryName):
        return _directory(subtree.value, name.value)
    if isinstance(subtree, x509.RFC822Name) and isinstance(name, x509.RFC822Name):
        return _mail(subtree.value.lower(), name.value.lower())
    raise _CannotJudge(f"it limits names of a kind that cannot be compared: {_shown(subtree)}")


def _dns(limit: str, name: str, whole: bool) -> bool:
    if limit.startswith(".") or "*" in limit:
        raise _CannotJudge(f'its limit "{limit}" is not a domain name')
    star = name.startswith("*.")
    base = name[2:] if star else name
    if "*" in base or not base or ".." in base or base.startswith("."):
        raise _CannotJudge(f'the name "{name}" cannot be compared with its CA\'s limits')
    if _within(base, limit):
        return True
    # "*.example.com" can stand for "bar.example.com", one label more, which an excluded subtree may hold.
    return star and not whole and limit.partition(".")[2] == base


def _within(name: str, limit: str) -> bool:
    return not limit or name == limit or name.endswith("." + limit)


def _ip(limit: x509.IPAddress, name: x509.IPAddress) -> bool:
    network = limit.value
    if not isinstance(network, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        raise _CannotJudge(f"its limit {network} is not a network")
    if isinstance(name.value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        raise _CannotJudge(f"the address {name.value} is not a single address")
    return name.value in network


def _directory(limit: x509.Name, name: x509.Name) -> bool:
    """RFC 5280 7.1: the limit's parts begin the name; letters' case and repeated blanks do not count."""
    ours, theirs = [_folded(part) for part in limit.rdns], [_folded(part) for part in name.rdns]
    return theirs[: len(ours)] == ours


def _folded(part: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    return frozenset((entry.oid.dotted_string, " ".join(str(entry.value).casefold().split())) for entry in part)


def _mail(limit: str, name: str) -> bool:
    _, at, host = name.partition("@")
    if not at or "@" in host or limit.count("@") > 1:
        raise _CannotJudge("a mail address in it cannot be compared with its CA's limits")
    if "@" in limit:
        return name == limit
    return host.endswith(limit) if limit.startswith(".") else host == limit


def _shown(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return f'the subject "{name.value.rfc4514_string()[:80]}"'
    return f'"{getattr(name, "value", name)}"'[:120]
