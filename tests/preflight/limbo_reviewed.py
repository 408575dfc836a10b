"""Cases of x509-limbo in which profile `terminals` answers otherwise than their authors, each with the reason.
Reviewed by hand; a case that is not here fails the test. Some of these are not in the part of the suite that lies in
the research folder; they were judged from their published description and are measured wherever TILLWAY_LIMBO has them."""

_NO_CRL = "revocation lists are not part of the request, and .NET clients do not fetch them by default (docs/windows.md)"
_CABF_CN = (
    "CA/Browser Forum BR 7.1.4.3 on common names; no terminal compares them when there are alternative names: cn_not_in_san"
)
_EKU = "CA/Browser Forum BR 7.1.2.7.10 on extended key usage; terminals accept it: a warning, or none where it is only unusual"
_GAP = "ordinary private PKI that terminals accept (docs/preflight.md): warning profile_gap"
_SUFFIX = "public suffixes are a registry's business, no till's: warning public_suffix_wildcard"
_SERIAL = "pedantic by its own mark; RFC 5280 4.1.2.2: users SHOULD handle negative and zero gracefully: profile_gap"
_ROOT_KEY = "weak_key is about keys below the root; terminals have this root already"

# Expected FAILURE, answered suitable: by the whole id, or by the beginning of it that ends with "::".
FALSE_ACCEPTS = {
    "crl::": _NO_CRL,
    "webpki::crl::": _NO_CRL,
    "rfc5280::crl::": _NO_CRL,
    "webpki::cn::": _CABF_CN,
    "rfc5280::aki::leaf-missing-aki": _GAP,
    "rfc5280::aki::intermediate-missing-aki": _GAP,
    "rfc5280::aki::cross-signed-root-missing-aki": "pedantic by its own mark; " + _GAP,
    "rfc5280::ski::root-missing-ski": _GAP,
    "rfc5280::ski::intermediate-missing-ski": _GAP,
    "rfc5280::root-non-critical-basic-constraints": _GAP,
    "rfc5280::nc::permitted-dns-match-noncritical": "webpki::nc of the same name says SUCCESS; BR 7.1.2.5.2 allows it",
    "rfc5280::pc::ica-noncritical-pc": "policy constraints not marked critical: nothing on a till asks for policies",
    "webpki::aki::root-with-aki-missing-keyidentifier": _GAP,
    "webpki::aki::root-with-aki-all-fields": _GAP,
    "webpki::aki::root-with-aki-ski-mismatch": "what a root says of its issuer's key decides nothing: anchor_not_self_signed",
    "webpki::eku::ee-anyeku": _EKU,
    "webpki::eku::ee-critical-eku": _EKU,
    "webpki::eku::ee-without-eku": _EKU,
    "webpki::eku::root-has-eku": _EKU,
    "webpki::eku::ee-precertificate-with-serverauth": _EKU,
    "webpki::eku::ee-codesigning-with-serverauth": _EKU,
    "webpki::eku::ee-emailprotection-with-serverauth": _EKU,
    "webpki::eku::ee-timestamping-with-serverauth": _EKU,
    "webpki::eku::ee-ocspsigning-with-serverauth": _EKU,
    "webpki::san::san-critical-with-nonempty-subject": (
        "CA/Browser Forum BR 7.1.2.7.12; RFC 5280 4.2.1.6 only advises, and `dotnet dev-certs` makes them so: profile_gap"
    ),
    "rfc5280::serial::negative": _SERIAL,
    "rfc5280::serial::zero": _SERIAL,
    "webpki::san::public-suffix-wildcard-san": _SUFFIX,
    "webpki::san::public-suffix-multi-label-wildcard-san": _SUFFIX,
    "webpki::forbidden-weak-rsa-key-in-root": _ROOT_KEY,
    "webpki::forbidden-rsa-not-divisible-by-8-in-root": _ROOT_KEY,
}

# Expected SUCCESS, refused.
FALSE_REJECTS = {
    "rfc5280::ca-as-leaf": "docs/preflight.md: a CA certificate as the server's own is an error",
    "pathlen::self-issued-certs-pathlen": "the library counts a CA's change of keys; its word on a path stands",
    "pathlen::validation-ignores-pathlen-in-leaf": "the same: its leaf is a CA certificate",
}

# In these groups a wrong acceptance fails the test even if it was reviewed.
NEVER = ("bettertls::", "cve::", "invalid::", "pathological::", "rfc5280::validity::")
WEAK_LEAVES = ("webpki::forbidden-p192-leaf", "webpki::forbidden-dsa-leaf", "webpki::forbidden-weak-rsa-in-leaf")


def reason(reviewed: dict[str, str], case: str) -> str | None:
    """Why this case is answered otherwise, or None when nobody reviewed it."""
    return reviewed.get(case) or next(
        (why for key, why in reviewed.items() if key.endswith("::") and case.startswith(key)), None
    )
