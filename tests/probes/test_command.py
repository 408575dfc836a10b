"""`python -m agents probe`, as somebody types it: a terminal is pointed at the relay, a profile is learnt, and it works."""

import asyncio
import contextlib
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agents.__main__ import main
from agents.lab import build, pki
from agents.probes import validator
from tests.probes.samples import REST, SOAP
from tests.probes.server import serving, talk

ROOT = Path(__file__).resolve().parents[2]
ENVELOPE = "<E><AccessCode>4711</AccessCode>{}</E>"


async def soap_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request for each connection: POST with XML to one path, 405 for anything else."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
    body = (await reader.readexactly(int(length[1]) if length else 0)).decode()
    number = re.search(r"<Member>(\d+)</Member>", body)
    answer = f"<M><No>{number[1]}</No><Name>Ann</Name></M>" if number else "<Interfaces><Interface/></Interfaces>"
    status = "200 OK" if head.startswith("POST /Service.asmx ") else "405 Method Not Allowed"
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())
    await writer.drain()


def asked(inner: str) -> bytes:
    body = ENVELOPE.format(inner)
    return (
        "POST /Service.asmx HTTP/1.1\r\nHost: till\r\nContent-Type: text/xml\r\nSOAPAction: x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def record(to: int, out: Path, requests: list[bytes]) -> tuple[int, str]:
    """(exit code, what it printed) of `probe record` while a terminal asks this."""
    argv = [sys.executable, "-m", "agents", "probe", "record", "--listen", "0", "--to", f"127.0.0.1:{to}", "--out", str(out)]
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    try:
        first = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        port = re.search(r"Listening on port (\d+)", first)
        assert port, first
        for request in requests:
            await talk(int(port[1]), [request])
        process.send_signal(signal.SIGINT)
        rest = (await asyncio.wait_for(process.stdout.read(), 20)).decode()
        return await process.wait(), first + rest
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_from_a_terminal_at_the_relay_to_a_profile(tmp_path: Path) -> None:
    out = tmp_path / "probe.toml"
    lookups = [asked(f"<Member>{number}</Member>") for number in (1001, 1002)]
    async with serving(soap_server) as port:
        code, said = await record(port, out, [asked("<List/>"), *lookups, asked("<List/>")])
    assert code == 0, said
    profile = validator.load(out).profile
    assert profile.member.body == ENVELOPE.format("<Member>{member}</Member>").replace("4711", "{access_code}")
    assert profile.interfaces.body == ENVELOPE.format("<List/>").replace("4711", "{access_code}")
    assert said.count("POST /Service.asmx -> 200 text/xml") == 4
    assert "Put host and port back" in said
    assert "4711" not in said + out.read_text()
    assert "Ann" not in said + out.read_text()


async def test_what_was_not_seen_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "probe.toml"
    async with serving(soap_server) as port:
        code, said = await record(port, out, [asked("<List/>")])
    assert (code, out.exists()) == (1, False)
    assert "look two different members up" in said


@pytest.fixture
def soap_file(tmp_path: Path) -> Path:
    file = tmp_path / "soap.toml"
    text = SOAP.decode().replace("<AccessCode>{access_code}</AccessCode>", "").replace("/NetPOS/", "/")
    file.write_text(text.replace("<Number>[0-9]{1,9}</Number>", "<No>[0-9]{1,9}</No>"))
    return file


@pytest.fixture
def other_file(soap_file: Path) -> Path:
    """A profile that expects what this server never says."""
    file = soap_file.with_name("other.toml")
    file.write_text(soap_file.read_text().replace("<No>", "<Nr>"))
    return file


@pytest.fixture
def configured(tmp_path: Path) -> tuple[int, Path]:
    """The port that a terminal's settings name, and its agent's configuration."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    ca = tmp_path / "ca.pem"
    ca.write_bytes(pki.make().root)
    build.build(tmp_path / "lab", terminals=1, seed=1, port=port, gateway="wss://127.0.0.1:1/agent", gateway_ca=ca)
    (config,) = (tmp_path / "lab" / "terminals").glob("*/agent.toml")
    return port, config


async def test_a_profile_is_tried_as_the_device_would(
    soap_file: Path, other_file: Path, configured: tuple[int, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    port, config = configured
    argv = ["probe", "check", str(soap_file), "--config", str(config), "--member", "1001"]
    async with serving(soap_server, "localhost", port):
        good = await asyncio.to_thread(main, argv)
        told = capsys.readouterr()
        argv[2] = str(other_file)
        bad = await asyncio.to_thread(main, argv)
    assert (good, bad) == (0, 1), told
    assert told.out.count("as expected") == 2
    assert "[member] 200 text/xml" in capsys.readouterr().out
    assert await asyncio.to_thread(main, argv) == 1
    assert "nothing listens" in capsys.readouterr().err


def test_a_profile_with_mistakes_is_refused_with_each_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "probe.toml"
    file.write_bytes(REST.replace(b'"GET"', b'"BREW"'))
    assert main(["probe", "check", str(file)]) == 1
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == ["interfaces.method", "member.method"]
    assert main(["probe", "check", str(tmp_path / "none.toml")]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["record", "--listen", "x", "--to", "a:1", "--out", "f"],
        ["record", "--listen", "1", "--to", "http://a:1/", "--out", "f"],
        ["record", "--listen", "1", "--to", "a", "--out", "f"],
        ["record", "--listen", "1", "--to", "a:1", "--out", "f", "--seconds", "0"],
        ["check", "f", "--config", "agent.toml"],
        [],
    ],
)
def test_a_wrong_command_is_told(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["probe", *arguments])
    assert caught.value.code == 2
