"""The machine's certificate store on Windows, through a stand-in for crypt32: which certificates it has, where their
keys are, and whether they can be used. tests/windows/test_store.py asks the real crypt32."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

import certificates
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from fake_crypt32 import FakeCrypt32

from agents.clock import Clock
from agents.errors import StepError
from agents.hosts.certstore import store
from agents.hosts.certstore.windows import Machine
from agents.hosts.host import ServerHost
from agents.hosts.inventory import server as server_inventory
from agents.hosts.inventory.inventory import Inventory
from agents.lab import pki
from agents.winapi import crypt32
from agents.winapi.crypt32 import Entry

RSA = pki.make()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeCrypt32:
    """Windows' own store, for everything that asks without a folder."""
    fake = FakeCrypt32()
    monkeypatch.setattr(crypt32, "entries", fake.entries)
    monkeypatch.setattr(crypt32, "sign", fake.sign)
    return fake


def refused(thumbprint: str | None) -> tuple[str, str]:
    with pytest.raises(StepError) as caught:
        store.check(None, thumbprint)
    return caught.value.finding.code, caught.value.finding.message


def readable(name: str) -> bool | None:
    """What the inventory says of this certificate's key."""
    return next((row["readable"] for row in store.certificates(None, 20) if row["thumbprint"] == name), None)


@pytest.mark.parametrize("old", [False, True])
def test_a_certificate_with_a_key_of_the_computers(machine: FakeCrypt32, old: bool) -> None:
    machine.old = old
    name = machine.put(RSA.good.pem, RSA.good.key)
    assert name == RSA.good.thumbprint
    store.check(None, name)
    kept = store.of(None).find(name)
    assert kept is not None
    assert (kept.has_key, readable(name)) == (True, True)
    times = store.validity(None, name)
    assert times is not None
    assert (times[1] - times[0]).days == 398
    (row,) = store.certificates(None)
    assert (row["thumbprint"], row["names"]) == (name, ["localhost", "127.0.0.1", "::1"])
    assert (row["has_key"], row["machine_key"]) == (True, True)


def test_an_elliptic_key(machine: FakeCrypt32, certificate: certificates.Certificate) -> None:
    store.check(None, machine.put(certificate.pem.read_bytes(), certificate.key.read_bytes()))


def test_what_the_machine_does_not_hold(machine: FakeCrypt32) -> None:
    name = machine.put(RSA.good.pem, RSA.good.key, store="ROOT")
    assert refused(name)[0] == "certificate_missing"
    assert refused(None)[0] == "certificate_missing"
    assert store.of(None).find(name) is None
    assert not readable(name)
    assert store.validity(None, name) is None
    assert store.certificates(None) == []


def test_a_certificate_without_its_key(machine: FakeCrypt32) -> None:
    name = machine.put(RSA.good.pem)
    assert refused(name)[0] == "certificate_key_missing"
    (row,) = store.certificates(None)
    assert (row["has_key"], row["machine_key"]) == (False, None)


def test_a_key_in_a_users_profile_is_refused_although_the_agent_can_use_it(machine: FakeCrypt32) -> None:
    name = machine.put(RSA.good.pem, RSA.good.key, machine=False)
    code, message = refused(name)
    assert (code, "1312" in message) == ("key_in_profile", True)
    assert store.certificates(None)[0]["machine_key"] is False


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0x80090016, "not kept when the certificate was imported"),
        (0x80090010, "access is denied"),
        (0x80090022, "open a dialog on the screen"),
        (0x8009000A, "0x8009000A"),
    ],
)
def test_a_key_that_cannot_be_used_says_why(machine: FakeCrypt32, number: int, words: str) -> None:
    name = machine.put(RSA.good.pem, number)
    code, message = refused(name)
    assert (code, words in message, f"0x{number:08X}" in message) == ("key_unreadable", True, True)
    assert not readable(name)


def test_a_key_of_another_certificate(machine: FakeCrypt32) -> None:
    other = pki.make()
    name = machine.put(RSA.good.pem, other.good.key)
    assert refused(name) == (
        "key_unreadable",
        f"the private key of certificate {name} cannot be used by the agent: the key belongs to another certificate",
    )


