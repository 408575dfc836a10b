"""The machine's certificate store, the only one from which http.sys takes certificates. On Windows it is LocalMachine\\My, not
a user's store and not Trusted Root. If the configuration names a folder, as in the lab, it is that folder."""

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from cryptography import x509

from agents.errors import StepError
from agents.hosts.certstore.folder import Folder
from agents.hosts.certstore.folder import no_password as no_password
from agents.hosts.certstore.reader import Kept, Reader
from agents.hosts.certstore.windows import Machine

MAX_CERTIFICATES = 500


def of(store: Path | None) -> Reader:
    """The store in this folder; Windows' own store if it is None."""
    return Machine() if store is None else Folder(store)


def validity(store: Path | None, thumbprint: str) -> tuple[dt.datetime, dt.datetime] | None:
    """Begin and end of this certificate's validity (UTC); None if it is not in the store. Raises StepError store_unreadable."""
    kept = _found(of(store), thumbprint)
    return (kept.certificate.not_valid_before_utc, kept.certificate.not_valid_after_utc) if kept else None


def check(store: Path | None, thumbprint: str | None) -> None:
    """Check that the store has this certificate with a private key that http.sys can use. Raises StepError certificate_missing,
    certificate_key_missing, key_in_profile, key_unreadable or store_unreadable."""
    reader = of(store)
    kept = _found(reader, thumbprint) if thumbprint else None
    if kept is None:
        message = f"certificate {thumbprint} is not in the machine's store"
        raise StepError("certificate_missing", message, "Import the PFX into Personal of the computer account.")
    _check_key(reader, kept)


def _found(reader: Reader, thumbprint: str) -> Kept | None:
    try:
        return reader.find(thumbprint)
    except OSError as error:
        message = f"the machine's certificate store cannot be read: {error.strerror or error}"
        raise StepError("store_unreadable", message, "Check that the agent runs as SYSTEM, or as an administrator.") from error


def _check_key(reader: Reader, kept: Kept) -> None:
    label = f"certificate {kept.thumbprint}"
    if not kept.has_key:
        message = f"{label} has no private key in the machine's store"
        raise StepError("certificate_key_missing", message, "Import the PFX with its key, not the .cer alone.")
    if kept.machine_key is False:
        message = f"the private key of {label} is in a user's profile, where http.sys cannot find it (error 1312)"
        remedy = "Import the PFX again, into Personal of the computer account, by certlm.msc or certutil -importpfx."
        raise StepError("key_in_profile", message, remedy)
    if (reason := reader.refusal(kept)) is not None:
        message = f"the private key of {label} cannot be used by the agent: {reason}"
        remedy = "Let SYSTEM read the key (certlm.msc, All Tasks, Manage Private Keys), or import the PFX again."
        raise StepError("key_unreadable", message, remedy)


def certificates(store: Path | None, keys_tried: int = 0) -> list[dict[str, Any]]:
    """The certificates in the store for the inventory, by thumbprint, at most MAX_CERTIFICATES. readable says whether this
    process can use the key; only the first keys_tried keys are tried, for the others it is None. Raises OSError if the store
    cannot be read."""
    reader, tries = of(store), iter(range(keys_tried))
    rows = (row for kept in reader.all() if (row := _row(reader, kept, tries)) is not None)
    return list(islice(rows, MAX_CERTIFICATES))


def _row(reader: Reader, kept: Kept, tries: Iterator[int]) -> dict[str, Any] | None:
    try:
        facts = _facts(kept.certificate)
    except ValueError:
        return None  # certificates are parsed lazily: its names or dates turn out to be unreadable
    usable = kept.has_key and kept.machine_key is not False
    readable = reader.refusal(kept) is None if usable and next(tries, None) is not None else None
    return {
        **facts,
        "thumbprint": kept.thumbprint,
        "has_key": kept.has_key,
        "machine_key": kept.machine_key,
        "readable": readable,
    }


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
