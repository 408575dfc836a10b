"""How a PFX is locked: keys from passwords, and the ciphers. RFC 7292 appendix B and C, RFC 8018 6.2."""

import hashlib

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from fleet.preflight.certificate.files import rc2
from fleet.preflight.certificate.tolerant.asn1 import INTEGER, SEQUENCE, Element, Malformed, children, octets

_PBES1 = bytes.fromhex("2a864886f70d010c01")  # 1.2.840.113549.1.12.1; the last number says which.
# By that number: the cipher, and how many bytes its key has.
_OLD_CIPHERS = {3: ("3des", 24), 4: ("3des", 16), 5: ("rc2", 16), 6: ("rc2", 5)}
_PBES2, _PBKDF2 = bytes.fromhex("2a864886f70d01050d"), bytes.fromhex("2a864886f70d01050c")
_CIPHERS = {
    bytes.fromhex("2a864886f70d0307"): ("3des", 24),
    bytes.fromhex("608648016503040102"): ("aes", 16),
    bytes.fromhex("608648016503040116"): ("aes", 24),
    bytes.fromhex("60864801650304012a"): ("aes", 32),
}
_HMACS = {7: "sha1", 8: "sha224", 9: "sha256", 10: "sha384", 11: "sha512"}
_HMAC = bytes.fromhex("2a864886f70d02")  # 1.2.840.113549.2
_KEY, _START = 1, 2  # RFC 7292 B.3.
_END = b"\x00\x00"


class WrongPassword(ValueError):
    """The password does not open it, or none was given."""


def passwords(given: bytes | None) -> list[bytes]:
    """The password in the forms of RFC 7292 B.1. There are two forms for no password; programs differ."""
    if not given:
        return [_END, b""]
    try:
        text = given.decode()
    except UnicodeDecodeError:
        text = given.decode("latin-1")
    return [text.encode("utf-16-be") + _END]


def derive(name: str, purpose: int, password: bytes, salt: bytes, rounds: int, size: int) -> bytes:
    """RFC 7292 B.2: `size` bytes from a password."""
    block = hashlib.new(name).block_size
    filled = bytearray(_repeated(salt, block) + _repeated(password, block))
    made = b""
    while len(made) < size:
        digest = hashlib.new(name, bytes([purpose]) * block + filled).digest()
        for _ in range(rounds - 1):
            digest = hashlib.new(name, digest).digest()
        made += digest
        _add(filled, int.from_bytes(_repeated(digest, block)) + 1, block)
    return made[:size]


def _repeated(data: bytes, block: int) -> bytes:
    """The data repeated up to the next whole block."""
    size = -(-len(data) // block) * block
    return (data * (size // len(data) + 1))[:size] if data else b""


def _add(filled: bytearray, number: int, block: int) -> None:
    for place in range(0, len(filled), block):
        total = int.from_bytes(filled[place : place + block]) + number
        filled[place : place + block] = (total % (1 << 8 * block)).to_bytes(block)


def unlock(algorithm: Element, locked: bytes, password: bytes) -> bytes:
    """The plain bytes. password: in a form that passwords() gives. Raises WrongPassword, and Malformed for an unknown
    scheme."""
    kind, parameters = children(algorithm.content, ber=True)
    if kind.content == _PBES2:
        plain = _unlock_pbes2(parameters, locked, password)
    elif kind.content[:-1] == _PBES1 and kind.content[-1] in _OLD_CIPHERS:
        cipher, size = _OLD_CIPHERS[kind.content[-1]]
        salt, rounds = children(parameters.content, ber=True)
        count = int.from_bytes(rounds.content)
        key = derive("sha1", _KEY, password, octets(salt), count, size)
        plain = _decrypt(cipher, key, derive("sha1", _START, password, octets(salt), count, 8), locked)
    else:
        raise Malformed("it is locked by an unknown scheme")
    return _without_padding(plain, 16 if kind.content == _PBES2 else 8)


def _unlock_pbes2(parameters: Element, locked: bytes, password: bytes) -> bytes:
    derivation, scheme = children(parameters.content, ber=True)
    kind, how = children(derivation.content, ber=True)
    cipher, start = children(scheme.content, ber=True)
    if kind.content != _PBKDF2 or cipher.content not in _CIPHERS:
        raise Malformed("it is locked by an unknown scheme")
    salt, rounds, *rest = children(how.content, ber=True)
    name = next((_hmac_name(part) for part in rest if part.tag == SEQUENCE), "sha1")
    name_of_cipher, size = _CIPHERS[cipher.content]
    if rounds.tag != INTEGER:
        raise Malformed("it is locked by an unknown scheme")
    secret = password.removesuffix(_END).decode("utf-16-be").encode()
    key = hashlib.pbkdf2_hmac(name, secret, octets(salt), max(int.from_bytes(rounds.content), 1), size)
    return _decrypt(name_of_cipher, key, octets(start), locked)


def _hmac_name(algorithm: Element) -> str:
    kind = children(algorithm.content, ber=True)[0].content
    if kind[:-1] != _HMAC or kind[-1] not in _HMACS:
        raise Malformed("it is locked by an unknown scheme")
    return _HMACS[kind[-1]]


def _decrypt(cipher: str, key: bytes, start: bytes, locked: bytes) -> bytes:
    if not locked or len(locked) % len(start):
        raise Malformed("the locked data does not consist of whole blocks")
    if cipher == "rc2":
        return rc2.decrypt(locked, key, start)
    algorithm = AES(key) if cipher == "aes" else TripleDES(key if len(key) == 24 else key + key[:8])
    opened = Cipher(algorithm, CBC(start)).decryptor()
    return opened.update(locked) + opened.finalize()


def _without_padding(plain: bytes, largest: int) -> bytes:
    size = plain[-1]
    if not 1 <= size <= largest or plain[-size:] != bytes([size]) * size:
        raise WrongPassword
    return plain[:-size]
