"""Contract 6.5 from outside: exit codes, answers, and that nothing in a file or a line brings the command down."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from fleet.management.preflight.guard import Guard
from fleet.management.preflight.limits import FILE_BYTES, MEMORY_BYTES
from fleet.management.preflight.lines import chunks
from fleet.preflight.certificate.assemble import File, Files, assemble
from fleet.preflight.certificate.tolerant.asn1 import children, encode
from tests.preflight.pki import NOW, Issued, ca, key, server

ROOT_FOLDER = Path(__file__).resolve().parents[2]
ROOT = ca("Root", own=key("p256", 80))
LEAF = server(ROOT, "pos-srv", own=key("p256", 81))

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command in a folder with leaf.pem, leaf.der, leaf.pfx, key.pem, root.pem and pw."""
    write = {
        "leaf.pem": LEAF.pem,
        "leaf.der": LEAF.der,
        "leaf.pfx": _pfx(LEAF, BestAvailableEncryption(b"geheim")),
        "key.pem": LEAF.key_pem,
        "root.pem": ROOT.pem,
        "pw": b"geheim\r\n",
        "wrong": b"falsch\n",
        "garbage": b"\x30\x82" + bytes(range(256)) * 8,
    }
    for name, data in write.items():
        (tmp_path / name).write_bytes(data)

    def _run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, str(ROOT_FOLDER / "manage.py"), "check_certificate", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT_FOLDER)},
            capture_output=True,
            text=True,
            input=stdin,
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        return done

    return _run


def _pfx(leaf: Issued, lock: Any) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"pos", leaf.key, leaf.cert, [ROOT.cert], lock)


def _slow_key(rounds: int = 10_000_000) -> bytes:
    """A locked key (PBES2, RFC 8018 appendix A.4) that asks for so many rounds before it can be opened."""

    def element(tag: int, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return bytes([tag, len(body)]) + body

    def oid(hexadecimal: str) -> bytes:
        return element(0x06, bytes.fromhex(hexadecimal))

    digest = element(0x30, oid("2a864886f70d0209"), element(0x05))
    derive = element(0x30, element(0x04, bytes(8)), element(0x02, rounds.to_bytes(4)), digest)
    cipher = element(0x30, oid("60864801650304012a"), element(0x04, bytes(16)))
    scheme = element(0x30, element(0x30, oid("2a864886f70d01050c"), derive), cipher)
    return element(0x30, element(0x30, oid("2a864886f70d01050d"), scheme), element(0x04, bytes(16)))


def _stuck_task() -> bytes:
    def given(what: str, data: bytes) -> dict[str, str]:
        return {"what": what, "data": base64.b64encode(data).decode()}

    password = base64.b64encode(b"geheim").decode()
    files = {"leaf": given("--leaf", _slow_key()), "chain": [], "key": None, "roots": [given("--roots", ROOT.pem)]}
    more = {"password": password, "hosts": [], "times": ["2026-12-01T00:00:00+00:00"], "profile": "terminals"}
    return json.dumps({**files, **more}).encode()


def _codes(done: subprocess.CompletedProcess[str]) -> set[str]:
    return {finding["code"] for finding in json.loads(done.stdout)["findings"]}


def test_a_suitable_certificate_is_0_and_the_answer_has_the_shape_of_the_contract(run: Run) -> None:
    times = ["--at", "2026-12-01T02:00:00+11:00", "--at", "2026-12-30T00:00:00Z"]
    hosts = ["--host", "pos-srv", "--host", "POS-SRV."]
    done = run("--leaf", "leaf.pem", "--key", "key.pem", "--roots", "root.pem", "--json", *hosts, *times)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout) == {
        "schema": 1,
        "id": None,
        "suitable": True,
        "checked_at": ["2026-11-30T15:00:00+00:00", "2026-12-30T00:00:00+00:00"],
        "findings": [],
    }


def test_an_unsuitable_one_is_1_and_says_what_to_do(run: Run) -> None:
    done = run("--leaf", "leaf.der", "--roots", "root.pem", "--host", "10.0.0.5")
    assert done.returncode == 1
    assert done.stdout.startswith("NOT SUITABLE")
    assert "ip_not_in_san" in done.stdout
    assert "IP address entry" in done.stdout


