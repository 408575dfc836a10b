"""The relay alters no byte, and what is recorded is what was said."""

import asyncio
import gzip
import itertools
import random
from collections.abc import Iterator

import pytest

from agents.probes.recording.exchanges import MAX_KEPT, Exchange, Transcript
from agents.probes.recording.relay import Relay
from tests.probes.server import saying, serving, talk

GET = b"GET /netpos/members/1001 HTTP/1.1\r\nHost: x\r\nX-Terminal: Bar 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Recorder:
    """Collects what relays record."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def __call__(self, number: int) -> Transcript:
        return Transcript(number, self.exchanges.append)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    return Recorder()


async def relayed(recorder: Recorder, answers: list[bytes], pieces: list[bytes]) -> tuple[bytes, bytes]:
    """(what the server heard, what the terminal heard) through a relay."""
    heard = bytearray()
    async with serving(saying(answers, heard)) as port:
        relay = Relay("127.0.0.1", port, recorder)
        at = await relay.open("127.0.0.1", 0)
        said = await asyncio.wait_for(talk(at, pieces), 10)
        await relay.close()
    return bytes(heard), said


async def test_one_request(recorder: Recorder) -> None:
    assert await relayed(recorder, [OK], [GET]) == (GET, OK)
    (one,) = recorder.exchanges
    assert (one.method, one.target, one.status, one.response_body) == ("GET", "/netpos/members/1001", 200, b"{}")
    assert one.headers == (("Host", "x"), ("X-Terminal", "Bar 1"))


async def test_chunks_with_trailers_and_extensions(recorder: Recorder) -> None:
    post = b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert await relayed(recorder, [answer], [post]) == (post, answer)
    assert [(one.body, one.response_body) for one in recorder.exchanges] == [(b"abcde", b"hello")]


async def test_keep_alive_and_pipelining(recorder: Recorder) -> None:
    second = GET.replace(b"1001", b"1002")
    answer = OK.replace(b"{}", b"[]")
    assert await relayed(recorder, [OK, answer], [GET + second]) == (GET + second, OK + answer)
    assert [(one.target[-4:], one.response_body) for one in recorder.exchanges] == [("1001", b"{}"), ("1002", b"[]")]


async def test_100_continue(recorder: Recorder) -> None:
    head = b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(go_on)
        heard.extend(await reader.readexactly(4))
        writer.write(OK)
        await writer.drain()

    async with serving(serve) as port:
        relay = Relay("127.0.0.1", port, recorder)
        at = await relay.open("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", at)
        writer.write(head)
        first = await reader.readexactly(len(go_on))
        writer.write(b"body")
        rest = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await relay.close()
    assert (bytes(heard), first + rest) == (head + b"body", go_on + OK)
    assert [(one.body, one.status) for one in recorder.exchanges] == [(b"body", 200)]


async def test_gzip_is_relayed_as_it_is_and_recorded_plain(recorder: Recorder) -> None:
    body = gzip.compress(b'{"number": 1001}')
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert await relayed(recorder, [answer], [GET]) == (GET, answer)
    assert recorder.exchanges[0].response_body == b'{"number": 1001}'


@pytest.mark.parametrize("encoding", [b"br", b"gzip"])
async def test_a_body_that_cannot_be_decoded_is_not_kept(recorder: Recorder, encoding: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + b"\r\nContent-Length: 3\r\n\r\nabc"
    assert await relayed(recorder, [answer], [GET]) == (GET, answer)
    assert recorder.exchanges[0].response_body is None


async def test_a_gzip_bomb_is_not_unpacked(recorder: Recorder) -> None:
    body = gzip.compress(b"0" * (MAX_KEPT * 40))
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert await relayed(recorder, [answer], [GET]) == (GET, answer)
    assert recorder.exchanges[0].response_body is None


async def test_a_large_body_is_relayed_and_not_kept(recorder: Recorder) -> None:
    body = random.Random(1).randbytes(3 * MAX_KEPT)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert await relayed(recorder, [answer], [GET]) == (GET, answer)
    assert recorder.exchanges[0].response_body is None


async def test_a_server_that_closes_early(recorder: Recorder) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK[:30])
        await writer.drain()

    async with serving(serve) as port:
        relay = Relay("127.0.0.1", port, recorder)
        at = await relay.open("127.0.0.1", 0)
        assert await asyncio.wait_for(talk(at, [GET]), 10) == OK[:30]
        await relay.close()
    assert recorder.exchanges == []


async def test_a_response_that_ends_with_the_connection(recorder: Recorder) -> None:
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<a>1001</a>"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with serving(serve) as port:
        relay = Relay("127.0.0.1", port, recorder)
        at = await relay.open("127.0.0.1", 0)
        assert await asyncio.wait_for(talk(at, [GET], ends=False), 10) == answer
        await relay.close()
    assert [one.response_body for one in recorder.exchanges] == [b"<a>1001</a>"]


async def test_a_server_that_is_not_there(recorder: Recorder) -> None:
    async with serving(saying([], bytearray())) as port:
        pass
    relay = Relay("127.0.0.1", port, recorder)
    at = await relay.open("127.0.0.1", 0)
    assert await asyncio.wait_for(talk(at, [GET]), 10) == b""
    await relay.close()
    assert relay.refused == 1


async def test_two_terminals_at_once(recorder: Recorder) -> None:
    """Both have sent half a request before either sends the rest."""
    both_began = asyncio.Barrier(2)

    async def ask(at: int, name: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", at)
        writer.write(b"GET /" + name + b" HTTP/1.1\r\n")
        await writer.drain()
        await both_began.wait()
        writer.write(b"Host: x\r\n\r\n")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + path)
        await writer.drain()

    async with serving(serve) as port:
        relay = Relay("127.0.0.1", port, recorder)
        at = await relay.open("127.0.0.1", 0)
        first, second = await asyncio.wait_for(asyncio.gather(ask(at, b"a"), ask(at, b"b")), 10)
        await relay.close()
    assert (first[-2:], second[-2:]) == (b"/a", b"/b")
    assert {(one.target, one.response_body) for one in recorder.exchanges} == {("/a", b"/a"), ("/b", b"/b")}
    assert len({one.connection for one in recorder.exchanges}) == 2


async def test_what_is_no_http_goes_through_and_is_not_recorded(recorder: Recorder) -> None:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readexactly(8))
        writer.write(b"\x00\x01\x02\xff")
        await writer.drain()

    async with serving(serve) as port:
        relay = Relay("127.0.0.1", port, recorder)
        at = await relay.open("127.0.0.1", 0)
        assert await asyncio.wait_for(talk(at, [b"\x16\x03\x01\x00\xff\x00\r\n"]), 10) == b"\x00\x01\x02\xff"
        await relay.close()
    assert bytes(heard) == b"\x16\x03\x01\x00\xff\x00\r\n"
    assert recorder.exchanges == []


def random_body(rng: random.Random) -> bytes:
    return rng.choice(
        (b"", rng.randbytes(rng.randint(1, 40)), b"0\r\n\r\n" * rng.randint(1, 3), rng.randbytes(rng.randint(1, 9000)))
    )


def random_message(rng: random.Random, head: bytes, body: bytes) -> bytes:
    """A message with this body in one of the ways in which a body is framed."""
    if rng.random() < 0.3:
        body, head = gzip.compress(body), head + b"Content-Encoding: gzip\r\n"
    if rng.random() < 0.5:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunks, rest = [], body
    while rest:
        size = rng.randint(1, 700)
        chunks.append(b"%x\r\n" % len(rest[:size]) + rest[:size] + b"\r\n")
        rest = rest[size:]
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"


def pieces_of(rng: random.Random, data: bytes) -> list[bytes]:
    """The bytes as a network may cut them."""
    places = sorted({0, len(data), *(rng.randint(0, len(data)) for _ in range(rng.randint(0, 5)))})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


async def test_2000_random_exchanges_are_relayed_byte_for_byte_and_read_as_they_were(recorder: Recorder) -> None:
    rng = random.Random(2000)
    script: list[tuple[bytes, bytes]] = []  # what the server is to hear on one connection, and what it says then
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked, answered = script[-1]
        heard.append(await reader.readexactly(len(asked)))
        for piece in pieces_of(rng, answered):
            writer.write(piece)
            await writer.drain()

    async with serving(serve) as port:
        relay = Relay("127.0.0.1", port, recorder)
        at = await relay.open("127.0.0.1", 0)
        done = 0
        while done < 2000:
            said = [
                (rng.choice((b"POST", b"PUT", b"REPORT")), random_body(rng), random_body(rng))
                for _ in range(rng.randint(1, 12))
            ]
            asked = b"".join(
                random_message(rng, b"%s /p/%d HTTP/1.1\r\nHost: x\r\n" % (m, i), q) for i, (m, q, _) in enumerate(said)
            )
            answered = b"".join(random_message(rng, b"HTTP/1.1 200 OK\r\n", a) for *_, a in said)
            script.append((asked, answered))
            recorder.exchanges.clear()
            assert await asyncio.wait_for(talk(at, pieces_of(rng, asked)), 10) == answered
            assert heard[-1] == asked
            assert [(e.method.encode(), e.body, e.response_body) for e in recorder.exchanges] == said
            done += len(said)
        await relay.close()
