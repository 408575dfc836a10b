"""netsh and sc in every language and dress: what the agent reads and decides is the same as in English. The agent's
own code runs the emulated programs; nothing here looks at a text but to prove that it is another one."""

import ast
import importlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from agents import catalogue
from agents.errors import StepError
from agents.hosts import netsh, netsh_text, program, sc, sc_text
from agents.hosts.netsh_text import Binding, Reservation
from agents.lab import build, netsh_out, sc_out
from agents.lab.texts import languages
from tests.lab.conftest import Lab, copied

pytestmark = pytest.mark.lab

# One process costs 50 ms: each language, each dress, and the two together where they meet another rule.
RUN = ("english", "english-wrapped", "german-oem", "italian", "portuguese", "made-up", "made-up-wrapped", "made-up-wrapped-oem")
TABLES = ("german", "italian", "portuguese")
EVERYONE = {"english": "Everyone", "german": "Jeder", "italian": "Everyone", "portuguese": "Todos"}

SERVICE_SID = "S-1-5-80-1234567890-123456789-123456789-123456789-1234567890"
SDDL = f"D:(A;;GX;;;{SERVICE_SID})(A;;GX;;;LS)(A;;GA;;;WD)"
URL = "https://+:10443/"
STORE = "MY"


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with copied(template, tmp_path_factory.mktemp("languages") / "lab") as made:
        yield made


@pytest.fixture
def speaks(shared: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Lab]]:
    """Sets the site's options; its programs come first on PATH, and its tables are put back."""
    monkeypatch.setenv("PATH", f"{shared.server / 'bin'}{os.pathsep}{os.environ['PATH']}")
    kept = {name: (shared.server / name).read_bytes() for name in ("lab.json", "httpsys.json", "services.json")}

    def speaks(language: str, **options: Any) -> Lab:
        (shared.server / "lab.json").write_text(json.dumps({"urlacl_conflict": True, "language": language, **options}))
        return shared

    yield speaks
    for name, data in kept.items():
        (shared.server / name).write_bytes(data)


async def refusal(call: Any) -> tuple[str, str]:
    """The finding's code, and its message up to the text that Windows gave."""
    with pytest.raises(StepError) as caught:
        await call
    return caught.value.finding.code, caught.value.finding.message.partition(": ")[0]


@pytest.mark.parametrize("language", RUN)
async def test_reservations_and_bindings_go_round_as_in_english(speaks: Callable[..., Lab], language: str) -> None:
    lab = speaks(language)
    before, port = lab.json("httpsys.json"), lab.port
    there = await netsh.reservations()
    assert [(row.url, row.sddl) for row in there] == [(row["url"], row["sddl"]) for row in before["urlacl"]]
    assert [row.port for row in await netsh.bindings(8443)] == [8443]
    assert await netsh.bindings(port) == ()

    await netsh.add_reservation(URL, SDDL)
    await netsh.add_reservation(URL, SDDL)  # 183, and read back as the very same
    assert await netsh.reservations() == (*there, Reservation(URL, SDDL))
    ours = Binding(netsh.endpoint(port), lab.layout.thumbprint, catalogue.APPID, STORE)
    await netsh.add_binding(ours)
    await netsh.add_binding(ours)  # 183 again
    assert await netsh.bindings(port) == (ours,)

    await netsh.delete_binding(ours)
    await netsh.delete_reservation(URL)
    await netsh.delete_reservation(URL)  # 2: what is not there need not be deleted
    assert lab.json("httpsys.json") == before


