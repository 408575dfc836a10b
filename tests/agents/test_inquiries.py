"""What a person asks a device: which inquiries are taken, what is told of them, and what ends them."""

import asyncio
import base64
import dataclasses
import json
import tomllib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_gateway import Gateway
from fake_windows import MEMBER

from agents import config, protocol
from agents.clock import Clock
from agents.hosts.finding import looking
from agents.hosts.finding.proposal import Proposal
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.identity import Identity
from agents.inquiries import recording as module
from agents.inquiries.inquiries import Inquiries, Outbox
from agents.probes import inquiry as orders
from agents.probes import validator
from agents.probes.inquiry import Adopted, Inquiry
from agents.protocol import Finished, Inquired
from tests.probes.samples import REST
from tests.probes.server import serving, talk

KEY = Ed25519PrivateKey.generate()
FOREVER_MS = 7_000_000_000_000


def ask(action: protocol.InquiryAction, **changes: Any) -> Inquiry:
    return dataclasses.replace(Inquiry("a1", 5, action, FOREVER_MS, MEMBER), **changes)


def signed(what: Inquiry, key: Ed25519PrivateKey = KEY) -> protocol.Inquire:
    body = orders.dump(what)
    return protocol.Inquire(body, base64.b64encode(key.sign(body.encode())).decode())


class Device:
    """A known device, and the dashboard that signs its inquiries."""

    def __init__(self, host: Host) -> None:
        identity = Identity(host.config.state)
        identity.enrolled("a1", base64.b64encode(KEY.public_key().public_bytes_raw()).decode())
        self.busy, self.clock, self.host = False, Clock(), host
        self.inquiries = Inquiries(host, identity, self.clock, lambda: self.busy)

    def take(self, what: Inquiry, key: Ed25519PrivateKey = KEY) -> None:
        self.inquiries.take(signed(what, key))

    async def answer(self, *, done: bool = True) -> Inquired:
        """The next answer; done: the last one, whatever comes before it."""
        async with asyncio.timeout(20):
            while (answer := await self.inquiries.answers.get()).done is not done:
                pass
        assert protocol.parse(protocol.dump(answer)) == answer
        return answer

    async def code(self) -> str | None:
        finding = (await self.answer()).finding
        return finding.code if finding else None


@pytest.fixture
async def till(terminal: TerminalHost) -> AsyncIterator[Device]:
    device = Device(terminal)
    yield device
    await device.inquiries.stop()


@pytest.fixture
async def machine(server: ServerHost) -> AsyncIterator[Device]:
    device = Device(server)
    yield device
    await device.inquiries.stop()


# --- which are taken ----------------------------------------------------------------------------------


async def test_what_is_not_beyond_doubt_has_no_answer(till: Device, windows: Any, caplog: pytest.LogCaptureFixture) -> None:
    till.take(ask("find"), Ed25519PrivateKey.generate())
    till.take(ask("find", agent="a2"))
    till.inquiries.take(protocol.Inquire("{", "AAAA"))
    till.take(ask("check", inquiry=6, probes=("",)))  # the first one that deserves an answer has the first answer
    assert (await till.answer()).inquiry == 6
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "an inquiry is not signed by the dashboard",
        "an inquiry is for another agent",
        "an inquiry cannot be read: message: is not JSON",
    ]


async def test_inquiries_that_are_refused(till: Device) -> None:
    till.take(ask("check", expires_ms=till.clock.now_ms() - 1))
    assert await till.code() == "expired"
    till.busy = True
    till.take(ask("find", inquiry=6))
    assert await till.code() == "busy"
    till.take(ask("stop", inquiry=7))
    assert await till.code() == "not_running"


async def test_an_inquiry_that_comes_twice_is_carried_out_once(till: Device, windows: Any) -> None:
    inquiry = ask("check", probes=("",))
    till.take(inquiry)
    first = await till.answer()
    till.take(inquiry)
    assert await till.answer() == first


