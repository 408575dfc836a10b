"""The cases in cases/: files as devices have them, each with a command and what is right. The commands are run as a
person runs them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT, CASES = Path(__file__).resolve().parents[2], Path(__file__).with_name("cases")
ALL: list[dict[str, Any]] = json.loads((CASES / "cases.json").read_text())


@pytest.mark.parametrize("case", ALL, ids=[case["id"] for case in ALL])
def test_each_case_is_right(case: dict[str, Any]) -> None:
    expect = dict(case["expect"])
    manage = case["args"][0] == "parse_netsh"
    program = [str(ROOT / "manage.py")] if manage else ["-m", "agents"]
    data = (CASES / case["stdin"]).read_bytes() if "stdin" in case else b""
    command = [sys.executable, *program, *case["args"]]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"}
    done = subprocess.run(command, input=data, cwd=CASES, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == expect.pop("exit", 0), done.stderr.decode()
    said = done.stdout.decode()
    for words in expect.pop("says", ()):
        assert words in said
    if manage:
        told = json.loads(said)
        assert told["rows"] == expect.pop("rows_include")
        assert told["certain"] is expect.pop("certain")
    assert not expect, "the case asks for something that this test does not know"
