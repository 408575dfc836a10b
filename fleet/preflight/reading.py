"""Files of certificates and keys, told apart by what is in them and not by their names: PEM with any number of
blocks in any order, DER, PFX."""

import binascii
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from fleet.preflight.certs import Cert, Unreadable, parse, to_der
from fleet.preflight.codes import Code
from fleet.preflight.findings import Finding

_BEGIN, _END = b"-----BEGIN ", b"-----END "
_CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")
# Notepad saves so when asked for "Unicode".
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(slots=True)
class Material:
    """What a file held. own: the certificate that a PFX keeps with its key; is_pfx: whether it is one."""

    certs: list[Cert] = field(default_factory=list)
    keys: list[PrivateKeyTypes] = field(default_factory=list)
    own: Cert | None = None
    is_pfx: bool = False
    findings: list[Finding] = field(default_factory=list)


def read(data: bytes, what: str, password: bytes | None = None) -> Material:
    """The certificates and keys of one file. what: the field and the file, for messages. Never raises for what is
    in the bytes: that is a finding."""
    material = Material()
    text = _narrow(data)
    if not data.strip():
        material.findings.append(Finding(Code.MALFORMED_INPUT, f"{what}: the file is empty"))
    elif _BEGIN in text:
        _read_pem(text, what, password, material)
    else:
        _read_der(data, what, password, material)
    return material


def _narrow(data: bytes) -> bytes:
    encoding = _WIDE.get(data[:2])
    return data[2:].decode(encoding, errors="replace").encode("ascii", errors="replace") if encoding else data


def _read_pem(text: bytes, what: str, password: bytes | None, material: Material) -> None:
    for number, (label, whole, body) in enumerate(_blocks(text), 1):
        place = f"{what}, block {number}"
        if body is None:
            material.findings.append(Finding(Code.MALFORMED_INPUT, f"{place}: it begins and does not end"))
        elif label in _CERTIFICATES:
            _read_block(body, place, material)
        elif label.endswith(b"PRIVATE KEY"):
            _read_key(whole + b"\n", place, password, material, pem=True)


def _blocks(text: bytes) -> Iterator[tuple[bytes, bytes, bytes | None]]:
    """Label, the whole and what is in between, of each PEM block; None in between for one that has no end. RFC 7468."""
    start = text.find(_BEGIN)
    while start >= 0:
        label_end = text.find(b"-----", start + len(_BEGIN))
        label = text[start + len(_BEGIN) : label_end]
        following = text.find(_BEGIN, start + len(_BEGIN))
        close = _END + label + b"-----"
        end = text.find(close, label_end, following if following >= 0 else len(text)) if label_end >= 0 else -1
        if end < 0:
            yield label, b"", None
        else:
            yield label, text[start : end + len(close)], text[label_end + 5 : end]
        start = following


def _read_block(body: bytes, place: str, material: Material) -> None:
    try:
        material.certs.append(parse(binascii.a2b_base64(b"".join(body.split()), strict_mode=True)))
    except (binascii.Error, Unreadable) as error:
        material.findings.append(Finding(Code.MALFORMED_INPUT, f"{place}: no certificate can be read: {error}"))


def _read_key(data: bytes, place: str, password: bytes | None, material: Material, *, pem: bool) -> None:
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    try:
        try:
            material.keys.append(load(data, password))
        except TypeError:
            if password is None:
                material.findings.append(Finding(Code.BAD_PASSWORD, f"{place}: the key is locked, and no password was given"))
            else:
                material.keys.append(load(data, None))  # A password was given that this key does not need.
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        locked = b"ENCRYPTED" in data[:200] or b"Proc-Type" in data[:200]
        code = Code.BAD_PASSWORD if locked else Code.MALFORMED_INPUT
        material.findings.append(Finding(code, f"{place}: the key cannot be read: {error}"))


def _read_der(data: bytes, what: str, password: bytes | None, material: Material) -> None:
    try:
        material.certs.append(parse(data))
        return
    except Unreadable:
        pass  # It may still be one of the two other kinds.
    if _looks_like_pfx(data):
        _read_pfx(data, what, password, material)
        return
    probe = Material()
    _read_key(data, what, password, probe, pem=False)
    if probe.keys:
        material.keys += probe.keys
    else:
        material.findings.append(Finding(Code.MALFORMED_INPUT, f"{what}: neither PEM nor DER nor PFX"))


def _looks_like_pfx(data: bytes) -> bool:
    """RFC 7292 4: a SEQUENCE that begins with the INTEGER 3."""
    if data[:1] != b"\x30" or len(data) < 8:
        return False
    length = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F) if data[1] > 0x80 else 2
    return data[length : length + 3] == b"\x02\x01\x03"


def _read_pfx(data: bytes, what: str, password: bytes | None, material: Material) -> None:
    material.is_pfx = True
    try:
        store = _open_pfx(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        given = "the password is wrong, or the file is damaged" if password else "it is locked, and no password was given"
        code = Code.MALFORMED_INPUT if isinstance(error, UnsupportedAlgorithm) else Code.BAD_PASSWORD
        material.findings.append(Finding(code, f"{what}: the PFX cannot be opened: {given}"))
        return
    own = [store.cert.certificate] if store.cert else []
    for raw in [*own, *(more.certificate for more in store.additional_certs)]:
        try:
            material.certs.append(parse(to_der(raw)))
        except Unreadable as error:
            material.findings.append(Finding(Code.MALFORMED_INPUT, f"{what}: a certificate in the PFX cannot be read: {error}"))
    if store.key is not None:
        material.keys.append(store.key)
    material.own = material.certs[0] if own and material.certs else None


def _open_pfx(data: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates:
    """RFC 7292 B.1 knows two kinds of "no password", none and an empty one; programs differ."""
    with warnings.catch_warnings():
        # Some programs write BER, with lengths left open. It is read all the same; the warning is no admin's business.
        warnings.simplefilter("ignore", UserWarning)
        if password:
            return pkcs12.load_pkcs12(data, password)
        try:
            return pkcs12.load_pkcs12(data, None)
        except ValueError:
            return pkcs12.load_pkcs12(data, b"")
