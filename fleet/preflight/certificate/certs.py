"""One certificate, parsed once: what the checks ask for, with each failure as a value. The strict library reads first;
where it cannot, the tolerant reader's twin answers instead (tolerant/)."""

import datetime as dt
import hashlib
from functools import lru_cache
from typing import TypeVar, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.der import names
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.tolerant.certificate import Twin, duplicated, mend
from fleet.preflight.certificate.tolerant.library import Refused, ask
from fleet.preflight.certificate.tolerant.tolerances import Tolerance
from fleet.preflight.lazy import lazy

# Small certificates are cached: the same roots come with every request. Large ones are rare, or an attack.
_KEPT_BYTES = 8192
_EMPTY_NAME = b"\x30\x00"

Value = TypeVar("Value", bound=x509.ExtensionType)


class Unreadable(ValueError):
    """These bytes are not a certificate; the text says why."""


class Cert:
    """A parsed certificate. Two certificates with the same bytes are equal. `raw` is what the library reads, `der` the
    original bytes; they differ where is_strict is False, because `raw` is then the twin."""

    def __init__(self, raw: x509.Certificate, der: bytes, *, is_strict: bool = True) -> None:
        self.raw = raw
        self.der = der
        self.is_strict = is_strict
        self._needed_twin = not is_strict

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cert) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)

    @lazy
    def twin(self) -> Twin | None:
        """The certificate with every tolerated flaw corrected; None where that is not possible."""
        try:
            return mend(self.der)
        except ValueError:
            return None

    @property
    def flaws(self) -> tuple[Tolerance, ...]:
        """What had to be tolerated so that it could be read."""
        return self.twin.used if self._needed_twin and self.twin else ()

    @lazy
    def body(self) -> bytes:
        """The bytes that were signed."""
        return self.raw.tbs_certificate_bytes if self.is_strict or self.twin is None else self.twin.body

    @lazy
    def _names(self) -> tuple[bytes, bytes]:
        return names(self.body)

    @property
    def issuer_der(self) -> bytes:
        """Names are compared by their exact bytes, as Windows and `cryptography` do."""
        return self._names[0]

    @property
    def subject_der(self) -> bytes:
        return self._names[1]

    @lazy
    def self_issued(self) -> bool:
        """Subject and issuer are the same name. That does not prove yet that the certificate signed itself."""
        return self.subject_der == self.issuer_der

    @lazy
    def _subject(self) -> x509.Name | None:
        return self._name("subject")

    @property
    def subject(self) -> x509.Name:
        """The subject; without parts where it cannot be read."""
        return self._subject or x509.Name([])

    @property
    def has_subject(self) -> bool:
        """Whether the certificate has a subject, readable or not."""
        return self.subject_der != _EMPTY_NAME

    @property
    def subject_is_readable(self) -> bool:
        return self._subject is not None

    @lazy
    def issuer(self) -> x509.Name:
        """The issuer, for people; without parts where it cannot be read."""
        return self._name("issuer") or x509.Name([])

    @lazy
    def label(self) -> str:
        """For people: the subject, and the first digits of the SHA-1 thumbprint that Windows shows."""
        name = self.subject.rfc4514_string() or "without a subject"
        return f"{name[:120]} ({hashlib.sha1(self.der).hexdigest().upper()[:8]}…)"

    @lazy
    def not_before(self) -> dt.datetime:
        return self.raw.not_valid_before_utc

    @lazy
    def not_after(self) -> dt.datetime:
        return self.raw.not_valid_after_utc

    @lazy
    def key(self) -> CertificatePublicKeyTypes | None:
        """The public key; None for a kind that cannot be read (explicit curves, unknown algorithms)."""
        try:
            return ask(self.raw.public_key)
        except Refused:
            return None

    @lazy
    def _extensions(self) -> x509.Extensions | CertificateFinding:
        try:
            return ask(lambda: self.raw.extensions)
        except Refused as error:
            return self._mended_extensions(str(error))

    def _mended_extensions(self, why: str) -> x509.Extensions | CertificateFinding:
        if twice := duplicated(self.der):
            return CertificateFinding(Code.DUPLICATE_EXTENSION, f"it contains the extension {twice} twice", self.label)
        twin = self.twin
        try:
            if twin is None or twin.raw is self.raw:
                raise Refused(why)
            found = ask(lambda: twin.raw.extensions)
        except Refused as error:
            return CertificateFinding(Code.MALFORMED_INPUT, f"one of its extensions cannot be read: {error}", self.label)
        self._needed_twin = True
        return found

    @property
    def fault(self) -> CertificateFinding | None:
        """Why its extensions cannot be judged, or None. With a fault, every extension reads as absent."""
        return self._extensions if isinstance(self._extensions, CertificateFinding) else None

    @lazy
    def extensions(self) -> tuple[x509.Extension[x509.ExtensionType], ...]:
        return () if isinstance(self._extensions, CertificateFinding) else tuple(self._extensions)

    @lazy
    def _by_kind(self) -> dict[type[x509.ExtensionType], x509.Extension[x509.ExtensionType]]:
        return {type(extension.value): extension for extension in self.extensions}

    def extension(self, kind: type[Value]) -> x509.Extension[Value] | None:
        """The extension of this kind, or None."""
        return cast("x509.Extension[Value] | None", self._by_kind.get(kind))

    def value(self, kind: type[Value]) -> Value | None:
        """The extension's value, or None."""
        found = self.extension(kind)
        return found.value if found else None

    @lazy
    def is_ca(self) -> bool:
        constraints = self.value(x509.BasicConstraints)
        return bool(constraints and constraints.ca)

    @lazy
    def key_id(self) -> bytes | None:
        found = self.value(x509.SubjectKeyIdentifier)
        return found.digest if found else None

    @lazy
    def issuer_key_id(self) -> bytes | None:
        found = self.value(x509.AuthorityKeyIdentifier)
        return found.key_identifier if found else None

    def _name(self, which: str) -> x509.Name | None:
        """Subject or issuer; None where it cannot be read."""
        try:
            return cast("x509.Name", ask(lambda: getattr(self.raw, which)))
        except Refused:
            twin = self.twin
        try:
            found = cast("x509.Name", ask(lambda: getattr(twin.raw, which))) if twin else None
        except Refused:
            return None
        self._needed_twin |= found is not None
        return found


def parse(der: bytes) -> Cert:
    """One certificate from its DER bytes. Raises Unreadable with the reason."""
    return _kept(der) if len(der) <= _KEPT_BYTES else _parse(der)


def _parse(der: bytes) -> Cert:
    try:
        cert = Cert(ask(lambda: x509.load_der_x509_certificate(der)), der)
        # The library parses these lazily. They are asked for here so that a failure shows here.
        ask(lambda: (cert.not_before, cert.not_after))
        return cert
    except Refused as error:
        return _tolerant(der, str(error))


def _tolerant(der: bytes, why: str) -> Cert:
    try:
        twin = mend(der)
    except ValueError as error:
        raise Unreadable(why) from error
    cert = Cert(twin.raw, der, is_strict=False)
    cert.__dict__["twin"] = twin
    return cert


_kept = lru_cache(maxsize=512)(_parse)


def to_der(raw: x509.Certificate) -> bytes:
    """The certificate's DER bytes."""
    return raw.public_bytes(Encoding.DER)
