"""The one door to the server: what each kind of proof takes for good, and what it says where it is not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from fake_windows import FakeWindows
from questions import REST, looked_up

from agents.errors import StepError
from agents.hosts import asking
from agents.hosts.host import ServerHost, TerminalHost
from agents.lab.dialects import named
from agents.protocol import Instruction
from tests.probes.server import serving

SOAP = named.of("soap").profile()
OWN_PAGE = b"<HTML><BODY><h2>%s</h2>\r\n<hr><p>HTTP Error %d. The requested resource is not found.</p></BODY></HTML>"


def order(probe: str = "", path: str = "/", member: str = "1001") -> Instruction:
    return Instruction(
        "a1", 1, 1, 7, "verify", "https", (), 0, None, member, 0, 0, probe=probe, transport_path=path
    )  # fmt: skip


def response(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


@contextlib.asynccontextmanager
async def answering(port: int, said: bytes) -> AsyncIterator[list[bytes]]:
    """A server on the terminal's port that says this to every request; the heads of the requests."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(said)
            await writer.drain()

    async with serving(serve, "127.0.0.1", port):
        yield heard


async def finding(host: TerminalHost | ServerHost, asked: Instruction) -> tuple[str, str]:
    """Code and message of the finding, empty where the response was good."""
    try:
        await asking.member(host, asked, 0.3)
    except StepError as error:
        return error.finding.code, error.finding.message
    return "", ""


async def failure(host: TerminalHost | ServerHost, asked: Instruction) -> str:
    """The code of the finding, "" where the response was good."""
    return (await finding(host, asked))[0]


SERVER = b"Server: Microsoft-HTTPAPI/2.0"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (response(200, b"anything"), ""),
        (response(405, b"Method Not Allowed", SERVER), ""),
        (response(404, b'{"error": "not found"}', SERVER), ""),
        (response(500, b"oops"), ""),
        (response(404, OWN_PAGE % (b"Not Found", 404), SERVER), "not_the_service"),
        (response(400, OWN_PAGE % (b"Bad Request", 400), SERVER), "not_the_service"),
        (response(503, OWN_PAGE % (b"Service Unavailable", 503), SERVER), "not_the_service"),
        (response(503, b"", SERVER), "not_the_service"),
        (b"this is no HTTP\r\n\r\n", "lookup_failed"),
    ],
)
async def test_a_transport_proof_takes_any_response_that_the_service_itself_gave(
    terminal: TerminalHost, port: int, said: bytes, code: str
) -> None:
    async with answering(port, said) as heard:
        assert await failure(terminal, order()) == code
    assert heard[0].startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/NetPOS/", b"/NetPOS/"),
        ("//other.example/", b"/"),
        ("/a b", b"/"),
        ("/{member}", b"/"),
        ("http://x/", b"/"),
        ("", b"/"),
    ],
)
async def test_a_transport_proof_asks_where_the_service_has_reserved(
    terminal: TerminalHost, port: int, path: str, asked: bytes
) -> None:
    async with answering(port, response(404)) as heard:
        assert await failure(terminal, order(path=path)) == ""
    assert heard[0].startswith(b"GET " + asked + b" HTTP/1.1\r\n")


JSON = b"Content-Type: application/json"


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (response(200, b'{"number": 1001}', JSON), "", ""),
        (response(200, b'{"number": 1002}', JSON), "lookup_failed", "`contains`"),
        (response(200, b'{"number": 1001}'), "lookup_failed", "`type`"),
        (response(401, b"1001", JSON), "lookup_failed", "401, and the probe profile expects 200"),
        (response(404, OWN_PAGE % (b"Not Found", 404), SERVER), "not_the_service", "without the service"),
    ],
)
async def test_an_application_proof_takes_what_the_profile_expects(
    terminal: TerminalHost, port: int, said: bytes, code: str, words: str
) -> None:
    async with answering(port, said):
        found, message = await finding(terminal, order(REST))
    assert (found, words in message) == (code, True), message


async def test_nothing_of_a_response_leaves_the_device(terminal: TerminalHost, port: int) -> None:
    async with answering(port, response(200, b'{"number": 1001, "name": "Ann"}', JSON)):
        told = await asking.member(terminal, order(REST), 0.3)
    assert (told.proof, told.judgement.missed) == ("application", None)
    assert "1001" not in f"{told.evidence()}"
    assert "Ann" not in f"{told.evidence()}"


async def test_a_terminal_without_the_access_code_says_so(terminal: TerminalHost) -> None:
    assert await failure(terminal, order(SOAP)) == "probe_unusable"


async def test_a_server_without_the_access_code_proves_the_transport(windows: FakeWindows, server: ServerHost) -> None:
    told = await asking.member(server, order(SOAP), 0.3)
    assert (told.proof, told.judgement.status) == ("transport", 404)


async def test_the_access_code_of_the_settings_is_sent_and_never_told(terminal: TerminalHost, port: int) -> None:
    settings = terminal.config.settings
    assert settings is not None
    text = settings.read_text().replace("<Secured>", "<AccessCode>s3cret</AccessCode><Secured>")
    settings.write_text(text)
    async with answering(port, response(500, b"<fault/>", b"Content-Type: text/xml")):
        code, message = await finding(terminal, order(SOAP))
    assert (code, "s3cret" in message) == ("lookup_failed", False)
    sent = asking.question(terminal, order(SOAP), "member").request
    assert b"<AccessCode>s3cret</AccessCode>" in sent.body


async def test_a_refused_port_and_a_good_answer_by_the_same_door(terminal: TerminalHost, port: int) -> None:
    with pytest.raises(StepError) as refused:
        await looked_up(terminal, within_s=0.2)
    assert refused.value.finding.code == "connection_refused"
    async with answering(port, response(200, b'"1001"', JSON)):
        assert (await looked_up(terminal)).judgement.status == 200