async def test_only_the_newest_answer_waits_for_a_connection() -> None:
    outbox = Outbox()
    for n in (1, 3, 2):
        outbox.put_nowait(Inquired(5, "record", n, {}, done=False))
    outbox.put_nowait(Inquired(6, "find", 1, {}))
    assert [(await outbox.get()).n, (await outbox.get()).inquiry] == [3, 6]


# --- check --------------------------------------------------------------------------------------------


async def test_a_check_tells_what_came_back_without_its_content(machine: Device) -> None:
    machine.take(ask("check", probes=(REST.decode(), ""), member="1001"))
    (by_profile, by_transport) = (await machine.answer()).facts["asked"]
    assert (by_profile["proof"], by_profile["scheme"], by_transport["proof"]) == ("application", "http", "transport")
    assert [row["section"] for row in by_profile["requests"]] == ["interfaces", "member"]
    told = by_profile["requests"][1]
    assert set(told) == {
        "section", "error", "proof", "status", "type", "size", "sha256", "matched", "missed", "by_http_sys", "tls",
        "thumbprint", "ms", "connect_ms",
    }  # fmt: skip
    assert (told["status"], told["error"], len(told["sha256"])) == (200, None, 64)
    assert [row["section"] for row in by_transport["requests"]] == ["transport"]


async def test_a_server_that_lacks_the_access_code_makes_a_transport_proof_as_at_night(machine: Device) -> None:
    soap = REST.decode().replace('"{terminal}"', '"{access_code}"')
    machine.take(ask("check", probes=(soap,)))
    (told,) = (await machine.answer()).facts["asked"]
    assert (told["proof"], [row["section"] for row in told["requests"]]) == ("transport", ["transport"])


async def test_a_check_says_why_there_was_no_response(till: Device) -> None:
    till.take(ask("check", probes=(REST.decode(),)))
    rows = (await till.answer()).facts["asked"][0]["requests"]
    assert [row["error"]["code"] for row in rows] == ["connection_refused", "connection_refused"]
    soap = REST.decode().replace('"{terminal}"', '"{access_code}"')
    till.take(ask("check", inquiry=6, probes=(soap,)))
    error = (await till.answer()).facts["asked"][0]["requests"][0]["error"]
    assert error["code"] == "probe_unusable"
    assert "access_code" in error["message"]


async def test_a_profile_that_is_none_is_refused(till: Device) -> None:
    till.take(ask("check", probes=("[member]",)))
    assert await till.code() == "bad_profile"


