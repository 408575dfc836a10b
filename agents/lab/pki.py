"""The lab site's certificates: a private CA (root, intermediate) as a venue's IT would run it, RSA everywhere
because old terminals support nothing else."""

import datetime as dt
import hashlib
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)
NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Signer:
    """A CA: its certificate and key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


@dataclass(frozen=True)
class Stored:
    """One entry of the machine store: the content of <thumbprint>.pem and <thumbprint>.key."""

    thumbprint: str
    pem: bytes
    key: bytes | None


@dataclass(frozen=True)
class Pki:
    """All certificates of a lab."""

    root: bytes  # the lab's own root
    foreign: tuple[bytes, ...]  # unrelated roots that terminals trust, too
    good: Stored  # the certificate to bind
    store: tuple[Stored, ...]  # the good one, an older one without its key, an expired one


def make() -> Pki:
    """Generate the keys, and make everything that is signed with them."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    root = _root("Clubhouse Private Root CA", now, _key())
    between = _intermediate("Clubhouse Issuing CA 1", root, now, _key())
    foreign_key = _key()
    foreign = tuple(_root(name, now, foreign_key).certificate for name in ("Harbour Payments Root", "Brewery Supply Root R2"))
    key = _key()
    good = _leaf(between, key, now - DAY, now + 397 * DAY, with_key=True)
    older = _leaf(between, _key(), now - 340 * DAY, now + 25 * DAY, with_key=False)
    expired = _leaf(between, key, now - 800 * DAY, now - 403 * DAY, with_key=True)
    return Pki(_pem(root.certificate), tuple(_pem(c) for c in foreign), good, (good, older, expired))


def thumbprint(certificate: x509.Certificate) -> str:
    """The SHA-1 fingerprint as Windows shows it: 40 upper-case hex digits."""
    return hashlib.sha1(certificate.public_bytes(serialization.Encoding.DER)).hexdigest().upper()


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Clubhouse"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _begin(subject: str, key: rsa.RSAPrivateKey, begin: dt.datetime, end: dt.datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(_name(subject)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _ca(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(_usage(signs=True), critical=True)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_encipherment=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _root(name: str, now: dt.datetime, key: rsa.RSAPrivateKey) -> Signer:
    builder = _ca(_begin(name, key, now - 900 * DAY, now + 3650 * DAY), None).issuer_name(_name(name))
    return Signer(builder.sign(key, hashes.SHA256()), key)


def _intermediate(name: str, by: Signer, now: dt.datetime, key: rsa.RSAPrivateKey) -> Signer:
    builder = _ca(_begin(name, key, now - 850 * DAY, now + 1825 * DAY), 0)
    return Signer(_sign(builder, by), key)


def _leaf(by: Signer, key: rsa.RSAPrivateKey, begin: dt.datetime, end: dt.datetime, *, with_key: bool) -> Stored:
    names = [x509.DNSName(name) for name in NAMES]
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ADDRESSES]
    builder = _begin("localhost", key, begin, end)
    builder = builder.add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    certificate = _sign(builder, by)
    return Stored(thumbprint(certificate), _pem(certificate) + _pem(by.certificate), _key_pem(key) if with_key else None)


def _sign(builder: x509.CertificateBuilder, by: Signer) -> x509.Certificate:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
    builder = builder.add_extension(identifier, critical=False).issuer_name(by.certificate.subject)
    return builder.sign(by.key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
