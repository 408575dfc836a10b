"""Keys and signatures: strong enough, and of a kind that Windows can use for TLS."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import PublicKeyAlgorithmOID

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.tolerant.library import Refused, ask

RSA_BITS = 2048
# Neither OpenSSL nor Windows verifies with a larger one.
MOST_RSA_BITS = 16_384
CURVE_BITS = 256
# Windows has refused RSA below this since 2012 even for roots (Microsoft KB2661254); from here on it takes a root.
ANCHOR_RSA_BITS = 1024
# RFC 8422 5.1.1; Schannel offers no other curves by default.
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_WEAK_HASHES = ("md5", "sha1")


def check_key(cert: Cert) -> list[CertificateFinding]:
    """Findings about the public key of a certificate below the anchor."""
    key = cert.key
    if isinstance(key, rsa.RSAPublicKey) and cert.raw.public_key_algorithm_oid != PublicKeyAlgorithmOID.RSASSA_PSS:
        if key.key_size < RSA_BITS:
            return [
                CertificateFinding(Code.WEAK_KEY, f"its RSA key has {key.key_size} bits; {RSA_BITS} is the minimum", cert.label)
            ]
        if key.key_size > MOST_RSA_BITS:
            return [
                CertificateFinding(
                    Code.KEY_TYPE, f"its RSA key has {key.key_size} bits; {MOST_RSA_BITS} is the maximum", cert.label
                )
            ]
        return []
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < CURVE_BITS:
            return [
                CertificateFinding(Code.WEAK_KEY, f"its curve {key.curve.name} is too small; P-256 is the minimum", cert.label)
            ]
        if isinstance(key.curve, CURVES):
            return []
        return [CertificateFinding(Code.KEY_TYPE, f"Windows does not use its curve {key.curve.name} for TLS", cert.label)]
    kind = type(key).__name__.removesuffix("PublicKey") if key else "an unknown kind or unnamed parameters"
    return [CertificateFinding(Code.KEY_TYPE, f"Windows cannot use its key for TLS: {kind}", cert.label)]


def check_anchor_key(anchor: Cert) -> list[CertificateFinding]:
    """Findings about the key of a root that terminals already have. Its strength is not judged: weak_key is about keys
    below the root. A key that Windows cannot verify with at all is an error here too."""
    key = anchor.key
    if is_weak_anchor(anchor) and isinstance(key, rsa.RSAPublicKey):
        message = f"the root's RSA key has {key.key_size} bits; terminals take it as a root, other software does not"
        return [CertificateFinding(Code.PROFILE_GAP, message, anchor.label)]
    return [
        CertificateFinding(Code.KEY_TYPE, f"as a root: {finding.message}", finding.cert)
        for finding in check_key(anchor)
        if finding.code in (Code.KEY_TYPE, Code.WEAK_KEY)
    ]


def is_weak_anchor(anchor: Cert) -> bool:
    """Whether Windows accepts this root's key and the library refuses it."""
    key = anchor.key
    return isinstance(key, rsa.RSAPublicKey) and ANCHOR_RSA_BITS <= key.key_size < RSA_BITS


def check_signature_hash(cert: Cert) -> list[CertificateFinding]:
    """Findings about the algorithm of a certificate's signature. Not for roots: their own signature is not verified."""
    try:
        algorithm = ask(lambda: cert.raw.signature_hash_algorithm)
    except Refused:
        return [
            CertificateFinding(Code.WEAK_SIGNATURE, f"its signature has an unknown algorithm: {_oid(cert.raw)}", cert.label)
        ]
    if algorithm is not None and algorithm.name in _WEAK_HASHES:
        return [CertificateFinding(Code.WEAK_SIGNATURE, f"it is signed with {algorithm.name.upper()}", cert.label)]
    return []


def _oid(raw: x509.Certificate) -> str:
    return raw.signature_algorithm_oid.dotted_string
