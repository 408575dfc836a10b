"""Every field failure that can be planted shows in an agent's inventory or in its look at a rehearsal."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agents.catalogue import EVERYONE_LISTENS
from agents.clock import Clock
from agents.errors import StepError
from agents.lab import misconfigurations, pki
from agents.lab.layout import LabLayout
from agents.rehearsal.probe import TerminalProbe
from agents.rehearsal.shadow_openssl import OpenSslShadow as Shadow
from tests.lab.conftest import Lab, find_programs
from tests.lab.survey import opens_tls, order, server_facts, server_host, till_facts, till_host

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def _programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    made: Lab = request.getfixturevalue("lab" if "lab" in request.fixturenames else "plain_lab")
    find_programs(monkeypatch, made.layout)


def rows_at(facts: dict[str, Any], table: str, port: int) -> list[tuple[Any, ...]]:
    key = "endpoint" if table == "sslcert" else "url"
    found = [row for row in facts[table] if f":{port}" in row[key]]
    return [tuple(row[name] for name in (key, "certhash" if table == "sslcert" else "sddl")) for row in found]


# --- seen in the inventory ------------------------------------------------------------------------------


async def test_nothing_is_planted_in_a_healthy_lab(lab: Lab) -> None:
    facts, layout = await server_facts(lab.layout), lab.layout
    assert (facts["error"], facts["writable"], facts["iplisten"], facts["owner"], facts["peers"]) == (None, None, [], None, [])
    assert rows_at(facts, "sslcert", layout.port) == []
    assert rows_at(facts, "urlacl", layout.port) == [(f"http://+:{layout.port}/", EVERYONE_LISTENS)]
    assert (facts["recovery"], facts["service"]["dependents"]) == ({"restarts": False}, [])
    for name in layout.names:
        told = await till_facts(layout, name)
        assert (told["error"], told["writable"], told["tls"]) == (None, None, ["TLSv1.2", "TLSv1.3"])
        assert (abs(told["clock_offset_ms"]) < 1000, told["free_mb"] > 10, told["access_code"]) == (True, True, None)


async def test_bindings_and_reservations(lab: Lab) -> None:
    layout, port = lab.layout, lab.port
    misconfigurations.binding_on_another_port(layout)
    misconfigurations.https_reservation_remains(layout)
    misconfigurations.torn_thumbprint(layout)
    misconfigurations.specific_binding(layout)
    misconfigurations.narrowed_addresses(layout, "127.0.0.1")
    facts = await server_facts(layout)
    assert rows_at(facts, "sslcert", 8000) == [("0.0.0.0:8000", layout.thumbprint)]
    assert sorted(rows_at(facts, "sslcert", port)) == [
        (f"0.0.0.0:{port}", None),
        (f"127.0.0.1:{port}", misconfigurations.OTHER_HASH.upper()),
    ]
    assert (f"https://+:{port}/", EVERYONE_LISTENS) in rows_at(facts, "urlacl", port)
    assert (facts["iplisten"], facts["scheme"]) == (["127.0.0.1"], "http")


async def test_a_reservation_of_the_old_scheme_and_an_old_certificate(lab: Lab) -> None:
    misconfigurations.http_reservation_remains(lab.layout)
    misconfigurations.old_binding_kept(lab.layout)
    facts = await server_facts(lab.layout)
    assert (facts["scheme"], rows_at(facts, "urlacl", lab.port)[0][0]) == ("https", f"http://+:{lab.port}/")
    ((_, bound),) = rows_at(facts, "sslcert", lab.port)
    valid_until = {row["thumbprint"]: row["not_after"] for row in facts["certificates"]}
    assert valid_until[bound] < valid_until[lab.layout.thumbprint]


async def test_another_language_hides_nothing(lab: Lab) -> None:
    before = await server_facts(lab.layout)
    misconfigurations.other_language(lab.layout)
    after = await server_facts(lab.layout)
    changing = ("free_mb", "clock_offset_ms")
    assert {**before, **dict.fromkeys(changing)} == {**after, **dict.fromkeys(changing)}


async def test_keys_and_services(lab: Lab) -> None:
    misconfigurations.key_unusable(lab.layout)
    misconfigurations.restarted_by_itself(lab.layout)
    misconfigurations.needed_by(lab.layout)
    facts = await server_facts(lab.layout)
    row = next(row for row in facts["certificates"] if row["thumbprint"] == lab.layout.thumbprint)
    assert (row["has_key"], row["readable"]) == (True, False)
    assert facts["recovery"] == {"restarts": True}
    assert facts["service"]["dependents"] == ["KioskApi"]
    assert (facts["services"][1]["state"], facts["services"][1]["start_type"]) == ("running", "auto")
    misconfigurations.key_missing(lab.layout)
    row = next(row for row in (await server_facts(lab.layout))["certificates"] if row["thumbprint"] == lab.layout.thumbprint)
    assert (row["has_key"], row["readable"]) == (False, None)


async def test_a_port_that_another_program_has(lab: Lab) -> None:
    with misconfigurations.port_taken(lab.layout), misconfigurations.stranger(lab.layout):
        facts = await server_facts(lab.layout)
    assert facts["owner"]["pid"] == os.getpid()
    assert facts["peers"] == [{"address": "127.0.0.77", "connections": 1}]


async def test_tills(lab: Lab) -> None:
    layout, (one, two, three) = lab.layout, lab.layout.names
    misconfigurations.wrong_host(layout, one)
    misconfigurations.old_tls(layout, one)
    misconfigurations.wrong_clock(layout, two, -3600)
    misconfigurations.root_missing(layout, two)
    misconfigurations.read_only_settings(layout, three)
    misconfigurations.full_disk(layout, three)
    misconfigurations.access_codes(layout, server="club-2041", **{one: "club-2041", two: "club-2014"})
    told = {name: await till_facts(layout, name) for name in layout.names}
    assert (told[one]["host"], told[one]["tls"]) == ("127.0.0.2", ["TLSv1"])
    assert abs(told[two]["clock_offset_ms"] - 3_600_000) < 2000
    assert told[two]["roots"]["count"] == 1
    assert _print(layout.ca_file) not in told[two]["roots"]["thumbprints"]
    assert _print(layout.ca_file) in told[one]["roots"]["thumbprints"]
    assert ("write-protected" in told[three]["writable"], told[three]["free_mb"]) == (True, 3)
    codes = [(await server_facts(layout))["access_code"], *(told[name]["access_code"] for name in layout.names)]
    assert (codes[0] == codes[1], codes[1] == codes[2], codes[3]) == (True, False, None)


def _print(path: Path) -> str:
    from cryptography import x509

    return pki.thumbprint(x509.load_pem_x509_certificate(path.read_bytes()))


# --- seen from a seat in a rehearsal ----------------------------------------------------------------------

Look = Callable[..., Awaitable[tuple[str | None, dict[str, Any]]]]


@pytest.fixture
async def look(plain_lab: Lab) -> AsyncIterator[Look]:
    """Rehearses from one till; its folder and the store are put back afterwards."""
    layout = plain_lab.layout
    kept = plain_lab.layout.root.parent / "kept"
    for part in ("server/certificates", "terminals"):
        shutil.copytree(layout.root / part, kept / part)
    shadow = Shadow(server_host(layout), order(layout))

    async def ask(name: str, **changes: Any) -> tuple[str | None, dict[str, Any]]:
        facts: dict[str, Any] = {}
        try:
            if not shadow.facts:
                await shadow.open()
            ports = {"shadow_port": shadow.facts["port"], "plain_port": shadow.facts["plain_port"], "samples": 1}
            await TerminalProbe(till_host(layout, name), Clock(), order(layout, **{**ports, **changes}), facts).ask()
        except StepError as error:
            return error.finding.code, facts
        return None, facts

    yield ask
    await shadow.close()
    plain_lab.faults(None)
    for part in ("server/certificates", "terminals"):
        shutil.copytree(kept / part, layout.root / part, dirs_exist_ok=True)
    shutil.rmtree(kept)


async def test_a_healthy_till_is_ready(plain_lab: Lab, look: Look) -> None:
    for name in plain_lab.layout.names:
        code, facts = await look(name)
        assert (code, facts["tls"]) == (None, "TLSv1.3")


@pytest.mark.parametrize(
    ("plant", "code"),
    [
        (misconfigurations.wrong_host, "name_mismatch"),
        (misconfigurations.root_missing, "untrusted_root"),
        (misconfigurations.old_tls, "tls_refused"),
        (misconfigurations.wrong_clock, "cert_expired"),
        (misconfigurations.slow_first_contact, "slow_first_contact"),
        (misconfigurations.switched_off, "unreachable"),
    ],
)
async def test_a_till_that_is_not_ready_says_why(
    plain_lab: Lab, look: Look, plant: Callable[[LabLayout, str], None], code: str
) -> None:
    name, other = plain_lab.layout.names[:2]
    plant(plain_lab.layout, name)
    assert (await look(name))[0] == code
    assert (await look(other))[0] is None


async def test_a_clock_that_is_behind(plain_lab: Lab, look: Look) -> None:
    name = plain_lab.layout.names[0]
    misconfigurations.wrong_clock(plain_lab.layout, name, -400 * 86400)
    code, facts = await look(name)
    assert (code, facts["clock_offset_ms"] > 399 * 86_400_000) == ("cert_not_yet_valid", True)


@pytest.mark.parametrize(
    ("plant", "code"),
    [
        (misconfigurations.key_missing, "certificate_key_missing"),
        (misconfigurations.key_in_profile, "key_in_profile"),
        (misconfigurations.key_unusable, "key_unreadable"),
    ],
)
async def test_a_server_that_cannot_rehearse_says_why(
    plain_lab: Lab, look: Look, plant: Callable[[LabLayout], None], code: str
) -> None:
    plant(plain_lab.layout)
    assert (await look(plain_lab.layout.names[0]))[0] == code


async def test_something_that_opens_tls_in_between(plain_lab: Lab, look: Look, tmp_path: Path) -> None:
    name = plain_lab.layout.names[0]
    context = misconfigurations.inspected(plain_lab.layout, name, tmp_path)

    async with opens_tls(context) as port:
        code, facts = await look(name, shadow_port=port)
    assert (code, facts["thumbprint"] != plain_lab.layout.thumbprint) == ("wrong_certificate", True)
