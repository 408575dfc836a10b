"""The exact bytes of a certificate's names, without parsing them: names are compared far more often than shown."""

_CONTEXT_0 = 0xA0  # [0], the version; absent in version 1. RFC 5280 4.1.


def names(tbs: bytes) -> tuple[bytes, bytes]:
    """Issuer and subject of a TBSCertificate, as their DER bytes. A parser must have checked its DER before. RFC 5280 4.1:
    version, serialNumber, signature, issuer, validity, subject."""
    place = _content(tbs, 0)
    if tbs[place] == _CONTEXT_0:
        place = _end(tbs, place)
    issuer = _end(tbs, _end(tbs, place))
    validity = _end(tbs, issuer)
    subject = _end(tbs, validity)
    return tbs[issuer:validity], tbs[subject : _end(tbs, subject)]


def _content(data: bytes, place: int) -> int:
    """Where the content of the element at `place` begins. X.690 8.1.3."""
    first = data[place + 1]
    return place + 2 + (first & 0x7F if first & 0x80 else 0)


def _end(data: bytes, place: int) -> int:
    """Where the element at `place` ends."""
    begin = _content(data, place)
    first = data[place + 1]
    return begin + (int.from_bytes(data[place + 2 : begin]) if first & 0x80 else first)
