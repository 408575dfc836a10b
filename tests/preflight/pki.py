"""A private PKI to test with: every default is what a careful admin's CA writes, every part can be left out or
replaced. Keys are made once; certificates on P-256 cost a third of a millisecond."""

import datetime as dt
import ipaddress
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet.preflight.certificate.assemble import File, Files, assemble
from fleet.preflight.certificate.check import check
from fleet.preflight.certificate.findings import Profile, Verdict
from fleet.preflight.certificate.hosts import parse_host

NOW = dt.datetime(2026, 12, 1, 2, 0, tzinfo=dt.UTC)
YEAR = dt.timedelta(days=365)
SERVER_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
NOTHING = object()  # Leave this extension out.


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    cert: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.cert.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.cert.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def key(kind: str = "p256", number: int = 0) -> Any:
    """A private key of this kind, always the same one for the same number."""
    makers = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "p224": lambda: ec.generate_private_key(ec.SECP224R1()),
        "p192": lambda: ec.generate_private_key(ec.SECP192R1()),
        "k256": lambda: ec.generate_private_key(ec.SECP256K1()),
        "brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "dsa": lambda: dsa.generate_private_key(2048),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
        "rsa1536": lambda: rsa.generate_private_key(65537, 1536),
    }
    return makers[kind]()


def usage(*names: str) -> x509.KeyUsage:
    """A key usage with these bits set."""
    signing = ["digital_signature", "content_commitment", "key_cert_sign", "crl_sign"]
    bits = [*signing, "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{bit: bit in names for bit in bits})


def name(common: str, **more: str) -> x509.Name:
    """A subject; no parts at all for an empty common name."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else []
    return x509.Name([x509.NameAttribute(getattr(NameOID, key), value) for key, value in more.items()] + parts)


def san(*names: str) -> x509.SubjectAlternativeName:
    """Alternative names; what reads as an IP address becomes one, `dns:` in front keeps it a name."""
    return x509.SubjectAlternativeName([_general(text) for text in names])


def _general(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text.removeprefix("dns:"))


def make(
    subject: x509.Name,
    by: Issued | None,
    own: Any,
    extensions: Sequence[tuple[Any, bool]],
    *,
    start: dt.datetime = NOW - YEAR,
    end: dt.datetime = NOW + 5 * YEAR,
    digest: Any = None,
    signer: Any = None,
    issuer: x509.Name | None = None,
    serial: int | None = None,
) -> Issued:
    """A certificate. by: the issuer, None for a self-signed one; signer: another key than the issuer's."""
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer or (by.cert.subject if by else subject),
        public_key=own.public_key(),
        serial_number=serial or x509.random_serial_number(),
        not_valid_before=start.replace(tzinfo=None),
        not_valid_after=end.replace(tzinfo=None),
    )
    for value, critical in extensions:
        if value is not NOTHING:
            builder = builder.add_extension(value, critical)
    signing = signer or (by.key if by else own)
    plain = isinstance(signing, ed25519.Ed25519PrivateKey)
    return Issued(builder.sign(signing, None if plain else digest or hashes.SHA256()), own)


def ca(common: str = "Till CA", by: Issued | None = None, own: Any = None, **parts: Any) -> Issued:
    """A CA, self-signed without `by`. parts: basic, basic_critical, usage, eku, limits, key_id, issuer_id, extra;
    the others go to make()."""
    own = own or key("p256", zlib.crc32(common.encode()))
    extensions = [
        (parts.pop("basic", x509.BasicConstraints(True, None)), parts.pop("basic_critical", True)),
        (parts.pop("usage", usage("key_cert_sign", "crl_sign")), True),
        (parts.pop("eku", NOTHING), False),
        (parts.pop("limits", NOTHING), True),
        (parts.pop("key_id", x509.SubjectKeyIdentifier.from_public_key(own.public_key())), False),
        (parts.pop("issuer_id", issuer_id(by) if by else NOTHING), False),
        *parts.pop("extra", []),
    ]
    return make(parts.pop("subject", name(common)), by, own, extensions, **parts)


def server(by: Issued | None, *names: str, own: Any = None, **parts: Any) -> Issued:
    """A server certificate for these names; self-signed without `by`. parts: as in ca(), and names, names_critical."""
    own = own or key("p256", 100)
    held = names or ("pos-srv",)
    extensions = [
        (parts.pop("names", san(*held)), parts.pop("names_critical", False)),
        (parts.pop("eku", SERVER_AUTH), parts.pop("eku_critical", False)),
        (parts.pop("usage", usage("digital_signature", "key_encipherment")), True),
        (parts.pop("basic", x509.BasicConstraints(False, None)), True),
        (parts.pop("key_id", x509.SubjectKeyIdentifier.from_public_key(own.public_key())), False),
        (parts.pop("issuer_id", issuer_id(by) if by else NOTHING), False),
        *parts.pop("extra", []),
    ]
    parts.setdefault("end", NOW + YEAR)
    return make(parts.pop("subject", name(held[0].removeprefix("dns:"))), by, own, extensions, **parts)


def issuer_id(by: Issued) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())


def files(leaf: bytes | Issued, *chain: bytes | Issued, roots: Sequence[bytes | Issued], **more: Any) -> Files:
    """Files as a person would give them. more: key (bytes), password."""
    key_bytes = more.get("key")
    return Files(
        leaf=File("--leaf", _bytes(leaf)),
        chain=[File(f"--chain {place}", _bytes(part)) for place, part in enumerate(chain)],
        roots=[File("--roots", b"".join(_bytes(root) for root in roots))],
        key=File("--key", key_bytes) if key_bytes is not None else None,
        password=more.get("password"),
    )


def verdict(given: Files, *hosts: str, times: Sequence[dt.datetime] = (NOW,), profile: str = "terminals") -> Verdict:
    """The verdict on these files for these hosts."""
    return check(assemble(given, tuple(parse_host(host) for host in hosts), tuple(times), Profile(profile)))


def codes(result: Verdict) -> set[str]:
    """The codes in a verdict, without the information that no key was given."""
    return {finding.code.value for finding in result.findings} - {"key_not_given"}


def _bytes(part: bytes | Issued) -> bytes:
    return part if isinstance(part, bytes) else part.pem
