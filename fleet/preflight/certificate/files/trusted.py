"""OpenSSL's TRUSTED CERTIFICATE: a certificate with settings behind it (openssl-x509, "trust settings")."""

from fleet.preflight.certificate.tolerant.asn1 import OID, SEQUENCE, children, context, first, only

_SERVER_AUTH = bytes.fromhex("2b06010505070301")  # 1.3.6.1.5.5.7.3.1
_ANY_USE = bytes.fromhex("551d2500")  # 2.5.29.37.0
_REJECTED = context(0)


def split(data: bytes) -> tuple[bytes, bool]:
    """The certificate's DER, and whether the settings exclude it as a root for servers. Raises ValueError."""
    whole = first(data).whole
    settings = data[len(whole) :]
    if not settings:
        return whole, False
    parts = children(only(settings, SEQUENCE).content)
    lists = {part.tag: part for part in parts if part.tag in (SEQUENCE, _REJECTED)}
    uses = {tag: {use.content for use in children(part.content) if use.tag == OID} for tag, part in lists.items()}
    serves = {_SERVER_AUTH, _ANY_USE}
    return whole, bool(uses.get(_REJECTED, set()) & serves) or not uses.get(SEQUENCE, serves) & serves
