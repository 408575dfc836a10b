"""Sites with exactly one thing wrong, for every code, each site different: names, keys, depth of the chain, roots
beside the right one. A planter takes a random source and gives the case in which it planted its code."""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12

from fleet.preflight.certificate.assemble import Files
from tests.preflight.handmade import altered, signed_anew
from tests.preflight.pki import NOTHING, NOW, Issued, ca, files, key, san, server, usage

DAY = dt.timedelta(days=1)
WINDOW = (NOW, NOW + dt.timedelta(hours=2), NOW + 30 * DAY)
KEYS = ["p256", "p256", "p384", "rsa"]


@dataclass
class Case:
    """What is given, seen from this host at these moments."""

    given: Files
    host: str
    times: Sequence[dt.datetime] = WINDOW


@dataclass
class Site:
    """A healthy site in pieces, so that a planter can exchange one. line: the CAs from the root down."""

    rng: random.Random
    host: str = ""
    own: Any = None
    line: list[Issued] = field(default_factory=list)
    others: list[Issued] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = self.rng.randrange(40)
        self.host = self.rng.choice(
            [f"pos{number}", f"pos{number}.club.lan", f"till-{number}.venue.com.au", f"10.0.{number}.5"]
        )
        self.own = key(self.rng.choice(KEYS), number % 4)
        self.line = [ca(f"Root {number}", own=key(self.rng.choice(KEYS), 10))]
        for depth in range(self.rng.randrange(3)):
            self.line.append(ca(f"Issuing {number}-{depth}", self.line[-1], own=key(self.rng.choice(KEYS), 20 + depth)))
        self.others = [ca(f"Elsewhere {other}") for other in range(self.rng.randrange(3))]

    def below(self, **parts: Any) -> None:
        """One more CA at the lower end."""
        self.line.append(ca("Lowest CA", self.line[-1], own=key("p256", 30), **parts))

    def leaf(self, *names: str, **parts: Any) -> Issued:
        parts.setdefault("own", self.own)
        return server(self.line[-1], *(names or (self.host,)), **parts)

    @property
    def named(self) -> str:
        """A host that is a name of several labels, for defects that only such can have."""
        return f"pos{self.rng.randrange(40)}.club.lan"

    def case(self, leaf: Issued | bytes, *, host: str | None = None, line: Sequence[Issued] | None = None, **more: Any) -> Case:
        line = self.line if line is None else line
        roots = more.pop("roots", [*self.others, self.line[0]])
        times = more.pop("times", WINDOW)
        chain = more.pop("chain", list(reversed(line[1:])))
        return Case(files(leaf, *chain, roots=roots, **more), self.host if host is None else host, times)


def healthy(site: Site) -> Case:
    return site.case(site.leaf(), key=site.own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _flip(der: bytes, place: int) -> bytes:
    return der[:place] + bytes([der[place] ^ 1]) + der[place + 1 :]


def malformed_input(site: Site) -> Case:
    pem = site.leaf().pem
    cut = site.rng.randrange(30, len(pem) - 40)
    return site.case(site.rng.choice([pem[:cut], pem[:cut] + b"!" + pem[cut + 1 :], site.rng.randbytes(800), b""]))


def bad_password(site: Site) -> Case:
    leaf, locked = site.leaf(), BestAvailableEncryption(b"right")
    pfx = pkcs12.serialize_key_and_certificates(None, leaf.key, leaf.cert, [], locked)
    pem = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    wrong = site.rng.choice([None, b"wrong", b""])
    if site.rng.random() < 0.5:
        return site.case(pfx, password=wrong)
    return site.case(leaf, key=pem, password=wrong)


def no_leaf(site: Site) -> Case:
    key_pem = site.own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key("p256", 0), hashes.SHA256())
    return site.case(site.rng.choice([key_pem, request.public_bytes(Encoding.PEM)]))


def self_signed_untrusted(site: Site) -> Case:
    return site.case(server(None, site.host, own=site.own), chain=[])


def self_signed_pinned(site: Site) -> Case:
    leaf = server(None, site.host, own=site.own)
    return site.case(leaf, chain=[], roots=[*site.others, leaf])


def untrusted_root(site: Site) -> Case:
    leaf, sent = site.leaf(), list(reversed(site.line))
    return site.case(leaf, chain=sent if site.rng.random() < 0.5 else sent[:-1], roots=[ca("Not This One")])


def missing_intermediate(site: Site) -> Case:
    site.below()
    missing = site.rng.randrange(1, len(site.line))
    sent = [issuer for place, issuer in enumerate(site.line) if place not in (0, missing)]
    return site.case(site.leaf(), chain=list(reversed(sent)))