# --- record -------------------------------------------------------------------------------------------

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says back the number that was asked for, and something personal."""
    while line := await reader.readline():
        while (await reader.readline()).strip():
            pass
        number = line.split()[1].rpartition(b"/")[2]
        writer.write(ANSWER + (b'{"n":"%s","x":1}' % number[:4].rjust(4)))
        await writer.drain()


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: s\r\nX-Terminal: TILL-1\r\nCookie: secret\r\n\r\n".encode()


ASKED = ("/api/interfaces", "/api/members/1001", "/api/members/1002")


async def test_a_terminal_is_learnt_from(till: Device, port: int) -> None:
    async with serving(_serve, port=port):
        till.take(ask("record", seconds=600))
        opened = await till.answer(done=False)
        assert (opened.facts["on"], opened.facts["addresses"], opened.facts["count"]) == ("terminal", ["127.0.0.1"], 0)
        await talk(opened.facts["port"], [_request(path) for path in ASKED])
        seen = opened
        while seen.facts["count"] < len(ASKED):
            seen = await till.answer(done=False)
        assert [row["target"] for row in seen.facts["exchanges"]] == [*ASKED[:2], "/api/members/…"]
        assert seen.facts["exchanges"][0] == {
            "method": "GET", "target": ASKED[0], "status": 200, "type": "application/json", "size": 18,
        }  # fmt: skip
        till.take(ask("stop"))
        ended = await till.answer()
    assert ended.facts["left"] is False
    proposal = ended.facts["proposal"]
    checked = validator.parse(proposal["text"].encode())
    assert (checked.profile.member.path, checked.profile.member.headers) == (
        "/api/members/{member}",
        (("X-Terminal", "{terminal}"),),
    )
    assert proposal["missing"] == []
    assert {
        "section": "member",
        "reason": "This request was seen with 1001 and with …, and differed in this number only.",
    } in (proposal["reasons"])
    assert "secret" not in json.dumps(ended.facts)
    assert "1002" not in json.dumps(ended.facts), "only the test member's number leaves the device"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", opened.facts["port"])


async def test_only_the_terminals_own_touch_can_come(till: Device) -> None:
    till.take(ask("record", seconds=60))
    opened = await till.answer(done=False)
    _, writer = await asyncio.open_connection("127.0.0.1", opened.facts["port"])
    writer.close()
    with pytest.raises(ConnectionRefusedError):  # another address of this computer, as the network would use
        await asyncio.open_connection("127.0.0.2", opened.facts["port"])


async def test_a_recording_ends_by_itself(till: Device, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    till.take(ask("record", seconds=1))
    opened = await till.answer(done=False)
    ended = await till.answer()
    assert ended.facts["ends_ms"] == opened.facts["ends_ms"]
    assert ended.facts["proposal"]["text"] == ""
    assert ended.facts["proposal"]["missing"]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", opened.facts["port"])


def point_at(settings: Path, port: int) -> None:
    data = settings.read_bytes()
    begin, end = data.index(b"<NetPosPort>") + 12, data.index(b"</NetPosPort>")
    settings.write_bytes(data[:begin] + str(port).encode() + data[end:])


async def test_a_terminal_that_is_left_at_the_closed_port_is_told(till: Device) -> None:
    till.take(ask("record", seconds=600))
    opened = await till.answer(done=False)
    point_at(till.host.config.settings, opened.facts["port"])
    till.take(ask("stop"))
    assert (await till.answer()).facts["left"] is True


async def test_a_recording_never_listens_longer_than_its_inquiry_is_good_for(till: Device) -> None:
    till.take(ask("record", seconds=600, expires_ms=till.clock.now_ms() + 500))
    ended = await till.answer()
    assert ended.facts.get("proposal") or ended.finding.code == "expired"


def speak_https(settings: Path) -> None:
    settings.write_bytes(settings.read_bytes().replace(b"False", b"True"))


async def test_what_is_encrypted_is_not_recorded(till: Device) -> None:
    speak_https(till.host.config.settings)
    till.take(ask("record", seconds=60))
    assert await till.code() == "recording_needs_http"


async def test_the_server_is_listened_to_at_every_address_and_told_of_by_its_own(machine: Device) -> None:
    machine.take(ask("record", seconds=60))
    opened = await machine.answer(done=False)
    assert opened.facts["on"] == "server"
    assert "127.0.0.1" not in opened.facts["addresses"]


async def test_a_flood_is_told_in_few_answers_and_bounded(till: Device, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EXCHANGES", 10)
    async with serving(_serve, port=port):
        till.take(ask("record", seconds=600))
        opened = await till.answer(done=False)
        await talk(opened.facts["port"], [_request("/x" * 200) for _ in range(400)])
        till.take(ask("stop"))
        ended = await till.answer()
    assert ended.facts["count"] == 400
    assert len(ended.facts["exchanges"]) == module.SHOWN
    assert ended.n < 20
    assert len(protocol.dump(ended)) < 32 * 1024


async def test_a_recording_that_is_asked_for_twice_says_what_it_has(till: Device) -> None:
    inquiry = ask("record", seconds=60)
    till.take(inquiry)
    opened = await till.answer(done=False)
    till.take(inquiry)
    again = await till.answer(done=False)
    assert (again.facts["port"], again.n) == (opened.facts["port"], opened.n + 1)


# --- giving way ---------------------------------------------------------------------------------------


async def test_an_instruction_ends_a_recording(till: Device) -> None:
    till.take(ask("record", seconds=600))
    opened = await till.answer(done=False)
    till.inquiries.give_way()
    ended = await till.answer()
    assert ended.finding.code == "busy"
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", opened.facts["port"])
        except OSError:
            break
        writer.close()
        await asyncio.sleep(0)
    else:
        pytest.fail("it listens on")


async def test_the_real_transport_takes_an_inquiry_and_gives_way(
    agent: Callable, gateway: Gateway, make_instruction: Callable, windows: Any
) -> None:
    agent()
    await gateway.hear(protocol.Inventory)
    await gateway.line.send(protocol.dump(signed(ask("record", seconds=600), gateway.key)))
    opened = await gateway.hear(Inquired)
    assert (opened.inquiry, opened.done) == (5, False)
    await gateway.instruct(make_instruction("terminal", action="arm"))
    ended = await gateway.hear(Inquired)
    assert (ended.done, ended.finding.code) == (True, "busy")
    assert (await gateway.hear(Finished)).outcome == "done"


# --- adopt --------------------------------------------------------------------------------------------


@pytest.fixture
def confirming(machine: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """found.toml of a server's agent that proposes another service and settings file."""
    (tmp_path / "agent.toml").write_text("")
    monkeypatch.setattr(
        machine.host, "config", dataclasses.replace(machine.host.config, file=tmp_path / "agent.toml", said=frozenset())
    )

    async def find(own: config.Config) -> list[Proposal]:
        return [
            Proposal("service", "NetPOS", "r", "new"), Proposal("settings", 'C:\\a "b"\\c.xml', "r", "new"),
            Proposal("monitor", "Monitor2", "r", "fixed"), Proposal("port", "10101", "r", "told"),
        ]  # fmt: skip

    monkeypatch.setattr(looking, "find", find)
    return tmp_path / config.FOUND


