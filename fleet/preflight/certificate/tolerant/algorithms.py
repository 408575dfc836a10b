"""The algorithm of a signature, with its parameters written as the library expects them."""

from fleet.preflight.certificate.tolerant.asn1 import (
    NULL,
    OID,
    SEQUENCE,
    Element,
    Malformed,
    children,
    context,
    encode,
    first,
    only,
)
from fleet.preflight.certificate.tolerant.tolerances import Tolerance

_NULL = encode(NULL)
_RSA = bytes.fromhex("2a864886f70d0101")  # 1.2.840.113549.1.1; the last number says which.
_PKCS1 = frozenset((4, 5, 11, 12, 13, 14))  # MD5, SHA-1, SHA-256, SHA-384, SHA-512, SHA-224
_PSS = 10
_ECDSA = bytes.fromhex("2a8648ce3d04")  # 1.2.840.10045.4
_HASH, _MASK, _TRAILER = context(0), context(1), context(3)
_ONE = b"\x02\x01\x01"


def mend_algorithm(algorithm: Element, used: set[Tolerance]) -> bytes:
    """An AlgorithmIdentifier. RFC 4055, RFC 5758."""
    kind, *parameters = children(algorithm.content)
    if algorithm.tag != SEQUENCE or kind.tag != OID or len(parameters) > 1:
        raise Malformed("an algorithm is no kind and parameters")
    mended = _parameters(kind.content, parameters[0].whole if parameters else b"", used)
    return encode(SEQUENCE, kind.whole, mended)


def _parameters(kind: bytes, given: bytes, used: set[Tolerance]) -> bytes:
    mended = given
    if kind[:-1] == _RSA and kind[-1] in _PKCS1 and not given:
        mended = _NULL
    elif kind[:-1] == _RSA and kind[-1] == _PSS and given:
        mended = _pss(given, used)
    elif kind.startswith(_ECDSA) and given == _NULL:
        mended = b""
    if mended != given:
        used.add(Tolerance.ALGORITHM_PARAMETERS)
    return mended


def _pss(given: bytes, used: set[Tolerance]) -> bytes:
    """RSASSA-PSS: the hash and the mask's hash with NULL, the trailer's default left out. RFC 4055 3.1."""
    parts = []
    for part in children(only(given, SEQUENCE).content):
        if part.tag == _HASH:
            parts.append(encode(_HASH, _hash(only(part.content, SEQUENCE))))
        elif part.tag == _MASK:
            kind, inner = children(only(part.content, SEQUENCE).content)
            parts.append(encode(_MASK, encode(SEQUENCE, kind.whole, _hash(inner))))
        elif part.tag == _TRAILER and part.content == _ONE:
            used.add(Tolerance.EXPLICIT_DEFAULT)
        else:
            parts.append(part.whole)
    return encode(SEQUENCE, *parts)


def _hash(algorithm: Element) -> bytes:
    kind = first(algorithm.content)
    if algorithm.content[len(kind.whole) :] not in (b"", _NULL):
        raise Malformed("a hash has parameters")
    return encode(SEQUENCE, kind.whole, _NULL)