def wrong_chain_order(site: Site) -> Case:
    site.below()
    leaf = site.leaf()
    if len(site.line) > 2 and site.rng.random() < 0.5:
        return site.case(leaf, chain=site.line[1:])
    return site.case(b"".join(part.pem for part in [*reversed(site.line[1:]), leaf]), chain=[])


def bad_signature(site: Site) -> Case:
    if site.rng.random() < 0.5:
        return site.case(site.leaf(signer=key("p256", 99)))
    der = site.leaf().der
    return site.case(_flip(der, len(der) - site.rng.randrange(1, 20)))


def not_yet_valid(site: Site) -> Case:
    return site.case(site.leaf(start=NOW + site.rng.randrange(31, 99) * DAY))


def expired(site: Site) -> Case:
    return site.case(site.leaf(start=NOW - 99 * DAY, end=NOW - site.rng.randrange(1, 90) * DAY))


def not_yet_valid_in_window(site: Site) -> Case:
    return site.case(site.leaf(start=NOW + site.rng.choice([dt.timedelta(minutes=5), 9 * DAY])))


def expired_in_window(site: Site) -> Case:
    return site.case(site.leaf(end=NOW + site.rng.choice([dt.timedelta(minutes=5), 9 * DAY])))


def chain_expires_in_window(site: Site) -> Case:
    site.below(end=NOW + site.rng.choice([dt.timedelta(minutes=5), 9 * DAY]))
    return site.case(site.leaf())


def name_mismatch(site: Site) -> Case:
    host = site.named
    return site.case(site.leaf(site.rng.choice(["other.club.lan", "club.lan", "x" + host, "pos"])), host=host)


def no_san(site: Site) -> Case:
    return site.case(site.leaf(names=NOTHING))


def ip_not_in_san(site: Site) -> Case:
    return site.case(site.leaf(site.rng.choice(["pos-srv", "10.9.9.9"])), host=f"10.1.0.{site.rng.randrange(250)}")


def ip_in_dns_san(site: Site) -> Case:
    host = f"10.1.0.{site.rng.randrange(250)}"
    return site.case(site.leaf(f"dns:{host}"), host=host)


def wildcard_scope(site: Site) -> Case:
    host = site.named
    held = site.rng.choice(["*.lan", "p*.club.lan", "*." + host, "*"])
    return site.case(site.leaf(names=san(held), subject=_subject("x")), host=host)


def public_suffix_wildcard(site: Site) -> Case:
    suffix = site.rng.choice(["lan", "com", "com.au", "co.nz", "co.uk", "net.au"])
    return site.case(site.leaf(f"*.{suffix}"), host=f"pos{site.rng.randrange(9)}.{suffix}")


def host_not_checkable(site: Site) -> Case:
    return site.case(
        site.leaf(), host=site.rng.choice(["pos_srv", "", "pos srv", "http://pos", "pos:10101", "10.0.0.256", "-pos"])
    )


def eku_no_server_auth(site: Site) -> Case:
    wrong = [x509.OID_CLIENT_AUTH, x509.OID_CODE_SIGNING, x509.OID_EMAIL_PROTECTION]
    return site.case(site.leaf(eku=x509.ExtendedKeyUsage(site.rng.sample(wrong, site.rng.randrange(1, 3)))))


def eku_chain(site: Site) -> Case:
    site.below(eku=x509.ExtendedKeyUsage([site.rng.choice([x509.OID_CLIENT_AUTH, x509.OID_CODE_SIGNING])]))
    return site.case(site.leaf())


def eku_absent(site: Site) -> Case:
    return site.case(site.leaf(eku=NOTHING))


def key_usage(site: Site) -> Case:
    if site.rng.random() < 0.5:
        return site.case(site.leaf(usage=usage(site.rng.choice(["crl_sign", "content_commitment", "data_encipherment"]))))
    site.below(usage=usage("crl_sign"))
    return site.case(site.leaf())


def weak_key(site: Site) -> Case:
    weak = key(site.rng.choice(["rsa1024", "rsa1536", "p192", "p224"]))
    if site.rng.random() < 0.5:
        return site.case(site.leaf(own=weak))
    site.line.append(ca("Weak CA", site.line[-1], own=weak))
    return site.case(site.leaf())


