"""A profile is refused with every mistake named, and a device works through a good one."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_windows import FakeWindows
from profile_samples import profile, values

from agents import config
from agents.clock import Clock
from agents.files import Files
from agents.hosts.host import ServerHost, TerminalHost
from agents.hosts.inventory.inventory import Inventory
from agents.net import Network
from agents.profiles import validator
from agents.profiles.profile import BUILT_IN, ProfileError

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "profiles"

WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "role missing": ({"role": None}, "role", "write server or terminal"),
    "role unknown": ({"role": "till"}, "role", "write server or terminal"),
    "format missing": ({"format": None}, "format", "write xml, ini, json or registry"),
    "format unknown": ({"format": "yaml"}, "format", "write xml, ini, json or registry"),
    "format no text": ({"format": ["ini"]}, "format", "write xml, ini, json or registry"),
    "file missing": ({"file": None}, "file", "write the settings file's path"),
    "file empty": ({"file": " "}, "file", "write the settings file's path"),
    "key beside a file": ({"key": r"HKLM\SOFTWARE"}, "key", "its fields are access_code, file, format,"),
    "switch missing": ({"switch": None}, "switch.at", "such as \"Customers/Secured\""),
    "switch no section": ({"switch": "Customers/Secured"}, "switch.at", "such as"),
    "selector empty": ({"switch_at": ""}, "switch.at", "section and key"),
    "selector of two lines": ({"port_at": "A\n/B"}, "port.at", "section and key"),
    "host missing": ({"host": None}, "host.at", "section and key"),
    "host on a server": ({"role": "server"}, "host", "its fields are access_code, file, format, port, role, switch"),
    "true missing": ({"switch_true": None}, "switch.true", "write the word that means HTTPS"),
    "true empty": ({"switch_true": []}, "switch.true", "write the word that means HTTPS"),
    "false with a quote": ({"switch_false": "<no>"}, "switch.false", "letters, digits and _.+-"),
    "number in a text format": ({"switch_true": 1}, "switch.true", "a text"),
    "same word": ({"switch_false": ["false", "tRUE"]}, "switch.false", "write a word for one of them only"),
    "same selector": ({"port_at": "customers/secured"}, "port.at", "write where port stands"),
    "unknown field": ({"fiel": "x"}, "fiel", "its fields are"),
    "unknown field inside": ({"switch_yes": "1"}, "switch.yes", "[switch] has at, false, true"),
}  # fmt: skip
WRONG_ELSEWHERE = [
    ("json", {"switch_true": True}, "switch.false", "both with quotes, or both without"),
    ("json", {"switch_true": [1, True]}, "switch.true", "a list of words of one type"),
    ("json", {"switch_true": 1.5}, "switch.true", "a text, a whole number, or true and false without quotes"),
    ("registry", {"switch_true": True}, "switch.true", "a text or a whole number"),
    ("registry", {"key": r"HKCU\SOFTWARE\Samford"}, "key", "under HKLM or HKU"),
    ("registry", {"file": "x"}, "file", "its fields are access_code, format, host, key,"),
    ("registry", {"port_at": "Customers\\"}, "port.at", "a value's name"),
    ("xml", {"switch_at": "Touch//Secured"}, "switch.at", "element names from the root down"),
    ("xml", {"switch_at": "/Touch/Secured"}, "switch.at", "element names from the root down"),
    ("xml", {"switch_at": "Touch/add[@key=UseSSL]/@value"}, "switch.at", "add[@key='UseSSL']/@value"),
    ("xml", {"switch_at": "Touch/@a/b"}, "switch.at", "or an attribute"),
    ("xml", {"switch_at": "@a"}, "switch.at", "or an attribute"),
    ("xml", {"switch_at": "T/a[@k='x']", "port_at": 'T/a[@k="x"]'}, "port.at", "write where port stands"),
]


def _errors(data: dict[str, Any]) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        validator.parse(data)
    return caught.value.errors


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_names_its_field_and_what_would_be_right(name: str) -> None:
    changes, field, advice = WRONG[name]
    assert any(error.startswith(f"{field}: ") and advice in error for error in _errors(values(**changes)))


@pytest.mark.parametrize(("form", "changes", "field", "advice"), WRONG_ELSEWHERE)
def test_so_does_one_of_another_format(form: str, changes: dict[str, Any], field: str, advice: str) -> None:
    assert any(error.startswith(f"{field}: ") and advice in error for error in _errors(values(form, **changes)))


def test_every_mistake_is_told_at_once() -> None:
    errors = _errors(values(role="till", switch_true=None, port=None, color="red"))
    assert [error.partition(":")[0] for error in errors] == ["role", "switch.true", "port.at", "color"]


@pytest.mark.parametrize("text", [b"\xff", b"role = ", b"[a]\n[a]"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "p.toml").write_bytes(text)
    with pytest.raises(ProfileError, match="is not TOML"):
        validator.load(tmp_path / "p.toml")
    with pytest.raises(ProfileError, match="cannot be read"):
        validator.load(tmp_path / "none.toml")


def test_the_xml_example_says_what_is_built_in() -> None:
    built_in, example = BUILT_IN["terminal"], validator.load(EXAMPLES / "touch-xml.toml")
    assert [getattr(example, name) for name in ("role", "format", "switch", "port", "host", "timeout")] == [
        getattr(built_in, name) for name in ("role", "format", "switch", "port", "host", "timeout")
    ]


def test_every_example_is_valid_also_with_a_mark_and_windows_line_ends(tmp_path: Path) -> None:
    examples = sorted(EXAMPLES.glob("*.toml"))
    assert {tomllib.loads(path.read_text())["format"] for path in examples} >= {"xml", "ini"}
    for path in examples:
        text = path.read_text().replace("\n", "\r\n")
        (tmp_path / path.name).write_bytes(text.encode("utf-8-sig"))
        assert validator.load(tmp_path / path.name).switch == validator.load(path).switch


def _config(tmp_path: Path, role: str = "terminal", **changes: Any) -> config.Config:
    common = {"role": role, "name": "x", "gateway": "wss://h:1/agent", "gateway_ca": "ca.pem", "state": "state"}
    entries = {**common, **({"store": "store"} if role == "server" else {}), **changes}
    # JSON's texts are TOML's.
    (tmp_path / "agent.toml").write_text(
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in entries.items() if value is not None)
    )
    return config.load(tmp_path / "agent.toml")


def _write(path: Path, form: str = "ini", **changes: Any) -> None:
    lines = []
    for name, value in values(form, **changes).items():
        pairs = ", ".join(f"{key} = {json.dumps(item)}" for key, item in value.items()) if isinstance(value, dict) else ""
        lines.append(f"{name} = {{{pairs}}}" if pairs else f"{name} = {json.dumps(value)}")
    path.write_text("\n".join(lines))


def test_an_agents_configuration_names_a_profile(tmp_path: Path) -> None:
    _write(tmp_path / "p.toml")
    assert _config(tmp_path, settings="Touch.xml").profile is None
    loaded = _config(tmp_path, profile="p.toml")
    assert (loaded.profile, loaded.settings) == (validator.load(tmp_path / "p.toml"), tmp_path / "Touch.ini")
    assert _config(tmp_path, profile="p.toml", settings="here.ini").settings == tmp_path / "here.ini"


def test_a_configuration_with_a_wrong_profile_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "p.toml", switch_true=None)
    with pytest.raises(config.ConfigError, match=r"profile: .*p\.toml: switch\.true: is missing"):
        _config(tmp_path, profile="p.toml")
    _write(tmp_path / "p.toml")
    with pytest.raises(config.ConfigError, match="is for a terminal, this agent's role is server"):
        _config(tmp_path, "server", profile="p.toml")
    _write(tmp_path / "p.toml", "registry")
    assert _config(tmp_path, profile="p.toml").settings is None
    with pytest.raises(config.ConfigError, match="settings: must be left out"):
        _config(tmp_path, profile="p.toml", settings="Touch.ini")
    with pytest.raises(config.ConfigError, match="settings: is missing"):
        _config(tmp_path)


TILLS = {
    "ini": '\ufeff; Küche\r\n[Customers]\r\nNetPosHost=localhost\r\nNetPosPort={}\r\nsecured = "no"\r\n[X]\r\nSecured=no\r\n',
    "json": '{{"Customers": {{"NetPosHost": "local\\u0068ost", /* 1 */ "NetPosPort": {}, "Secured": false}}, "Café": 1.50e1}}',
}
WORDS: dict[str, dict[str, Any]] = {
    "ini": {"switch_true": "yes", "switch_false": "no"},
    "json": {"switch_true": True, "switch_false": False},
}


@pytest.mark.parametrize("form", TILLS)
async def test_a_till_is_switched_and_restored_through_its_profile(
    form: str, windows: FakeWindows, port: int, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable,
    tmp_path: Path,
) -> None:  # fmt: skip
    path = tmp_path / f"Touch.{form}"
    path.write_bytes(before := TILLS[form].format(port).encode())
    windows.urlacl = [[f"https://+:{port}/", "D:(A;;GX;;;WD)"]]
    windows.sslcert = [[f"0.0.0.0:{port}", windows.certificate.thumbprint, "{x}", "MY"]]
    windows.listener.close()
    await windows.listen(tls=True)
    object.__setattr__(terminal.config, "settings", path)
    object.__setattr__(terminal.config, "profile", profile(form, **WORDS[form]))
    host = TerminalHost(terminal.config, Network(), Files())
    assert (await Inventory(host, Clock()).facts())["error"] is None
    driver = make_driver(host)
    assert (await driver.do(make_instruction("terminal"))).outcome == "done"
    old, new = (b'secured = "no"', b'secured = "yes"') if form == "ini" else (b'"Secured": false', b'"Secured": true')
    assert path.read_bytes() == before.replace(old, new)
    windows.listener.close()
    windows.urlacl = []
    await windows.listen(tls=False)
    assert (await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))).outcome == "done"
    assert path.read_bytes() == before


def test_a_server_reads_through_its_profile(server: ServerHost, tmp_path: Path) -> None:
    (tmp_path / "NetPOS.ini").write_bytes(b"[General]\nPort=10101\nUseSSL=Yes\n")
    object.__setattr__(server.config, "settings", tmp_path / "NetPOS.ini")
    object.__setattr__(server.config, "profile", validator.load(EXAMPLES / "netpos-ini.toml"))
    host = ServerHost(server.config, Network(), Files())
    assert (host.scheme(), host.port(), host.target(None).tls) == ("https", 10101, True)
    assert host.reading(host.settings()).switched(False) == b"[General]\nPort=10101\nUseSSL=0\n"


def test_only_a_server_on_windows_may_leave_out_its_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"store": None, "role": "server", "settings": "NetPOS.xml"}
    monkeypatch.setattr(config, "sys", SimpleNamespace(platform="linux"))
    with pytest.raises(config.ConfigError, match="store: is missing, a server agent needs its certificate store"):
        _config(tmp_path, **missing)
    monkeypatch.setattr(config, "sys", SimpleNamespace(platform="win32"))
    assert _config(tmp_path, **missing).store is None
    assert _config(tmp_path, role="server", settings="NetPOS.xml").store == tmp_path / "store"
