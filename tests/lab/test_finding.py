"""What agents find on the lab's devices, through its emulated netsh and sc."""

import dataclasses
import json
from pathlib import Path

import pytest

from agents import config
from agents.commands import find as command
from agents.hosts.finding import documents, looking, server
from agents.hosts.finding.proposal import Proposal
from tests.lab.conftest import Lab, find_programs

pytestmark = pytest.mark.lab


@pytest.fixture
def found(plain_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    find_programs(monkeypatch, plain_lab.layout)
    return plain_lab


async def look(path: Path) -> list[Proposal]:
    return await looking.find(config.load(path))


async def test_everything_is_found_on_the_server(found: Lab) -> None:
    proposals = await look(found.layout.server_agent_config)
    settings = str((found.server / "NetPOSSettings.xml").resolve())
    assert [(one.field, one.value, one.state) for one in proposals] == [
        ("service", "NetPOSNet", "in_use"),
        ("monitor", "SwiftPOSServicesMonitor", "in_use"),
        ("settings", settings, "in_use"),
        ("port", str(found.port), "told"),
        ("reservation", f"http://+:{found.port}/", "told"),
    ]
    reasons = {one.field: one.reason for one in proposals}
    assert reasons["service"] == "Windows shows this service as “NetPOS.Net”."
    assert reasons["settings"] == (
        f"It says {found.port} at NetPOSSettings/General/Port, and this computer listens at port {found.port}."
    )


async def test_everything_is_found_on_a_terminal(found: Lab) -> None:
    name = found.layout.names[0]
    proposals = await look(found.layout.agent_config(name))
    settings = str(found.layout.terminal_dir(name) / "TouchSettings.xml")
    assert [(one.field, one.value) for one in proposals] == [
        ("settings", settings), ("host", "localhost"), ("port", str(found.port)),
    ]  # fmt: skip
    assert proposals[1].reason == "TouchSettings.xml says so at TouchSettings/Customers/NetPosHost."


async def test_a_german_windows_says_the_same(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    options = lab.json("lab.json")
    (lab.server / "lab.json").write_text(json.dumps(options | {"language": "german"}))
    lab.netpos()
    find_programs(monkeypatch, lab.layout)
    fields = [one.field for one in await look(lab.layout.server_agent_config)]
    assert fields == ["service", "monitor", "settings", "port", "reservation"]


async def test_a_service_whose_program_lies_in_the_makers_folder_is_found(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    data = lab.json("services.json")
    for row in data["services"][:2]:
        row["display"] = "A service"
        del row["program"]
    data["services"][0]["name"] = "Loyalty"
    (lab.server / "services.json").write_text(json.dumps(data))
    find_programs(monkeypatch, lab.layout)
    (service, *_) = await look(lab.layout.server_agent_config)
    assert service == Proposal(
        "service", "Loyalty", r"The program of this service is C:\Program Files (x86)\Samford Software\Loyalty.exe.", "fixed"
    )


async def test_what_the_configuration_does_not_say_can_be_confirmed(found: Lab, tmp_path: Path) -> None:
    own = config.load(found.layout.server_agent_config)
    own = dataclasses.replace(own, settings=tmp_path / "other.xml", said=frozenset())
    states = {one.field: one.state for one in await looking.find(own)}
    assert states == {"service": "in_use", "monitor": "in_use", "settings": "new", "port": "told", "reservation": "told"}


def test_the_command_prints_the_same_list(found: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--config", str(found.layout.server_agent_config)]) == 0
    printed = capsys.readouterr().out
    assert "service = NetPOSNet  (this agent uses it)\n    Windows shows this service as “NetPOS.Net”." in printed
    assert f"reservation = http://+:{found.port}/" in printed


def test_the_command_works_before_anybody_knows_where_the_settings_are(
    found: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = found.layout.server_agent_config.read_text()
    path = tmp_path / "agent.toml"
    path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("settings")))
    assert command.main(["--config", str(path)]) == 0
    assert "NetPOSSettings.xml  (to confirm on the Site page, or to write into agent.toml)" in capsys.readouterr().out
    path.write_text("role = 1")
    assert command.main(["--config", str(path)]) == 1
    assert "role" in capsys.readouterr().err


# --- files -------------------------------------------------------------------------------------------


def test_data_of_a_program_is_looked_for_below_program_data(tmp_path: Path) -> None:
    environ = {"ProgramFiles(x86)": str(tmp_path / "x86"), "ProgramData": str(tmp_path / "data")}
    program = tmp_path / "x86" / "Samford Software" / "NetPOS" / "NetPOS.exe"
    assert server.folders_of(str(program), environ) == [program.parent, tmp_path / "data" / "Samford Software"]
    assert server.folders_of("NetPOS.exe", environ) == []


def test_values_have_selectors_that_a_settings_profile_can_use() -> None:
    xml = (
        b"<?xml version='1.0' encoding='windows-1252'?><configuration><appSettings><add key='Port' value=' 10101 '/>"
        b"</appSettings><Server port='2'>K\xfcche<x/></Server><Empty> </Empty></configuration>"
    )
    assert [(value.selector, value.name, value.text) for value in documents.read(xml)] == [
        ('configuration/appSettings/add[@key="Port"]/@value', "Port", "10101"),
        ("configuration/Server/@port", "port", "2"),
    ]


@pytest.mark.parametrize(
    "data", [b"", b"<a>", b"\xff\xfe<", b"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>", b"MZ\x90\x00", b"<a>\0</a>"]
)
def test_what_is_no_settings_file_is_passed_over(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(data)
    assert documents.below([tmp_path]) == []


def test_looking_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_FILES", 3)
    monkeypatch.setattr(documents, "MAX_BYTES", 100)
    deep = tmp_path
    for number in range(documents.MAX_DEPTH + 1):
        (deep / f"{number}.xml").write_text("<a>1</a>")
        deep = deep / "deeper"
        deep.mkdir()
    (deep / "too-deep.xml").write_text("<a>1</a>")
    (tmp_path / "large.xml").write_text(f"<a>{'x' * 100}</a>")
    (tmp_path / "link.xml").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [document.path.name for document in documents.below([tmp_path, tmp_path / "missing"])] == ["0.xml", "1.xml"]
    monkeypatch.setattr(documents, "MAX_FILES", 100)
    names = [document.path.name for document in documents.below([tmp_path])]
    assert names == [f"{number}.xml" for number in range(documents.MAX_DEPTH + 1)]
