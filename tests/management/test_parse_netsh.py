"""Contract 6.6 from outside. The captures are not ours to publish: where they are missing, the tests on them are
skipped, aloud."""

import json
import random
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

CAPTURES = Path("/work/shared/netsh")
NAMES = [path.stem for path in sorted(CAPTURES.glob("*.json")) if not path.stem.startswith("sc_")]
ROOT_FOLDER = Path(__file__).resolve().parents[2]
# Letters of scripts that Windows is sold in; none of them is ASCII, so that a label can never look like a value.
SCRIPTS = [
    "äöüßéñçøåœ",
    "абвгдежзий",
    "αβγδεζηθικ",
    "אבגדהוזחטי",
    "ابتثجحخدذر",
    "คงจฉชซญฐณด",
    "证书哈希绑定应用程序",
    "かきくけこさし",
    "가나다라마바사",
]

needs_captures = pytest.mark.skipif(not NAMES, reason=f"{CAPTURES} is not here: netsh captures are NOT read")


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def _parse(data: bytes, what: str, **options: str) -> dict[str, Any]:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
        call_command("parse_netsh", what, **options)
        return json.loads(capsys.readouterr().out)

    return _parse


def _rows(expected: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    rows = [row for row in expected if row.get("kind") == kind]
    if kind == "urlacl":
        return [{"url": row["url"], "sddl": row["sddl"]} for row in rows]
    keys = ("endpoint", "certhash", "appid", "store")
    return [{key: row[key].upper() if key == "certhash" and row[key] else row[key] for key in keys} for row in rows]


def _relabelled(text: str, rng: random.Random) -> str:
    """The same output in a language that does not exist: every label becomes random words of one script."""
    script = rng.choice(SCRIPTS)
    lines = []
    for line in text.split("\n"):
        label, colon, value = _split(line)
        if colon:
            words = " ".join("".join(rng.choices(script, k=rng.randrange(2, 9))) for _ in range(rng.randrange(1, 4)))
            indent = label[: len(label) - len(label.lstrip())]
            line = indent + words + " " * rng.randrange(12) + colon + value
        lines.append(line)
    return "\n".join(lines)


def _split(line: str) -> tuple[str, str, str]:
    """Label, colon and value as a reader sees them: the last colon with a blank after it, or a full-width one."""
    for colon in ("\uff1a", ": ", ":\u00a0"):
        if colon in line:
            label, _, value = line.rpartition(colon)
            return label, colon, value
    return line, "", ""


@needs_captures
@pytest.mark.parametrize("name", NAMES)
def test_every_capture_is_read_right(name: str, parse: Any) -> None:
    about = json.loads((CAPTURES / f"{name}.json").read_text())
    data = (CAPTURES / f"{name}.txt").read_bytes()
    for kind in ("sslcert", "urlacl"):
        got = parse(data, kind, encoding=about.get("encoding") or "utf-8")
        assert got["rows"] == _rows(about["expected"], kind)
        assert got["certain"] is (bool(got["rows"]) and all(row.get("certhash", "") is not None for row in got["rows"]))


@needs_captures
@pytest.mark.parametrize("name", NAMES)
def test_every_capture_is_read_right_in_languages_that_do_not_exist(name: str, parse: Any) -> None:
    about = json.loads((CAPTURES / f"{name}.json").read_text())
    text = (CAPTURES / f"{name}.txt").read_bytes().decode(about.get("encoding") or "utf-8", errors="replace")
    for seed in range(20):
        other = _relabelled(text, random.Random(f"{name} {seed}")).encode()
        for kind in ("sslcert", "urlacl"):
            assert parse(other, kind)["rows"] == _rows(about["expected"], kind), seed


def test_an_empty_list_is_certain_and_an_unread_text_is_not(parse: Any) -> None:
    assert parse(b"", "sslcert") == {"rows": [], "certain": True}
    assert parse(b"Zugriff verweigert", "sslcert") == {"rows": [], "certain": False}
    unreadable = b"    a : 0.0.0.0:10101\n    b : (null)\n"
    assert parse(unreadable, "sslcert")["certain"] is False


def test_a_code_page_is_decoded_and_an_unknown_one_refused(parse: Any) -> None:
    text = "    Réservée : https://+:10101/\n        SDDL : D:(A;;GX;;;WD)\n"
    assert parse(text.encode("cp850"), "urlacl", encoding="cp850")["rows"] == [
        {"url": "https://+:10101/", "sddl": "D:(A;;GX;;;WD)"}
    ]
    for encoding in ("klingon", "hex"):
        with pytest.raises(CommandError, match="--encoding"):
            parse(b"x", "urlacl", encoding=encoding)


def test_from_a_shell_it_reads_bytes_of_any_kind() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "parse_netsh", "sslcert"], cwd=ROOT_FOLDER, input=bytes(range(256)), capture_output=True
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, {"rows": [], "certain": False})