@pytest.mark.parametrize("language", RUN)
async def test_error_numbers_mean_the_same_as_in_english(speaks: Callable[..., Lab], language: str) -> None:
    lab = speaks(language)
    port, taken = lab.port, f"https://+:{lab.port}/"
    ours = Binding(netsh.endpoint(port), lab.layout.thumbprint, catalogue.APPID, STORE)
    before = lab.json("httpsys.json")

    numbers = {
        2: ("delete", "urlacl", f"url={URL}"),
        87: ("add", "urlacl", "url=http://+:7001", f"sddl={SDDL}"),
        183: ("add", "urlacl", f"url=http://+:{port}/", f"sddl={SDDL}"),
        1312: ("add", "sslcert", f"ipport=0.0.0.0:{port}", f"certhash={'ab' * 20}", f"appid={catalogue.APPID}"),
        1332: ("add", "urlacl", f"url={URL}", "user=nobody at all"),
    }
    for number, words in numbers.items():
        output = await program.run("netsh", "http", *words)
        assert (output.code, netsh_text.error_number(output.text)) == (1, number)
    assert await refusal(netsh.add_reservation(taken, SDDL)) == ("record_exists", f"the reservation of {taken} failed")
    assert await refusal(netsh.add_binding(replace(ours, certhash="AB" * 20))) == (
        "certificate_key_missing",
        f"binding the certificate to 0.0.0.0:{port} failed",
    )
    # 87 without its number: netsh refuses the value itself.
    assert await refusal(netsh.add_reservation(URL, "D:(X)")) == ("netsh_refused", f"the reservation of {URL} failed")
    await netsh.add_binding(ours)
    assert (await refusal(netsh.add_binding(replace(ours, certhash="AB" * 20))))[0] == "foreign_binding"
    await netsh.delete_binding(ours)
    assert lab.json("httpsys.json") == before

    speaks(language, elevated=False)
    assert await refusal(netsh.add_reservation(URL, SDDL)) == ("access_denied", f"the reservation of {URL} failed")
    assert (await refusal(netsh.add_binding(ours)))[0] == "access_denied"
    there = f"http://+:{port}/"
    assert (await refusal(netsh.delete_reservation(there)))[0] == "access_denied"
    assert len(await netsh.reservations()) == len(before["urlacl"])
    assert lab.json("httpsys.json") == before


@pytest.mark.parametrize("language", sorted(EVERYONE))
async def test_accounts_have_other_names_and_the_agent_needs_none(speaks: Callable[..., Lab], language: str) -> None:
    lab = speaks(language)
    for number, name in enumerate(sorted({*EVERYONE.values(), "Tutti"})):
        output = await program.run("netsh", "http", "add", "urlacl", f"url=http://+:{7001 + number}/", f"user={name}")
        assert netsh_text.error_number(output.text) == (None if name == EVERYONE[language] else 1332)
    added = lab.json("httpsys.json")["urlacl"][-1]
    assert added["sddl"] == catalogue.EVERYONE_LISTENS
    await netsh.delete_reservation(added["url"])
    await netsh.add_reservation(added["url"], catalogue.EVERYONE_LISTENS)
    assert Reservation(added["url"], catalogue.EVERYONE_LISTENS) in await netsh.reservations()
    text = (await program.run("netsh", "http", "show", "urlacl", f"url={added['url']}")).text
    assert f"\\{EVERYONE[language]}\n" in text


@pytest.mark.parametrize("language", RUN)
async def test_services_are_read_and_refused_as_in_english(speaks: Callable[..., Lab], language: str) -> None:
    lab = speaks(language)
    name = "NetPOSNet"
    assert (await sc.query(name)).state == 4
    assert await sc.start_type(name) == "auto"
    await sc.set_start_type(name, "demand")
    assert await sc.start_type(name) == "demand"
    assert (await refusal(sc.query("Nothing")))[0] == "service_missing"
    rows = lab.json("services.json")
    next(row for row in rows["services"] if row["name"] == name).update(state="stopped", start_type="disabled")
    (lab.server / "services.json").write_text(json.dumps(rows))
    assert (await refusal(sc.start(name)))[0] == "service_disabled"
    await sc.stop(name)
    speaks(language, elevated=False)
    assert (await refusal(sc.start(name)))[0] == "access_denied"


ROWS = [
    {
        "endpoint": "0.0.0.0:10101",
        "certhash": "61d34f532da121bbab64723c4871e72c92f03735",
        "appid": catalogue.APPID,
        "store": "MY",
    },
    {"endpoint": f"{'till-' * 12}1.venue.example:10443", "certhash": "5d" * 20, "appid": catalogue.APPID, "store": None},
    {"endpoint": "CCS:443", "certhash": None, "appid": "{4dc3e181-e14b-4a21-b022-59fc669b0914}", "store": None},
    {"endpoint": "[fe80::1]:443", "certhash": "07" * 20, "appid": catalogue.APPID, "store": "MY"},
]
URLS = [
    {"url": "http://+:80/Temporary_Listen_Addresses/", "sddl": catalogue.EVERYONE_LISTENS},
    {"url": f"https://{'till-' * 12}1.venue.example:10101/{'path/' * 30}", "sddl": SDDL},
    {"url": "https://*:5358/", "sddl": f"D:{'(A;;GX;;;BU)' * 40}(A;;GX;;;{SERVICE_SID})"},
]


