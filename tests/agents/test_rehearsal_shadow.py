"""The shadow listener with OpenSSL by itself: what keeps it from opening, what it passes on, and that it ends."""

import asyncio
import shutil
import socket
from pathlib import Path

import certificates
import pytest
from cryptography.hazmat.primitives import serialization
from fake_windows import MEMBER, FakeWindows
from questions import looked_up
from rehearsing import order

from agents.errors import StepError
from agents.hosts.host import ServerHost
from agents.rehearsal import shadow as shared
from agents.rehearsal import shadow_openssl as module
from agents.rehearsal.forward import Count, Total
from agents.rehearsal.shadow_openssl import OpenSslShadow as Shadow

GET = f"GET /netpos/members/{MEMBER} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.fixture
def own_store(server: ServerHost, certificate: certificates.Certificate, tmp_path: Path) -> Path:
    """A copy of the machine's store that a test may damage."""
    folder = tmp_path / "own"
    shutil.copytree(certificate.pem.parent, folder)
    object.__setattr__(server.config, "store", folder)
    return folder


async def refused(server: ServerHost, port: int, thumbprint: str | None) -> StepError:
    shadow = Shadow(server, order("open", port, thumbprint=thumbprint))
    with pytest.raises(StepError) as caught:
        await shadow.open()
    assert shadow.facts == {}
    return caught.value


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """With Nagle's algorithm each new TLS connection took 40 ms longer than it will at the live port."""
    with module._spare() as sock, socket.create_connection(("127.0.0.1", sock.getsockname()[1])):
        accepted, _ = sock.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_a_certificate_that_is_not_there(server: ServerHost, port: int) -> None:
    for thumbprint in ("AB" * 20, "../secret", None):
        assert (await refused(server, port, thumbprint)).finding.code == "certificate_missing"


async def test_a_key_that_is_not_there(
    server: ServerHost, port: int, certificate: certificates.Certificate, own_store: Path
) -> None:
    (own_store / certificate.key.name).unlink()
    finding = (await refused(server, port, certificate.thumbprint)).finding
    assert finding.code == "certificate_key_missing"


async def test_keys_that_cannot_be_used(
    server: ServerHost, port: int, certificate: certificates.Certificate, own_store: Path, tmp_path: Path
) -> None:
    path = own_store / certificate.key.name
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pw")
    )
    other = certificates.make(tmp_path / "other").key.read_bytes()
    for data in (other, b"", b"rubbish", locked):
        path.write_bytes(data)
        assert (await refused(server, port, certificate.thumbprint)).finding.code == "key_unreadable"


async def test_a_port_that_cannot_be_opened(
    server: ServerHost, port: int, certificate: certificates.Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_port() -> None:
        raise PermissionError(13, "not allowed")

    monkeypatch.setattr(module, "_spare", no_port)
    finding = (await refused(server, port, certificate.thumbprint)).finding
    assert (finding.code, "not allowed" in finding.message) == ("shadow_failed", True)


async def test_a_service_that_does_not_answer_is_said_once_by_the_server(
    server: ServerHost, port: int, certificate: certificates.Certificate, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "LOOKUP_LIMIT_S", 0.3)
    windows.listener.close()
    assert (await refused(server, port, certificate.thumbprint)).finding.code == "connection_refused"


async def test_a_plan_for_another_port(server: ServerHost, port: int, certificate: certificates.Certificate) -> None:
    assert (await refused(server, port + 1, certificate.thumbprint)).finding.code == "port_differs"


async def test_a_client_that_has_said_everything_is_still_answered(shadow: Shadow) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shadow.facts["plain_port"])
    writer.write(GET)
    writer.write_eof()
    assert b"200 OK" in await asyncio.wait_for(reader.read(), 10)  # and the end comes, too
    writer.close()
    assert shadow.counts == {"handshakes": 0, "lookups": 1}


async def test_no_more_connections_than_the_limit_and_the_rest_go_on(shadow: Shadow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    first = await asyncio.open_connection("127.0.0.1", shadow.facts["plain_port"])
    first[1].write(GET)
    assert await asyncio.wait_for(first[0].read(12), 10) == b"HTTP/1.1 200"
    second = await asyncio.open_connection("127.0.0.1", shadow.facts["plain_port"])
    assert await asyncio.wait_for(second[0].read(), 10) == b""
    first[1].write(GET)
    assert b"200 OK" in await asyncio.wait_for(first[0].read(1000), 10) + await asyncio.wait_for(first[0].read(1000), 10)
    for _, writer in (first, second):
        writer.close()


async def test_closing_ends_listeners_and_connections_and_leaves_the_live_service(shadow: Shadow, server: ServerHost) -> None:
    ports = (shadow.facts["port"], shadow.facts["plain_port"])
    reader, writer = await asyncio.open_connection("127.0.0.1", ports[1])
    writer.write(GET)
    await asyncio.wait_for(reader.readexactly(12), 10)
    await shadow.close()
    while await asyncio.wait_for(reader.read(1000), 10):
        pass
    writer.close()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    assert (await looked_up(server, MEMBER, 5)).judgement.status == 200


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_requests_are_counted_however_their_bytes_arrive(size: int) -> None:
    total = Total()
    count = Count(total)
    data = GET * 3 + b"GET / HTTP/1.1\r\n"
    for start in range(0, len(data), size):
        count.see(data[start : start + size])
    assert total.requests == 3
