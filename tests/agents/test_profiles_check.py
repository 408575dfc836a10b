"""`python -m agents profile check`: it shows everything and changes nothing."""

from pathlib import Path

import pytest

from agents.__main__ import main

PROFILE = """
role = "terminal"
format = "ini"
file = "Touch.ini"
switch = {at = "Customers/Secured", true = "On", false = "Off"}
host = {at = "Customers/NetPosHost"}
port = {at = "Customers/NetPosPort"}
"""
SETTINGS = "\ufeff; Küche\r\n[Customers]\r\nNetPosHost=kasse.café\r\n  NetPosPort = 10101\r\nSecured=off\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.toml").write_text(PROFILE)
    (tmp_path / "Touch.ini").write_bytes(SETTINGS.encode("utf-16-le"))
    return tmp_path


def _state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_it_shows_what_is_read_where_and_what_would_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, folder_time = _state(folder), folder.stat().st_mtime_ns
    assert main(["profile", "check", str(folder / "p.toml")]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[1] == f"Touch.ini: {len(SETTINGS) * 2} bytes"
    assert "switch   Customers/Secured = off   line 5, column 9" in lines
    assert "host     Customers/NetPosHost = kasse.café   line 3, column 12" in lines
    assert "port     Customers/NetPosPort = 10101   line 4, column 16" in lines
    assert "timeout  6 (the profile does not name its place; 6 s is Touch's default)" in lines
    assert lines[lines.index("- Secured=off") + 1] == "+ Secured=On"
    assert lines[lines.index("- Secured=off") - 1] == "  line 5, column 9"
    assert "This terminal speaks HTTP. To make it speak HTTPS, only this would change:" in lines
    assert (_state(folder), folder.stat().st_mtime_ns) == (before, folder_time)


@pytest.mark.parametrize(
    ("section", "line"),
    [
        (
            'how = "program"\nname = "T.exe"\nstart = \'C:\\T.exe\'',
            "restart  T.exe is closed within 60 s, then started: C:\\T.exe",
        ),
        ('how = "reboot"\nlimit_s = 90', "restart  the whole terminal, which may take 90 s to shut down"),
    ],
)
def test_it_says_how_touch_would_be_restarted(
    folder: Path, capsys: pytest.CaptureFixture[str], section: str, line: str
) -> None:
    assert main(["profile", "check", str(folder / "p.toml")]) == 0
    assert "restart" not in capsys.readouterr().out
    (folder / "p.toml").write_text(f"{PROFILE}\n[restart]\n{section}\n")
    assert main(["profile", "check", str(folder / "p.toml")]) == 0
    assert line in capsys.readouterr().out.splitlines()


def test_the_way_back_is_shown_for_a_device_on_https(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other.ini").write_bytes(SETTINGS.replace("=off", '="ON"').encode())
    assert main(["profile", "check", str(folder / "p.toml"), "--settings", str(folder / "other.ini")]) == 0
    out = capsys.readouterr().out
    assert '- Secured="ON"\n+ Secured="Off"\n' in out
    assert "speaks HTTPS. To make it speak HTTP, only this" in out


def test_a_long_line_is_cut_and_control_characters_are_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.toml").write_text(PROFILE.replace('"ini"', '"json"').replace('"On"', "true").replace('"Off"', "false"))
    text = (
        f'{{"x":"{"0" * 5000}","Customers":{{"NetPosHost":"a\\u001b[0m","NetPosPort":"1","Secured":false}},"y":"{"1" * 5000}"}}'
    )
    (folder / "Touch.ini").write_text(text)
    assert main(["profile", "check", str(folder / "p.toml")]) == 0
    out = capsys.readouterr().out
    assert "a\\x1b[0m" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) < 160
    assert '"Secured":true},"y":"111' in out


def test_every_setting_that_cannot_be_read_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _state(folder)
    (folder / "Touch.ini").write_text("[Customers]\nNetPosPort=99999\nSecured=perhaps\n")
    assert main(["profile", "check", str(folder / "p.toml")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Customers/Secured is neither On nor Off" in err
    assert "Customers/NetPosHost is missing" in err
    assert "port_out_of_range: Touch.ini: Customers/NetPosPort is not a whole number from 1 to 65535" in err
    assert _state(folder)["p.toml"] == before["p.toml"]


def test_a_file_that_does_not_parse_is_named_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "Touch.ini").write_text("[Customers\n")
    assert main(["profile", "check", str(folder / "p.toml")]) == 1
    assert capsys.readouterr().err.count("settings_not_ini") == 1


def test_a_file_that_is_not_there_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "check", str(folder / "p.toml"), "--settings", str(folder / "none.ini")]) == 1
    assert "none.ini: No such file" in capsys.readouterr().err


def test_a_wrong_profile_is_told_field_by_field(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.toml").write_text(PROFILE.replace('"terminal"', '"till"').replace(', false = "Off"', ""))
    assert main(["profile", "check", str(folder / "p.toml")]) == 1
    err = capsys.readouterr().err.splitlines()
    assert [line.partition("p.toml: ")[2].partition(":")[0] for line in err] == ["role", "switch.false"]


def test_a_registry_can_only_be_read_on_windows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = PROFILE.replace('"ini"', '"registry"').replace('file = "Touch.ini"', r"key = 'HKLM\SOFTWARE\Samford'")
    (folder / "p.toml").write_text(registry.replace("Customers/", ""))
    assert main(["profile", "check", str(folder / "p.toml")]) == 1
    assert "a registry can only be read on Windows" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["profile", "check", str(folder / "p.toml"), "--settings", "x"])


@pytest.mark.parametrize("arguments", [[], ["check"], ["change", "p.toml"], ["check", "p.toml", "--force"]])
def test_a_wrong_command_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["profile", *arguments])