@pytest.mark.parametrize("name", ["english", "german-oem", "italian", "portuguese-oem", "made-up", "made-up-oem"])
def test_every_language_is_read_however_its_lines_are_broken(name: str) -> None:
    say, plain = languages.Language(name).say, languages.Language(name)
    shown = {
        "sslcert": netsh_out.sslcert(say, ROWS),
        "urlacl": netsh_out.urlacl(say, URLS),
        **{str(number): netsh_out.failure(say, "add", "urlacl", number) for number in netsh_out.TEXTS},
    }
    for width in (*range(60, 133), 10_000):
        text = {what: plain.printed(languages.wrapped(out, width)).decode("utf-8", "replace") for what, out in shown.items()}
        bindings = netsh_text.parse_sslcert(text["sslcert"])
        assert [(row.endpoint, row.certhash, row.appid) for row in bindings.rows] == [
            (row["endpoint"], row["certhash"] and row["certhash"].upper(), row["appid"]) for row in ROWS
        ], width
        assert bindings.certain
        found = netsh_text.parse_urlacl(text["urlacl"])
        assert [{"url": row.url, "sddl": row.sddl} for row in found.rows] == URLS, width
        for number in netsh_out.TEXTS:
            assert netsh_text.error_number(text[str(number)]) == number, width


@pytest.mark.parametrize("name", ["english", "german-oem", "italian", "portuguese-oem", "made-up", "made-up-oem"])
def test_what_the_inventory_asks_is_read_in_every_language(name: str) -> None:
    say, plain = languages.Language(name).say, languages.Language(name)
    row = {"name": "NetPOSNet", "state": "running", "start_type": "auto", "dependents": []}
    needing = [sc_out.status({**row, "name": each}, None, 0) for each in ("Kiosk API", "Loyalty")]
    texts = {
        "none": sc_out.recovery(say, row),
        "twice": sc_out.recovery(say, {**row, "recovery": 2}),
        "pid": sc_out.status(row, None, 0, pid=812),
        "needing": sc_out.enumerated(say, needing),
        "alone": sc_out.enumerated(say, []),
        "listening": netsh_out.iplisten(say, ["127.0.0.1", "::1"]),
        "everywhere": netsh_out.iplisten(say, []),
    }
    for width in (80, 120, 10_000):
        text = {what: plain.printed(languages.wrapped(out, width)).decode("utf-8", "replace") for what, out in texts.items()}
        assert [sc_text.parse_recovery(text[what]) for what in ("none", "twice")] == [False, True]
        assert sc_text.parse_process(text["pid"]) == 812
        assert [sc_text.parse_names(text[what]) for what in ("needing", "alone")] == [("Kiosk API", "Loyalty"), ()]
        assert netsh_text.parse_iplisten(text["listening"]) == ("127.0.0.1", "::1")
        assert netsh_text.parse_iplisten(text["everywhere"]) == ()


@pytest.mark.parametrize("table", TABLES)
def test_a_table_translates_only_texts_that_are_said_and_its_code_page_has_them(table: str) -> None:
    texts = importlib.import_module(f"agents.lab.texts.{table}").TEXTS
    said = {
        node.value
        for module in (netsh_out, sc_out)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(texts) <= said
    text = "\n".join(texts.values())
    assert languages.Language(f"{table}-oem").printed(text).decode("cp850") == text
    assert languages.Language(table).printed(text).decode() == text


def test_the_oem_code_page_is_what_comes_out_of_the_program(speaks: Callable[..., Lab]) -> None:
    def out(language: str) -> bytes:
        lab = speaks(language)
        done = subprocess.run([str(lab.server / "bin" / "netsh"), "http", "show", "urlacl"], capture_output=True, check=True)
        return done.stdout

    assert b"Abh\x94ren: Ja" in out("german-oem")
    assert "Abhören: Ja".encode() in out("german")
    assert b"??????" in out("made-up-oem")
    assert max(map(len, out("made-up-wrapped").decode().splitlines())) == languages.WIDTH


def test_an_unknown_language_is_refused_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"'klingon' is none of english, .*german-oem.*made-up-wrapped"):
        call_command("demo", "--language", "klingon", "--dir", str(tmp_path / "demo"))
    with pytest.raises(ValueError, match="'klingon' is not a language of the lab; choose one of english, "):
        build.build(tmp_path / "lab", terminals=1, seed=1, port=1, gateway="", gateway_ca=tmp_path, language="klingon")
    assert list(tmp_path.iterdir()) == []
