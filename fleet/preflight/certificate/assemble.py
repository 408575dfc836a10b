"""From files, or from one JSON object of a batch, to a Request."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.check import Request
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.files.reading import Material, read
from fleet.preflight.certificate.findings import CertificateFinding, Profile
from fleet.preflight.certificate.hosts import Host
from fleet.preflight.certificate.keys import belongs
from fleet.preflight.certificate.path.paths import MOST_INTERMEDIATES


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes."""

    what: str  # its field and its name, for messages
    data: bytes


@dataclass(frozen=True, slots=True)
class Files:
    """What a person gives."""

    leaf: File  # the server's certificate
    roots: Sequence[File]  # a terminal's roots
    chain: Sequence[File] = field(default_factory=tuple)  # what else the server sends
    key: File | None = None  # the private key
    password: bytes | None = None  # of the key or the PFX


def assemble(
    files: Files,
    hosts: tuple[Host, ...],
    times: tuple[dt.datetime, ...],
    profile: Profile = Profile.TERMINALS,
    most_intermediates: int = MOST_INTERMEDIATES,
    on_reading: Callable[[str], None] = lambda what: None,
) -> Request:
    """One Request from files. times: UTC, at least one. on_reading: is called with each file's name before the file is
    read, so that the caller can name a file that takes too long, and with "" after the last. Raises nothing for what is in
    the files."""

    def read_file(file: File) -> Material:
        on_reading(file.what)
        return read(file.data, file.what, files.password)

    first = read_file(files.leaf)
    rest = [read_file(file) for file in files.chain]
    key = read_file(files.key) if files.key else Material()
    anchors, faults = _anchors([read_file(file) for file in files.roots])
    on_reading("")
    keys = (*first.keys, *key.keys)
    faults += [finding for part in (first, *rest, key) for finding in (*part.findings, *part.notes)]
    leaf = _pick_leaf(first, keys)
    if leaf is None and not any(finding.code is Code.BAD_PASSWORD for finding in first.findings):
        faults.append(CertificateFinding(Code.NO_LEAF, f"{files.leaf.what}: it contains no certificate"))
    return Request(
        leaf=leaf,
        given=tuple(cert for part in (first, *rest) for cert in _in_order(part, leaf)),
        anchors=tuple(anchors),
        hosts=tuple(dict.fromkeys(hosts)),
        times=tuple(sorted(set(times))),
        keys=keys,
        key_expected=files.key is not None or (first.is_pfx and bool(first.certs)),
        profile=profile,
        most_intermediates=most_intermediates,
        faults=tuple(faults),
    )


def for_host(request: Request, hosts: tuple[Host, ...], anchors: tuple[Cert, ...]) -> Request:
    """The same certificate seen from another terminal."""
    return replace(request, hosts=hosts, anchors=anchors)


def _anchors(parts: Sequence[Material]) -> tuple[list[Cert], list[CertificateFinding]]:
    """The roots. One unreadable root among many gives a warning only: a terminal's store holds a hundred."""
    certs = list(dict.fromkeys(cert for part in parts for cert in part.roots))
    findings = [finding for part in parts for finding in part.findings]
    if certs:
        findings = [CertificateFinding(Code.PROFILE_GAP, f"ignored: {finding.message}") for finding in findings]
    return certs, findings


def _pick_leaf(material: Material, keys: Sequence[PrivateKeyTypes]) -> Cert | None:
    """The server's own certificate among those of a file: the PFX's own; the one of the key; the one that issued no other
    and is not a CA; otherwise the first."""
    certs = material.certs
    if material.own is not None or len(certs) < 2:
        return material.own or (certs[0] if certs else None)
    fitting = [cert for cert in certs if any(belongs(key, cert) for key in keys)]
    lowest = [cert for cert in certs if not any(other.issuer_der == cert.subject_der and other != cert for other in certs)]
    servers = [cert for cert in lowest if not cert.is_ca]
    return (fitting or servers or lowest or certs)[0]


def _in_order(material: Material, leaf: Cert | None) -> list[Cert]:
    """The certificates of a file. PFX and PKCS #7 have no order of their own; they are sorted: the server's own first, then
    each issuer."""
    if not material.is_unordered or leaf is None:
        return material.certs
    left, last, found = list(material.certs), leaf, []
    if leaf in left:
        left.remove(leaf)
        found.append(leaf)
    while above := [cert for cert in left if cert.subject_der == last.issuer_der]:
        last = above[0]
        left.remove(last)
        found.append(last)
    return [*found, *left]
