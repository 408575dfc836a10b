"""Certificate policies. RFC 5280 6.1, for a client that requires none itself. The only question is whether policy
constraints of a CA, which must be critical, leave a policy that the whole path has. Windows refuses a path without one."""

from cryptography import x509
from cryptography.x509.oid import CertificatePoliciesOID

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.path.paths import Route
from fleet.preflight.certificate.tolerant.asn1 import OID, SEQUENCE, Element, Malformed, children, dotted, only

MAPPINGS = x509.ObjectIdentifier("2.5.29.33")
_ANY = CertificatePoliciesOID.ANY_POLICY
_NEVER = 1_000  # Longer than any path.


class _Tree:
    """The policies that still hold, from the anchor down, and the three counters of RFC 5280 6.1.2."""

    def __init__(self) -> None:
        # What the next certificate's policies are compared with.
        self.held: set[x509.ObjectIdentifier] = {_ANY}
        self.explicit = self.mapping = self.any = _NEVER

    def read(self, cert: Cert, *, is_last: bool) -> None:
        """6.1.3 (d) to (f): the policies of one certificate."""
        policies = cert.value(x509.CertificatePolicies)
        named = {policy.policy_identifier for policy in policies or ()}
        took_any = _ANY in named and (self.any > 0 or (not is_last and cert.self_issued))
        named.discard(_ANY)
        kept = named if _ANY in self.held else named & self.held
        self.held = kept | (self.held if took_any else set())

    def go_down(self, cert: Cert) -> None:
        """6.1.4 (a), (b), (h) to (j): what a CA says about those below it."""
        for theirs, ours in mappings(cert).items():
            if theirs in self.held or _ANY in self.held:
                self.held = self.held - {theirs} | (ours if self.mapping > 0 else set())
        if not cert.self_issued:
            self.explicit, self.mapping, self.any = (max(left - 1, 0) for left in (self.explicit, self.mapping, self.any))
        self.limit(cert)

    def end(self, leaf: Cert) -> None:
        """6.1.5 (a) and (b): the server's own certificate."""
        self.explicit = max(self.explicit - 1, 0)
        self.limit(leaf)

    @property
    def is_empty(self) -> bool:
        """Whether a policy is required and none is left."""
        return self.explicit == 0 and not self.held

    def limit(self, cert: Cert) -> None:
        """The counters that this certificate sets."""
        constraints = cert.extension(x509.PolicyConstraints)
        if constraints is not None and constraints.critical:
            self.explicit = min(self.explicit, _number(constraints.value.require_explicit_policy))
            self.mapping = min(self.mapping, _number(constraints.value.inhibit_policy_mapping))
        inhibited = cert.value(x509.InhibitAnyPolicy)
        if inhibited is not None:
            self.any = min(self.any, inhibited.skip_certs)


def check_policies(route: Route) -> list[CertificateFinding]:
    """Findings about the policies of a route."""
    if not any(_asks(cert) for cert in route.certs):
        return []
    tree = _Tree()
    tree.limit(route.anchor)  # The anchor is not a part of the path, so its own policies limit nothing.
    for place in range(len(route.certs) - 2, -1, -1):
        cert = route.certs[place]
        tree.read(cert, is_last=place == 0)
        if tree.is_empty:
            return [_refused(cert)]
        if place:
            tree.go_down(cert)
    tree.end(route.certs[0])
    return [_refused(route.certs[0])] if tree.is_empty else []


def mappings(cert: Cert) -> dict[x509.ObjectIdentifier, set[x509.ObjectIdentifier]]:
    """Policy mappings: what this CA calls each policy of its issuer. Mappings that cannot be read are refused in usage.py
    where they are critical; where they are not, they map nothing."""
    found: dict[x509.ObjectIdentifier, set[x509.ObjectIdentifier]] = {}
    for extension in cert.extensions:
        if extension.oid == MAPPINGS and isinstance(extension.value, x509.UnrecognizedExtension):
            for theirs, ours in read_mappings(extension.value) or []:
                found.setdefault(theirs, set()).add(ours)
    return found


def read_mappings(value: x509.UnrecognizedExtension) -> list[tuple[x509.ObjectIdentifier, x509.ObjectIdentifier]] | None:
    """(the issuer's policy, the subject's) for each mapping; None where they cannot be read."""
    try:
        return [_pair(pair) for pair in children(only(value.value, SEQUENCE).content)]
    except ValueError:
        return None


def _pair(pair: Element) -> tuple[x509.ObjectIdentifier, x509.ObjectIdentifier]:
    theirs, ours = children(pair.content)
    if pair.tag != SEQUENCE or theirs.tag != OID or ours.tag != OID:
        raise Malformed("a mapping is two policies")
    return x509.ObjectIdentifier(dotted(theirs.content)), x509.ObjectIdentifier(dotted(ours.content))


def _asks(cert: Cert) -> bool:
    constraints = cert.extension(x509.PolicyConstraints)
    return constraints is not None and constraints.critical and constraints.value.require_explicit_policy is not None


def _refused(cert: Cert) -> CertificateFinding:
    message = "a CA above it requires a policy of all certificates below it (policy constraints), and it has none of those"
    return CertificateFinding(Code.UNKNOWN_CRITICAL_EXTENSION, message, cert.label)


def _number(given: int | None) -> int:
    return _NEVER if given is None else given
