"""The agent's three readers of the registry, on a registry of Windows' own making (Wine's), through the real winreg."""

import json
from pathlib import Path
from typing import Any

from tests.windows.wine import Windows

SCRIPT = Path(__file__).with_name("in_registry.py")
PROFILE = r"""
role = "terminal"
format = "registry"
key = 'HKLM\SOFTWARE\WOW6432Node\Samford'
switch = {at = 'Customers\Secured', true = "True", false = "False"}
host = {at = 'Customers\NetPosHost'}
port = {at = 'Customers\NetPosPort'}
"""


def read(windows: Windows, *arguments: str) -> Any:
    return json.loads(windows.run(windows.path(SCRIPT), *arguments))


def test_http_sys_tables_are_read_as_windows_keeps_them(windows: Windows) -> None:
    before, after = read(windows, "tables", "10101")
    assert before is None, "there are no such keys yet, so there is one reader"
    assert after["urls"] == ["https://+:10101/"]
    assert after["hashes"] == {
        "0.0.0.0:10101": bytes(range(20)).hex().upper(),
        "0.0.0.0:443": None,
        "pos.example:10101": None,
    }


def test_settings_in_the_registry_are_read_switched_and_put_back(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "profile.toml").write_text(PROFILE)
    said, seen, identical = read(windows, "settings", windows.path(tmp_path / "profile.toml"))
    assert said == [False, "netpos", 10101]
    assert seen == [["True", 1], ["netpos", 1], [10101, 4]]
    assert identical
    shown = windows.run("-m", "agents", "profile", "check", windows.path(tmp_path / "profile.toml"))
    assert r"switch   Customers\Secured = " in shown
    assert r"in HKLM\SOFTWARE\WOW6432Node\Samford" in shown


def test_what_a_till_can_speak_is_read_from_schannels_keys(windows: Windows) -> None:
    before, off, server = read(windows, "tls")
    assert "TLSv1.2" in before
    assert off == [version for version in before if version != "TLSv1.2"]
    assert "TLSv1.2" in server, "the server's side has keys of its own"