def test_a_kind_of_key_that_http_sys_does_not_serve(machine: FakeCrypt32) -> None:
    """It is not even tried, and no other certificate's row is lost for it."""
    key, name, now = ed25519.Ed25519PrivateKey.generate(), x509.Name([]), dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=9)).sign(key, None)
    odd = machine.put(made.public_bytes(Encoding.PEM), 0x80090029)
    code, message = refused(odd)
    assert (code, "neither an RSA nor an elliptic key" in message, machine.signed) == ("key_unreadable", True, [])
    assert not readable(odd)


def test_the_copy_that_group_policy_brings_hides_no_key(machine: FakeCrypt32) -> None:
    machine.put(RSA.good.pem)
    name = machine.put(RSA.good.pem, RSA.good.key)
    machine.put(RSA.good.pem)
    store.check(None, name)
    assert len(store.certificates(None)) == 1


def test_what_is_no_certificate_is_left_out(machine: FakeCrypt32) -> None:
    machine.stores["MY"] = [Entry(b"\x30\x00"), Entry(b"")]
    name = machine.put(RSA.good.pem, RSA.good.key)
    assert [row["thumbprint"] for row in store.certificates(None)] == [name]


@pytest.mark.skipif(sys.platform == "win32", reason="there is one")
def test_elsewhere_there_is_no_such_store() -> None:
    code, message = refused(RSA.good.thumbprint)
    assert (code, "crypt32" in message) == ("store_unreadable", True)


async def test_a_server_without_a_folder_tells_of_windows_own_store(
    machine: FakeCrypt32, server: ServerHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys in a profile are not worth one of the tries."""
    monkeypatch.setattr(server_inventory, "MAX_KEYS_TRIED", 2)
    object.__setattr__(server.config, "store", None)
    made = [pki.make() for _ in range(2)]
    profile = machine.put(RSA.good.pem, RSA.good.key, machine=False)
    bare = machine.put(RSA.store[1].pem)
    lost = machine.put(made[0].good.pem, 0x80090016)
    good = machine.put(made[1].good.pem, made[1].good.key)
    late = machine.put(made[1].store[2].pem, made[1].good.key)
    told = await Inventory(server, Clock()).facts()
    found = {row["thumbprint"]: (row["has_key"], row["machine_key"], row["readable"]) for row in told["certificates"]}
    assert found == {
        profile: (True, False, None), bare: (False, None, None), lost: (True, True, False),
        good: (True, True, True), late: (True, True, None),
    }  # fmt: skip
    assert (told["error"], machine.signed) == (None, [lost, good])


def test_a_folder_tells_the_same(certificate: certificates.Certificate, tmp_path: Path) -> None:
    (row,) = store.certificates(certificate.pem.parent)
    assert (row["thumbprint"], row["has_key"], row["machine_key"]) == (certificate.thumbprint, True, True)
    store.check(certificate.pem.parent, certificate.thumbprint)


def test_a_folders_key_in_a_profile(tmp_path: Path) -> None:
    made = certificates.make(tmp_path / "store")
    made.key.rename(made.key.with_suffix(".user-key"))
    with pytest.raises(StepError, match="key_in_profile"):
        store.check(made.pem.parent, made.thumbprint)
    (row,) = store.certificates(made.pem.parent)
    assert (row["has_key"], row["machine_key"]) == (True, False)


@pytest.mark.parametrize(
    "spoil",
    [lambda key: key.write_bytes(b"no key"), lambda key: key.write_bytes(RSA.good.key or b"")],
    ids=["damaged", "other"],
)
def test_a_folders_key_that_cannot_be_used(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    made = certificates.make(tmp_path / "store")
    spoil(made.key)
    with pytest.raises(StepError, match="key_unreadable"):
        store.check(made.pem.parent, made.thumbprint)


def test_the_real_layer_is_what_asks_without_a_folder() -> None:
    assert store.of(None) == Machine(crypt32)