def kept(path: Path) -> dict[str, Any] | None:
    return tomllib.loads(path.read_text()) if path.exists() else None


async def test_what_was_confirmed_is_kept_beside_the_configuration(machine: Device, confirming: Path) -> None:
    machine.take(ask("adopt", adopt=(Adopted("service", "NetPOS"),)))
    answer = await machine.answer()
    assert (answer.finding, answer.facts["adopted"]) == (None, [{"field": "service", "value": "NetPOS"}])
    machine.take(ask("adopt", inquiry=6, adopt=(Adopted("settings", 'C:\\a "b"\\c.xml'),)))
    await machine.answer()
    assert kept(confirming) == {"service": "NetPOS", "settings": 'C:\\a "b"\\c.xml'}


@pytest.mark.parametrize(
    "wanted",
    [
        (),
        (Adopted("service", "Spooler"),),
        (Adopted("monitor", "Monitor2"),),
        (Adopted("port", "10101"),),
        (Adopted("gateway", "wss://elsewhere/agent"),),
        (Adopted("service", "NetPOS"), Adopted("service", "NetPOS")),
        (Adopted("service", "NetPOS"), Adopted("settings", "/etc/passwd")),
    ],
)
async def test_nothing_else_is_kept(machine: Device, confirming: Path, wanted: tuple[Adopted, ...]) -> None:
    machine.take(ask("adopt", adopt=wanted))
    assert await machine.code() == "not_proposed"
    assert kept(confirming) is None


def test_what_was_confirmed_counts_where_the_configuration_says_nothing(tmp_path: Path) -> None:
    text = 'role="server"\nname="n"\ngateway="wss://g/agent"\ngateway_ca="ca"\nstate="s"\nstore="store"\n'
    path = tmp_path / "agent.toml"
    path.write_text(text + 'monitor="Mine"\n')
    (tmp_path / config.FOUND).write_text('service="Found"\nmonitor="Found"\nsettings="found.xml"\n')
    own = config.load(path)
    assert (own.service, own.monitor, own.settings, own.said & {"service", "monitor"}) == (
        "Found", "Mine", tmp_path / "found.xml", {"monitor"},
    )  # fmt: skip
    for bad in ('gateway="wss://elsewhere/agent"', "service=1", "service="):
        (tmp_path / config.FOUND).write_text(bad)
        with pytest.raises(config.ConfigError, match=r"found\.toml|service"):
            config.load(path)
