"""Files of certificates and keys. The content decides what a file is, not its name: PEM with any number of blocks in any
order, DER, PKCS #7, PFX."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from fleet.preflight.certificate.certs import Cert, Unreadable, parse, to_der
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.files import pkcs7, trusted
from fleet.preflight.certificate.files.pem import Block, bare_base64, blocks, text_of
from fleet.preflight.certificate.files.pfx import is_locked_as_of_late, is_pfx, open_store
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.keys import belongs
from fleet.preflight.certificate.tolerant.asn1 import OCTET_STRING, OID, SEQUENCE, children, only
from fleet.preflight.certificate.tolerant.library import Refused, ask

_TRUSTED = "TRUSTED CERTIFICATE"
# Their content decides: certutil -encode labels everything a certificate.
_CERTIFICATES = frozenset(
    ("CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE", "PKCS7", "PKCS #7 SIGNED DATA", "CMS", "PKCS12", "PFX")
)


@dataclass(slots=True)
class Material:
    """What a file held."""

    certs: list[Cert] = field(default_factory=list)
    keys: list[PrivateKeyTypes] = field(default_factory=list)
    own: Cert | None = None  # the certificate that a PFX keeps with its key
    is_pfx: bool = False  # the file is a PFX
    is_unordered: bool = False  # the order of its certificates means nothing
    distrusted: set[Cert] = field(default_factory=set)  # those that the file itself excludes as roots for servers
    findings: list[CertificateFinding] = field(default_factory=list)
    notes: list[CertificateFinding] = field(default_factory=list)  # what a person should know although the file could be read

    @property
    def roots(self) -> list[Cert]:
        """The certificates that may be roots."""
        return [cert for cert in self.certs if cert not in self.distrusted]

    def fault(self, code: Code, message: str) -> None:
        """Add one finding."""
        self.findings.append(CertificateFinding(code, message))


def read(data: bytes, what: str, password: bytes | None = None) -> Material:
    """The certificates and keys of one file. what: the field and the file, for messages. Raises nothing for what is in the
    bytes; problems become findings."""
    material = Material()
    if not data.strip():
        material.fault(Code.MALFORMED_INPUT, f"{what}: the file is empty")
    elif (text := text_of(data)) is not None:
        for number, block in enumerate(blocks(text), 1):
            _read_block(block, f"{what}, block {number}", password, material)
    elif not _read_binary(data, what, password, material) and not _read_bare(data, what, password, material):
        material.fault(Code.MALFORMED_INPUT, f"{what}: neither PEM nor DER nor P7B nor PFX")
    return material


def _read_bare(data: bytes, what: str, password: bytes | None, material: Material) -> bool:
    decoded = bare_base64(data)
    return decoded is not None and _read_binary(decoded, what, password, material)


def _read_block(block: Block, place: str, password: bytes | None, material: Material) -> None:
    if block.base64 is None:
        material.fault(Code.MALFORMED_INPUT, f"{place}: its end is missing")
    elif block.label.endswith("PRIVATE KEY"):
        _read_key(block.tidy(), place, password, material, pem=True)
    elif block.label == _TRUSTED:
        _read_trusted(block, place, material)
    elif block.label in _CERTIFICATES:
        _read_certificates(block, place, password, material)


def _read_certificates(block: Block, place: str, password: bytes | None, material: Material) -> None:
    try:
        der = block.decoded()
        if not _read_binary(der, place, password, material):
            parse(der)
    except ValueError as error:  # Not base64, or Unreadable.
        material.fault(Code.MALFORMED_INPUT, f"{place}: no certificate can be read: {error}")


def _read_trusted(block: Block, place: str, material: Material) -> None:
    try:
        der, distrusted = trusted.split(block.decoded())
        cert = parse(der)
    except ValueError as error:
        material.fault(Code.MALFORMED_INPUT, f"{place}: no certificate can be read: {error}")
        return
    material.certs.append(cert)
    if distrusted:
        material.distrusted.add(cert)


def _read_binary(data: bytes, place: str, password: bytes | None, material: Material) -> bool:
    """Whether the bytes are of a kind that is known here."""
    try:
        material.certs.append(parse(data))
    except Unreadable:
        return (
            _read_pkcs7(data, place, material)
            or _read_pfx(data, place, password, material)
            or _read_der_key(data, place, password, material)
        )
    return True


def _read_pkcs7(data: bytes, place: str, material: Material) -> bool:
    try:
        found = pkcs7.certificates(data)
    except ValueError as error:
        material.fault(Code.MALFORMED_INPUT, f"{place}: the PKCS #7 cannot be read: {error}")
        return True
    if found is None:
        return False
    material.is_unordered = True
    _add(found, f"{place}: a certificate in the PKCS #7", material)
    return True


def _add(found: Sequence[bytes], what: str, material: Material) -> None:
    for der in found:
        try:
            material.certs.append(parse(der))
        except Unreadable as error:
            material.fault(Code.MALFORMED_INPUT, f"{what} cannot be read: {error}")


def _read_der_key(data: bytes, place: str, password: bytes | None, material: Material) -> bool:
    probe = Material()
    _read_key(data, place, password, probe, pem=False)
    locked = [finding for finding in probe.findings if finding.code is Code.BAD_PASSWORD]
    material.keys += probe.keys
    material.findings += locked
    return bool(probe.keys or locked)


def _read_key(data: bytes, place: str, password: bytes | None, material: Material, *, pem: bool) -> None:
    locked = b"ENCRYPTED" in data[:200] if pem else _is_locked_key(data)
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    if locked and password is None:
        material.fault(Code.BAD_PASSWORD, f"{place}: the key is locked, and no password was given")
        return
    try:
        # A key without a lock is not given the password.
        material.keys.append(ask(lambda: load(data, password if locked else None)))
    except Refused as error:
        code = Code.BAD_PASSWORD if locked else Code.MALFORMED_INPUT
        material.fault(code, f"{place}: the key cannot be read: {error}")


def _is_locked_key(data: bytes) -> bool:
    """RFC 5958 3: an EncryptedPrivateKeyInfo is an algorithm, which is a sequence that begins with an OID, and bytes."""
    try:
        algorithm, locked = children(only(data, SEQUENCE).content)
        return algorithm.tag == SEQUENCE and locked.tag == OCTET_STRING and children(algorithm.content)[0].tag == OID
    except (ValueError, IndexError):
        return False


def _read_pfx(data: bytes, what: str, password: bytes | None, material: Material) -> bool:
    if not is_pfx(data):
        return False
    material.is_pfx = material.is_unordered = True
    try:
        store = ask(lambda: _open_pfx(data, password))
    except Refused as error:
        _read_bags(data, what, password, material, str(error))
    else:
        own = [store.cert.certificate] if store.cert else []
        held = [to_der(raw) for raw in (*own, *(more.certificate for more in store.additional_certs))]
        _add(held, f"{what}: a certificate in the PFX", material)
        material.keys += [store.key] if store.key is not None else []
        material.own = material.certs[0] if own and material.certs else None
    if material.certs and is_locked_as_of_late(data):
        message = f"{what}: Windows before 10 1709 and Windows Server up to 2016 cannot import this PFX (it is locked with AES)"
        material.notes.append(
            CertificateFinding(Code.PROFILE_GAP, f"{message}; for such a server export it with TripleDES-SHA1")
        )
    return True


def _open_pfx(data: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates:
    """RFC 7292 B.1 has two ways to write "no password", none and an empty one; programs differ."""
    with warnings.catch_warnings():
        # Some programs write BER with open lengths. The file is read; the library's warning does not concern an admin.
        warnings.simplefilter("ignore", UserWarning)
        if password:
            return pkcs12.load_pkcs12(data, password)
        try:
            return pkcs12.load_pkcs12(data, None)
        except ValueError:
            return pkcs12.load_pkcs12(data, b"")


def _read_bags(data: bytes, what: str, password: bytes | None, material: Material, why: str) -> None:
    """The second pass over a PFX. When it opens, the password was right, whatever is in the bags."""
    try:
        store = open_store(data, password)
    except ValueError:
        given = "the password is wrong, or the file is damaged" if password else "it is locked, and no password was given"
        code = Code.MALFORMED_INPUT if "upported" in why else Code.BAD_PASSWORD
        material.fault(code, f"{what}: the PFX cannot be opened: {given}")
        return
    _add(store.certificates, f"{what}: a certificate in the PFX", material)
    for der in store.keys:
        _read_key(der, f"{what}: in the PFX", None, material, pem=False)
    material.own = next((cert for cert in material.certs if any(belongs(key, cert) for key in material.keys)), None)
