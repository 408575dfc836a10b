"""Damaged input: one byte of a certificate, a chain, a key or a PFX is changed. No exception, and never `suitable`
where a signature on the path no longer holds."""

import os
import random

import pytest
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from fleet.preflight.certificate.certs import Unreadable, parse
from fleet.preflight.certificate.findings import Verdict
from tests.preflight.pki import Issued, ca, files, key, server, verdict

# 20,000 by issue 4; a part of them in `make test`.
FLIPS = int(os.environ.get("TILLWAY_FLIPS", "1000"))

ROOT = ca("Root", own=key("rsa", 70))
MIDDLE = ca("Issuing", ROOT, own=key("p256", 71))
LEAF = server(MIDDLE, "pos-srv", own=key("p256", 72))
PFX = pkcs12.serialize_key_and_certificates(b"pos", LEAF.key, LEAF.cert, [MIDDLE.cert], BestAvailableEncryption(b"right"))


def _damage(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ rng.randrange(1, 256)]) + data[place + 1 :]


def _signature_holds(der: bytes, issuer: Issued) -> bool:
    try:
        parse(der).raw.verify_directly_issued_by(issuer.cert)
    except (Unreadable, InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _root_holds(der: bytes) -> bool:
    """A root whose issuer's name was damaged looks like a CA that another one signed, which terminals take as an
    anchor with a warning; nobody can verify that signature."""
    try:
        root = parse(der)
    except Unreadable:
        return False
    return not root.self_issued or _signature_holds(der, Issued(root.raw, None))


def _judge(rng: random.Random) -> tuple[Verdict, bool]:
    """The verdict on one damaged input, and whether its signatures still hold."""
    part = rng.randrange(6)
    if part == 0:
        der = _damage(LEAF.der, rng)
        return verdict(files(der, MIDDLE, roots=[ROOT]), "pos-srv"), _signature_holds(der, MIDDLE)
    if part == 1:
        der = _damage(MIDDLE.der, rng)
        return verdict(files(LEAF, der, roots=[ROOT]), "pos-srv"), _signature_holds(der, ROOT) and _signature_holds(
            LEAF.der, MIDDLE
        )
    if part == 2:
        der = _damage(ROOT.der, rng)
        return verdict(files(LEAF, MIDDLE, roots=[der]), "pos-srv"), _root_holds(der)
    if part == 3:
        return verdict(files(_damage(PFX, rng), roots=[ROOT], password=b"right"), "pos-srv"), True
    if part == 4:
        return verdict(files(_damage(LEAF.pem, rng), MIDDLE, roots=[ROOT]), "pos-srv"), True
    return verdict(files(LEAF, MIDDLE, roots=[ROOT], key=_damage(LEAF.key_pem, rng)), "pos-srv"), True


# The library warns of serial numbers that are not positive; library.py refuses them anyway.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_damaged_input_has_a_verdict_and_a_broken_signature_never_a_good_one() -> None:
    for seed in range(FLIPS):
        result, holds = _judge(random.Random(f"flip {seed}"))
        assert holds or not result.suitable, seed
