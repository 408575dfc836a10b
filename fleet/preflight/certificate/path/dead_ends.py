"""Why no path leads to a root that terminals have, by the most specific code."""

from collections.abc import Sequence

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.path.paths import MOST_SIGNATURES, DeadEnd, End, Search


def explain(search: Search, given: Sequence[Cert]) -> list[CertificateFinding]:
    """Findings about a search that found no path. given: the server's certificates, to tell what was sent."""
    leaf = search.leaf
    ends = search.dead_ends
    if any(end.why is End.GAVE_UP for end in ends):
        # The search was cut short, so what it found until then proves nothing.
        message = (
            f"the search for a path to a root was stopped after {MOST_SIGNATURES} signatures: many CAs have the same names"
        )
        return [CertificateFinding(Code.CHECK_TIMEOUT, message, leaf.label)]
    found = [_bad_signature(end) for end in ends if end.why is End.BAD_SIGNATURE]
    if any(end.why is End.TOO_LONG for end in ends):
        found.append(
            CertificateFinding(Code.PATH_LENGTH, f"there are more than {search.most_intermediates} CAs in between", leaf.label)
        )
    stops = [end for end in ends if end.why in (End.NO_ISSUER, End.SELF_SIGNED, End.OTHER_KEY)]
    if stops:
        found += _stop(max(stops, key=lambda end: len(end.certs)), search)
    if not any(finding.is_error for finding in found):
        found.append(CertificateFinding(Code.UNTRUSTED_ROOT, "no path leads to a root that terminals have", leaf.label))
    return found


def _stop(end: DeadEnd, search: Search) -> list[CertificateFinding]:
    last = end.certs[-1]
    if end.why is End.SELF_SIGNED and last == search.leaf:
        message = "it is self-signed, and terminals do not have it among their roots"
        return [CertificateFinding(Code.SELF_SIGNED_UNTRUSTED, message, last.label)]
    if end.why is End.SELF_SIGNED:
        return [CertificateFinding(Code.UNTRUSTED_ROOT, "terminals do not have this root", last.label)]
    issuer = last.issuer.rfc4514_string()[:120] or "a CA without a name"
    if end.why is End.OTHER_KEY:
        return _renewed(last, issuer)
    # A missing intermediate and a missing root look the same from here: both are named.
    return [
        CertificateFinding(
            Code.MISSING_INTERMEDIATE, f'its issuer "{issuer}" is neither in the chain nor among the roots', last.label
        ),
        CertificateFinding(
            Code.UNTRUSTED_ROOT, f'terminals have {len(search.anchors)} roots, and none is above "{issuer}"', last.label
        ),
    ]


def _renewed(last: Cert, issuer: str) -> list[CertificateFinding]:
    message = f'"{issuer}" is there with another key than the one that signed it: the CA was renewed with a new key'
    return [
        CertificateFinding(
            Code.MISSING_INTERMEDIATE, f"{message}, and its renewed certificate is not in the chain", last.label
        ),
        CertificateFinding(Code.UNTRUSTED_ROOT, f"{message}, and its renewed root is not among terminals' roots", last.label),
    ]


def _bad_signature(end: DeadEnd) -> CertificateFinding:
    issuer = end.issuer or end.certs[-1]
    message = f"its signature is not that of {issuer.label}, although the name is"
    return CertificateFinding(Code.BAD_SIGNATURE, message, end.certs[-1].label)