@pytest.mark.parametrize(
    ("leaf", "password", "code"),
    [
        ("leaf.pfx", "pw", None),
        ("leaf.pfx", "wrong", "bad_password"),
        ("garbage", "pw", "malformed_input"),
        ("key.pem", "pw", "no_leaf"),
    ],
)
def test_what_is_in_the_file_is_a_verdict_that_names_the_field(run: Run, leaf: str, password: str, code: str | None) -> None:
    done = run("--leaf", leaf, "--password-file", password, "--roots", "root.pem", "--host", "pos-srv", "--json")
    assert done.returncode == (1 if code else 0)
    assert not code or code in _codes(done)
    assert not code or f"--leaf {leaf}" in done.stdout


def test_a_huge_file_is_a_verdict_and_is_not_read(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(100 * 2**20)
    done = run("--leaf", "leaf.pem", "--roots", "huge", "--json")
    assert (done.returncode, _codes(done)) == (1, {"malformed_input"})
    assert "--roots huge" in done.stdout
    assert FILE_BYTES < 100 * 2**20


def test_a_file_that_burns_time_is_cut_off_with_4_and_names_the_field(run: Run, tmp_path: Path) -> None:
    (tmp_path / "slow.key").write_bytes(_slow_key())
    done = run("--leaf", "leaf.pem", "--key", "slow.key", "--password-file", "pw", "--roots", "root.pem", "--json")
    assert (done.returncode, _codes(done)) == (4, {"check_timeout"})
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["message"].startswith("--key slow.key: the check was stopped")
    # Being too slow is not called a fault of the certificate.
    assert finding["remedy"].startswith("Nothing is known about the certificate yet. Try again")
    assert "honest" not in done.stdout


def _slow_pfx(rounds: int = 10_000_000) -> bytes:
    """A PFX whose seal asks for so many rounds. RFC 7292 4."""
    seal = encode(0x30, encode(0x30, encode(0x30, bytes.fromhex("06052b0e03021a")), encode(0x04, bytes(20))))
    mac = encode(0x30, children(seal)[0].content, encode(0x04, bytes(8)), encode(0x02, rounds.to_bytes(4)))
    safe = encode(0x30, bytes.fromhex("06092a864886f70d010701"), encode(0xA0, encode(0x04, b"\x30\x00")))
    return encode(0x30, b"\x02\x01\x03", safe, mac)


def test_a_pfx_of_many_rounds_is_cut_off_in_either_pass(run: Run, tmp_path: Path) -> None:
    (tmp_path / "slow.pfx").write_bytes(_slow_pfx())
    done = run("--leaf", "slow.pfx", "--password-file", "pw", "--roots", "root.pem", "--json")
    assert (done.returncode, _codes(done)) == (4, {"check_timeout"})
    assert "--leaf slow.pfx: the check was stopped" in done.stdout


def test_what_is_cut_off_after_reading_names_no_file() -> None:
    """The paths are searched when every file was read: then the last one read is not to blame."""
    read: list[str] = []
    assemble(Files(File("--leaf", LEAF.pem), [File("--roots", ROOT.pem)]), (), (NOW,), on_reading=read.append)
    assert read == ["--leaf", "--roots", ""]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--leaf", "none.pem", "--roots", "root.pem"], "--leaf"),
        (["--leaf", ".", "--roots", "root.pem"], "--leaf"),
        (["--leaf", "leaf.pem", "--roots", "none.pem"], "--roots"),
        (["--leaf", "leaf.pem"], "--roots"),
        (["--roots", "root.pem"], "--leaf"),
        (["--leaf", "leaf.pem", "--roots", "root.pem", "--at", "gestern"], "--at"),
        (["--leaf", "leaf.pem", "--roots", "root.pem", "--password-file", "none"], "--password-file"),
        (["--leaf", "leaf.pem", "--roots", "root.pem", "--profile", "lax"], "--profile"),
        (["--leaf", "leaf.pem", "--roots", "root.pem", "--colour", "red"], "--colour"),
    ],
)
def test_unusable_arguments_are_2_and_name_the_field(run: Run, arguments: list[str], named: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert named in done.stderr


def _line(**parts: Any) -> str:
    line = {
        "id": "a",
        "peer_certificate": LEAF.pem.decode(),
        "untrusted_intermediates": [],
        "trusted_certs": [ROOT.pem.decode()],
        "expected_peer_name": {"kind": "DNS", "value": "pos-srv"},
        "validation_time": "2026-12-01T00:00:00Z",
    }
    return json.dumps({**line, **parts})


def test_a_batch_answers_every_line_in_order_and_a_broken_one_does_not_stop_it(run: Run) -> None:
    lines = [
        _line(),
        "{",
        _line(id=7, expected_peer_name={"kind": "DNS", "value": "other"}, unknown_field=1),
        _line(id=None, trusted_certs=None),
        "[" * 100_000,
        _line(id={"any": ["value"]}, peer_certificate="nonsense"),
        _line(id="k", peer_certificate_key=LEAF.key_pem.decode()),
        "",
    ]
    done = run("--batch", stdin="\n".join(lines))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [answer["id"] for answer in answers] == ["a", None, 7, None, None, {"any": ["value"]}, "k"]
    assert [answer["suitable"] for answer in answers] == [True, False, False, False, False, False, True]
    assert [[finding["code"] for finding in answer["findings"]] for answer in answers] == [
        ["key_not_given"],
        ["bad_request"],
        ["name_mismatch", "key_not_given"],
        ["bad_request"],
        ["bad_request"],
        ["malformed_input", "no_leaf"],
        [],
    ]


def _asked(guard: Guard, line: bytes) -> dict[str, Any]:
    (reply,) = guard.ask_lines([line])
    return json.loads(reply.json)


def test_the_caller_lives_when_the_child_is_stuck_and_the_next_question_is_answered() -> None:
    with Guard(seconds=0.5) as guard:
        begun = time.monotonic()
        stuck = guard.ask_files(_stuck_task())
        assert time.monotonic() - begun < 2
        assert (stuck.cut_off, "check_timeout" in stuck.json) == (True, True)
        assert _asked(guard, _line().encode())["suitable"]


def test_a_child_that_dies_is_told_from_an_internal_error() -> None:
    """What the memory limit does to it: the answer is a verdict, and exit 3 is kept for faults of ours."""
    with Guard() as guard:
        assert guard.pid is not None
        os.kill(guard.pid, signal.SIGKILL)
        first, second = guard.ask_lines([_line().encode(), _line().encode()])
        assert (first.cut_off, "check_timeout" in first.json) == (True, True)
        assert json.loads(second.json)["suitable"]
        assert _asked(guard, _line().encode())["suitable"]


def test_the_child_has_a_memory_limit_and_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILLWAY_SECRET_CANARY", "x")
    proc = Path("/proc")
    if not proc.is_dir():
        pytest.skip("/proc is not here: the child's limits are NOT looked at")
    with Guard() as guard:
        limits = (proc / str(guard.pid) / "limits").read_text()
        environment = (proc / str(guard.pid) / "environ").read_bytes()
    assert f"Max address space         {MEMORY_BYTES}" in limits
    assert b"TILLWAY" not in environment


def test_the_child_loads_nothing_of_the_dashboard() -> None:
    heavy = "{'django', 'celery', 'redis'}"
    code = f"import sys, fleet.management.preflight.child; print({{m.split('.')[0] for m in sys.modules}} & {heavy})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT_FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_lines_come_in_any_pieces_and_a_huge_one_is_passed_over() -> None:
    class Pieces:
        def __init__(self, *parts: bytes) -> None:
            self.parts = list(parts)

        def read1(self, size: int, /) -> bytes:
            return self.parts.pop(0) if self.parts else b""

    assert list(chunks(Pieces(b"a\nb", b"c\n\n \n", b"d"))) == [[b"a"], [b"bc"], [b"d"]]
    huge = Pieces(b"a\n" + b"x" * 9, b"x" * 9, b"\nb\n", b"y" * 11)
    assert list(chunks(huge, longest=10)) == [[b"a"], [None, b"b"], [None]]


def test_one_who_sends_a_line_and_waits_gets_the_answer() -> None:
    command = [sys.executable, "manage.py", "check_certificate", "--batch"]
    with subprocess.Popen(command, cwd=ROOT_FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as talk:
        assert talk.stdin is not None
        assert talk.stdout is not None
        for number in range(3):
            talk.stdin.write(_line(id=number).encode() + b"\n")
            talk.stdin.flush()
            assert json.loads(talk.stdout.readline())["id"] == number
        talk.stdin.close()
        assert talk.wait(10) == 0
