"""PKCS #7 (P7B): the certificates in it, in no order. RFC 2315 9.1. Programs write it as DER and as BER."""

from fleet.preflight.certificate.tolerant.asn1 import OID, SEQUENCE, Element, Malformed, children, context, first

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2


def certificates(data: bytes) -> list[bytes] | None:
    """The DER of every certificate; None when the file is not PKCS #7. Raises Malformed when it is PKCS #7 and damaged."""
    try:
        kind, *rest = children(_only_sequence(data).content, ber=True)
    except ValueError:
        return None
    if kind.tag != OID or kind.content != _SIGNED_DATA:
        return None
    if len(rest) != 1 or rest[0].tag != context(0):
        raise Malformed("a PKCS #7 without its content")
    found = [part for part in children(first(rest[0].content, ber=True).content, ber=True) if part.tag == context(0)]
    # RFC 5652 10.2.2 knows other kinds beside certificates, each with its own tag.
    return [one.whole for part in found for one in children(part.content, ber=True) if one.tag == SEQUENCE]


def _only_sequence(data: bytes) -> Element:
    element = first(data, ber=True)
    if element.tag != SEQUENCE:
        raise Malformed("no sequence")
    return element
