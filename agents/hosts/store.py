"""The machine's certificate store, as a folder: `<thumbprint>.pem`, and `<thumbprint>.key` where there is
a private key. On Windows the installer's export task keeps this folder in step with LocalMachine\\My."""

import datetime as dt
import re
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from agents.errors import StepError

_NAME = re.compile(r"[0-9A-F]{40}")
MAX_CERTIFICATES = 500
MAX_PEM_BYTES = 256 * 1024


def has_certificate(store: Path, thumbprint: str) -> bool:
    """Whether a certificate with this thumbprint is in the store, and really is that one."""
    certificate = _load(store / f"{thumbprint}.pem") if _NAME.fullmatch(thumbprint) else None
    return certificate is not None and _thumbprint(certificate) == thumbprint


def validity(store: Path, thumbprint: str) -> tuple[dt.datetime, dt.datetime] | None:
    """From when until when this certificate is valid (UTC); None where it is not in the store."""
    certificate = _load(store / f"{thumbprint}.pem") if _NAME.fullmatch(thumbprint) else None
    return (certificate.not_valid_before_utc, certificate.not_valid_after_utc) if certificate else None


def has_key(store: Path, thumbprint: str) -> bool:
    """Whether its private key is there too. Nobody reads it for that."""
    return bool(_NAME.fullmatch(thumbprint)) and (store / f"{thumbprint}.key").is_file()


def check(store: Path | None, thumbprint: str | None) -> None:
    """No binding without a certificate and its key. Raises StepError certificate_missing or certificate_key_missing."""
    if store is None or thumbprint is None or not has_certificate(store, thumbprint):
        message = f"certificate {thumbprint} is not in the machine's store"
        raise StepError("certificate_missing", message, "Import the PFX into Personal of the computer account.")
    if not has_key(store, thumbprint):
        message = f"certificate {thumbprint} has no private key in the machine's store"
        raise StepError("certificate_key_missing", message, "Import the PFX with its key, not the .cer alone.")


def readable(store: Path, thumbprint: str) -> bool:
    """Whether its private key can be used by whoever runs this: it is loaded, and thrown away again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(store / f"{thumbprint}.pem", store / f"{thumbprint}.key", password=no_password)
    except (OSError, ValueError):
        return False
    return True


def no_password() -> str:
    """For an encrypted key, so that nothing asks at a console. Raises ValueError."""
    raise ValueError("it is encrypted with a password")


def certificates(store: Path) -> list[dict[str, Any]]:
    """The store's contents for the inventory, by thumbprint. Files that are no certificate are left out;
    raises OSError when the folder cannot be read."""
    paths = sorted(path for path in store.iterdir() if path.suffix == ".pem" and _NAME.fullmatch(path.stem))
    rows = []
    for path in paths[:MAX_CERTIFICATES]:
        certificate = _load(path)
        if certificate is not None:
            rows.append({**_facts(certificate), "thumbprint": path.stem, "has_key": has_key(store, path.stem)})
    return rows


def _load(path: Path) -> x509.Certificate | None:
    try:
        with path.open("rb") as file:
            return x509.load_pem_x509_certificate(file.read(MAX_PEM_BYTES))
    except (OSError, ValueError):
        return None


def _thumbprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Windows names certificates so


def _facts(certificate: x509.Certificate) -> dict[str, Any]:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "names": _names(certificate),
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