def weak_signature(site: Site) -> Case:
    digest, signer = site.rng.choice(["sha1", "md5"]), key("rsa", 60)
    site.line.append(ca("RSA CA", site.line[-1], own=signer))
    if site.rng.random() < 0.5:
        return site.case(signed_anew(site.leaf(), signer, digest))
    site.line.append(signed_anew(ca("Old-fashioned CA", site.line[-1], own=key("p256", 61)), signer, digest))
    return site.case(site.leaf())


def key_type(site: Site) -> Case:
    return site.case(site.leaf(own=key(site.rng.choice(["ed25519", "dsa", "k256", "brainpool"]))))


def ca_as_leaf(site: Site) -> Case:
    return site.case(site.leaf(basic=x509.BasicConstraints(True, site.rng.choice([None, 0]))))


def not_a_ca(site: Site) -> Case:
    site.below(basic=site.rng.choice([NOTHING, x509.BasicConstraints(False, None)]))
    return site.case(site.leaf())


def path_length(site: Site) -> Case:
    site.below(basic=x509.BasicConstraints(True, 0))
    site.line.append(ca("One Too Many", site.line[-1], own=key("p256", 31)))
    return site.case(site.leaf())


def name_constraints(site: Site) -> Case:
    host, inside = site.named, [x509.DNSName("other.lan")]
    limits = site.rng.choice([(inside, None), (None, [x509.DNSName("club.lan")]), (None, [x509.DNSName("lan")])])
    site.below(limits=x509.NameConstraints(*limits))
    return site.case(site.leaf(host), host=host)


def unknown_critical_extension(site: Site) -> Case:
    strange = (
        x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.99999.{site.rng.randrange(99)}"), b"\x05\x00"),
        True,
    )
    if site.rng.random() < 0.5:
        return site.case(site.leaf(extra=[strange]))
    site.below(extra=[strange])
    return site.case(site.leaf())


def key_missing(site: Site) -> Case:
    leaf = site.leaf()
    if site.rng.random() < 0.5:
        return site.case(leaf, key=leaf.pem)
    pfx = pkcs12.serialize_key_and_certificates(None, None, None, [leaf.cert], BestAvailableEncryption(b"x"))
    return site.case(pfx, password=b"x")


def key_not_given(site: Site) -> Case:
    return site.case(site.leaf())


def key_mismatch(site: Site) -> Case:
    return site.case(site.leaf(own=key("p256", 50)), key=Issued(site.leaf().cert, key(site.rng.choice(KEYS), 51)).key_pem)


def duplicate_extension(site: Site) -> Case:
    """The same extension twice, which no library writes: another one's number is overwritten, and signed then."""
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x30\x00")
    twice = site.rng.choice([b"\x11", b"\x25", b"\x0e"])  # Alternative names, extended key usage, key identifier.
    leaf = site.leaf(own=key("p256", 52), extra=[(other, False)])
    return site.case(altered(leaf, b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d" + twice, site.line[-1].key))


def cn_not_in_san(site: Site) -> Case:
    return site.case(site.leaf(subject=_subject(f"The POS server {site.rng.randrange(99)}")))


def profile_gap(site: Site) -> Case:
    if site.rng.random() < 0.3:
        return site.case(site.leaf(issuer_id=NOTHING))
    site.below(**site.rng.choice([{"key_id": NOTHING}, {"usage": NOTHING}, {"basic_critical": False}, {"issuer_id": NOTHING}]))
    return site.case(site.leaf())


def anchor_not_self_signed(site: Site) -> Case:
    site.below()
    return site.case(site.leaf(), roots=[*site.others, site.line[-1]], chain=[])


def _subject(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


# check_timeout and bad_request are no defects of a certificate: tests/management/test_check_certificate.py plants them.
PLANTERS: dict[str, Callable[[Site], Case]] = {
    planter.__name__: planter
    for planter in (
        malformed_input, bad_password, no_leaf, self_signed_untrusted, self_signed_pinned, untrusted_root,
        missing_intermediate, wrong_chain_order, bad_signature, not_yet_valid, expired, not_yet_valid_in_window,
        expired_in_window, chain_expires_in_window, name_mismatch, no_san, ip_not_in_san, ip_in_dns_san, wildcard_scope,
        public_suffix_wildcard, host_not_checkable, eku_no_server_auth, eku_chain, eku_absent, key_usage, weak_key,
        weak_signature, key_type, ca_as_leaf, not_a_ca, path_length, name_constraints, unknown_critical_extension,
        key_missing, key_not_given, key_mismatch, duplicate_extension, cn_not_in_san, profile_gap, anchor_not_self_signed,
    )
}  # fmt: skip
