"""PFX (PKCS #12, RFC 7292), second pass: the bags of a store with a certificate that the library refuses. The library gives
the same answer for that as for a wrong password; this reader distinguishes the two."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field

from fleet.preflight.certificate.files.pfx_locks import WrongPassword, derive, passwords, unlock
from fleet.preflight.certificate.tolerant.asn1 import (
    INTEGER,
    OID,
    SEQUENCE,
    Element,
    Malformed,
    children,
    context,
    first,
    octets,
)

_DATA, _ENCRYPTED = bytes.fromhex("2a864886f70d010701"), bytes.fromhex("2a864886f70d010706")
_BAGS = bytes.fromhex("2a864886f70d010c0a01")  # 1.2.840.113549.1.12.10.1; the last number says which.
_KEY, _LOCKED_KEY, _CERTIFICATE, _NESTED = (_BAGS + bytes([number]) for number in (1, 2, 3, 6))
_X509 = bytes.fromhex("2a864886f70d01091601")  # 1.2.840.113549.1.9.22.1
# Windows before 10 1709 and Windows Server up to 2016 cannot open PBES2, which OpenSSL 3 writes with AES-256.
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_HASHES = {
    bytes.fromhex("2b0e03021a"): "sha1",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_DEEPEST = 8
_MAC_KEY = 3  # RFC 7292 B.3: what the derived bytes are for.


@dataclass(slots=True)
class Store:
    """What is in a PFX, as DER."""

    password: bytes  # in the form with which the file was locked
    certificates: list[bytes] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)  # PrivateKeyInfo, unlocked


def is_pfx(data: bytes) -> bool:
    """RFC 7292 4: a SEQUENCE that begins with the INTEGER 3."""
    try:
        whole = first(data, ber=True)
        return whole.tag == SEQUENCE and first(whole.content, ber=True).whole == b"\x02\x01\x03"
    except ValueError:
        return data[:1] == b"\x30" and b"\x02\x01\x03" in data[1:12]


def is_locked_as_of_late(data: bytes) -> bool:
    """Whether only Windows of 2017 or later can open it."""
    return _PBES2 in data


def open_store(data: bytes, password: bytes | None) -> Store:
    """The bags. Raises WrongPassword, and ValueError for a file that is damaged or locked by an unknown scheme."""
    _, safe, *mac = children(first(data, ber=True).content, ber=True)
    content = _content(safe, _DATA)
    sealed = [form for form in passwords(password) if not mac or _is_sealed_by(content, mac[0], form)]
    for form in sealed:
        try:
            return _store(content, form)
        except WrongPassword:
            continue  # There are two ways to write "no password"; try the other.
    raise WrongPassword


def _store(content: bytes, password: bytes) -> Store:
    store = Store(password)
    for part in children(first(content, ber=True).content, ber=True):
        _collect(_opened(part, password), store, _DEEPEST)
    return store


def _content(info: Element, kind: bytes) -> bytes:
    """The bytes in a ContentInfo that must be of this kind."""
    found, held = children(info.content, ber=True)
    if found.content != kind or held.tag != context(0):
        raise Malformed("a part of the PFX has an unknown kind")
    return octets(first(held.content, ber=True))


def _is_sealed_by(content: bytes, mac: Element, password: bytes) -> bool:
    digest, salt, *rounds = children(mac.content, ber=True)
    algorithm, seal = children(digest.content, ber=True)
    name = _HASHES.get(first(algorithm.content, ber=True).content)
    if name is None:
        raise Malformed("the PFX is sealed by an unknown scheme")
    count = int.from_bytes(rounds[0].content) if rounds and rounds[0].tag == INTEGER else 1
    key = derive(name, _MAC_KEY, password, octets(salt), count, hashlib.new(name).digest_size)
    return hmac.compare_digest(hmac.digest(key, content, name), octets(seal))


def _opened(info: Element, password: bytes) -> bytes:
    """The SafeContents of one part."""
    kind, held = children(info.content, ber=True)
    if kind.content == _DATA:
        return octets(first(held.content, ber=True))
    if kind.content != _ENCRYPTED:
        raise Malformed("a part of the PFX is locked by a certificate")
    _, encrypted = children(first(held.content, ber=True).content, ber=True)
    _, algorithm, locked = children(encrypted.content, ber=True)
    return unlock(algorithm, octets(locked), password)


def _collect(contents: bytes, store: Store, depth: int) -> None:
    if depth == 0:
        raise Malformed("too many nested bags")
    for bag in children(first(contents, ber=True).content, ber=True):
        kind, held, *_ = children(bag.content, ber=True)
        if kind.tag != OID:
            raise Malformed("a bag without a kind")
        value = first(held.content, ber=True)
        if kind.content == _CERTIFICATE:
            store.certificates += _certificate(value)
        elif kind.content == _KEY:
            store.keys.append(value.whole)
        elif kind.content == _LOCKED_KEY:
            algorithm, locked = children(value.content, ber=True)
            store.keys.append(unlock(algorithm, octets(locked), store.password))
        elif kind.content == _NESTED:
            _collect(value.whole, store, depth - 1)


def _certificate(bag: Element) -> Iterator[bytes]:
    kind, held = children(bag.content, ber=True)
    if kind.content == _X509:
        yield octets(first(held.content, ber=True))
