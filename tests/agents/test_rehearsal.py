"""A rehearsal from a till's seat against the server's shadow listener: real sockets, real TLS, a live service that
answers over HTTP, and nothing on any disk changed."""

import asyncio
import base64
import dataclasses
import ssl
import statistics
import time
from pathlib import Path
from types import SimpleNamespace

import certificates
import pytest
from cryptography import x509
from fake_windows import FakeWindows, answer
from rehearsing import disk, order

from agents.clock import Clock
from agents.errors import StepError
from agents.hosts.host import ServerHost, TerminalHost
from agents.protocol import LOOKUP_KINDS, Rehearsal
from agents.rehearsal.probe import TerminalProbe
from agents.rehearsal.shadow_openssl import OpenSslShadow as Shadow

SAMPLES = 4


@pytest.fixture
def ask(shadow: Shadow, port: int, certificate: certificates.Certificate) -> Rehearsal:
    ports = {"shadow_port": shadow.facts["port"], "plain_port": shadow.facts["plain_port"]}
    return order("ask", port, thumbprint=certificate.thumbprint, samples=SAMPLES, **ports)


def set_host(terminal: TerminalHost, **values: str) -> None:
    """Other settings of the till: host, or seconds of patience."""
    path = terminal.config.settings
    data = path.read_bytes().replace(b">localhost<", f">{values.get('host', 'localhost')}<".encode())
    path.write_bytes(data.replace(b">6<", f">{values.get('timeout', '6')}<".encode()))


async def look(terminal: TerminalHost, ask: Rehearsal) -> tuple[dict, str | None]:
    probe = TerminalProbe(terminal, Clock(), ask, {})
    try:
        await probe.ask()
    except StepError as error:
        return probe.facts, error.finding.code
    return probe.facts, None


async def test_nothing_is_measured_by_a_clock_that_stands_still_for_16_ms(
    terminal: TerminalHost, ask: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = SimpleNamespace(monotonic=lambda: 0.0, perf_counter=time.perf_counter)
    for name in ("http", "rehearsal.wire", "rehearsal.probe", "rehearsal.rounds"):
        monkeypatch.setattr(f"agents.{name}.time", coarse)
    facts, code = await look(terminal, ask)
    assert code is None
    assert min(facts[name] for name in ("dns_ms", "tcp_ms", "tls_ms", "cold_ms")) > 0
    assert min(min(samples) for samples in facts["samples"].values()) > 0


async def test_a_till_sees_measures_and_changes_nothing(
    terminal: TerminalHost, shadow: Shadow, ask: Rehearsal, windows: FakeWindows, tmp_path: Path
) -> None:
    before = disk(tmp_path)
    facts, code = await look(terminal, ask)
    assert code is None
    assert disk(tmp_path) == before
    assert windows.calls == []  # neither netsh nor sc has been asked for anything
    assert (facts["host"], facts["port"], facts["timeout_s"]) == ("localhost", ask.port, 6)
    assert (facts["address"], facts["own_address"]) in (("127.0.0.1",) * 2, ("::1",) * 2)
    assert (facts["tls"], facts["thumbprint"]) == ("TLSv1.3", ask.thumbprint)
    assert facts["cold_ms"] > facts["tls_ms"] > 0 < facts["tcp_ms"]
    assert abs(facts["clock_offset_ms"]) < 1000
    assert {kind: len(values) for kind, values in facts["samples"].items()} == dict.fromkeys(LOOKUP_KINDS, SAMPLES)
    assert min(min(values) for values in facts["samples"].values()) > 0
    assert shadow.counts["handshakes"] == 1 + 2 * SAMPLES  # the first look, and two of each round
    assert shadow.counts["lookups"] == 2 + 5 * SAMPLES


async def test_without_a_shadow_listener_the_live_port_alone_is_measured(
    terminal: TerminalHost, port: int, certificate: certificates.Certificate, windows: FakeWindows
) -> None:
    for secured in (False, True):
        if secured:
            path = terminal.config.settings
            path.write_bytes(path.read_bytes().replace(b"<Secured>False", b"<Secured>True"))
            windows.listener.close()
            context = certificate.server_context()
            windows.listener = await asyncio.start_server(answer, "127.0.0.1", port, ssl=context)
        facts, code = await look(terminal, order("ask", port, thumbprint=certificate.thumbprint, samples=SAMPLES))
        assert code is None
        measured = {kind for kind, values in facts["samples"].items() if values}
        assert measured == ({"https_new", "https_resumed", "https_kept"} if secured else {"http_new", "http_kept"})


async def test_bytes_are_those_on_the_wire_and_a_resumed_session_saves_the_certificate(
    terminal: TerminalHost, ask: Rehearsal, certificate: certificates.Certificate
) -> None:
    facts, _ = await look(terminal, ask)
    size = facts["bytes"]
    assert size["http_new"] == size["http_kept"] == size["plain_new"] == size["plain_kept"]
    assert size["http_kept"] < size["https_kept"] < size["http_kept"] + 100  # a record's frame, twice
    assert size["https_new"] - size["https_resumed"] > len(ssl.PEM_cert_to_DER_cert(certificate.pem.read_text()))
    assert statistics.median(facts["samples"]["https_kept"]) < statistics.median(facts["samples"]["https_new"])


async def test_roots_are_told_by_subject_and_only_those_asked_for(
    terminal: TerminalHost, ask: Rehearsal, certificate: certificates.Certificate, tmp_path: Path
) -> None:
    own = certificate.root.read_text()
    subject = base64.b64encode(x509.load_pem_x509_certificate(own.encode()).subject.public_bytes()).decode()
    facts, _ = await look(terminal, dataclasses.replace(ask, issuers=("no base64", base64.b64encode(b"x").decode())))
    assert facts["roots"] == []
    facts, _ = await look(terminal, dataclasses.replace(ask, issuers=(subject,)))
    assert [text.split() for text in facts["roots"]] == [own.split()]


async def test_the_server_tells_the_chain_and_what_a_handshake_costs(
    shadow: Shadow, certificate: certificates.Certificate
) -> None:
    assert [text.split() for text in shadow.facts["chain"]] == [certificate.pem.read_text().split()]
    assert shadow.facts["cpu_ms"]["full"] > shadow.facts["cpu_ms"]["resumed"] > 0
    assert len({shadow.facts["port"], shadow.facts["plain_port"], shadow.probe.port}) == 3


# --- why a seat is not ready ----------------------------------------------------------------------------


async def test_a_name_that_is_not_in_the_certificate(terminal: TerminalHost, ask: Rehearsal) -> None:
    set_host(terminal, host="127.0.0.2")
    facts, code = await look(terminal, ask)
    assert (code, facts["host"], facts["tls"]) == ("name_mismatch", "127.0.0.2", None)
    assert facts["tcp_ms"] > 0  # what was seen before the failure is told


async def test_a_root_that_this_till_lacks(terminal: TerminalHost, ask: Rehearsal, tmp_path: Path) -> None:
    other = certificates.make(tmp_path / "other").root
    object.__setattr__(terminal.config, "roots", other)
    assert (await look(terminal, ask))[1] == "untrusted_root"


async def test_a_root_store_that_cannot_be_read(terminal: TerminalHost, ask: Rehearsal, tmp_path: Path) -> None:
    object.__setattr__(terminal.config, "roots", tmp_path / "none.pem")
    assert (await look(terminal, ask))[1] == "roots_unreadable"


@pytest.mark.parametrize(("begin", "end", "code"), [(-9, -2, "cert_expired"), (3, 9, "cert_not_yet_valid")])
async def test_a_certificate_outside_its_time(
    server: ServerHost, terminal: TerminalHost, port: int, tmp_path: Path, begin: int, end: int, code: str
) -> None:
    bad = certificates.make(tmp_path / "bad", begin_days=begin, end_days=end)
    object.__setattr__(terminal.config, "roots", bad.root)
    object.__setattr__(server.config, "store", bad.pem.parent)
    shadow = Shadow(server, order("open", port, thumbprint=bad.thumbprint))
    await shadow.open()
    ports = {"shadow_port": shadow.facts["port"], "plain_port": shadow.facts["plain_port"]}
    assert (await look(terminal, order("ask", port, thumbprint=bad.thumbprint, **ports)))[1] == code
    await shadow.close()


async def test_something_in_between_that_shows_another_certificate(terminal: TerminalHost, ask: Rehearsal) -> None:
    facts, code = await look(terminal, dataclasses.replace(ask, thumbprint="AB" * 20))
    assert (code, facts["thumbprint"]) == ("wrong_certificate", ask.thumbprint)


async def test_a_first_contact_that_takes_longer_than_the_till_waits(
    terminal: TerminalHost, ask: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_host(terminal, timeout="1")
    clock = iter(range(0, 10_000, 2))
    monkeypatch.setattr("agents.rehearsal.probe.time", SimpleNamespace(perf_counter=lambda: next(clock)))
    facts, code = await look(terminal, ask)
    assert (code, facts["cold_ms"]) == ("slow_first_contact", 2000)


async def test_a_port_that_nobody_answers_names_the_firewall(terminal: TerminalHost, ask: Rehearsal, shadow: Shadow) -> None:
    await shadow.close()
    with pytest.raises(StepError) as caught:
        await TerminalProbe(terminal, Clock(), ask, {}).ask()
    assert caught.value.finding.code == "connection_refused"
    assert f"port {ask.shadow_port} of the server" in caught.value.finding.remedy


async def test_a_port_that_speaks_no_tls(terminal: TerminalHost, ask: Rehearsal) -> None:
    assert (await look(terminal, dataclasses.replace(ask, shadow_port=ask.plain_port)))[1] == "tls_refused"


async def test_a_live_service_that_has_gone(terminal: TerminalHost, ask: Rehearsal, windows: FakeWindows) -> None:
    windows.listener.close()
    facts, code = await look(terminal, ask)
    assert (code, facts["tls"]) == ("lookup_failed", "TLSv1.3")


async def test_a_till_on_another_port_than_the_plan_says(terminal: TerminalHost, ask: Rehearsal) -> None:
    facts, code = await look(terminal, dataclasses.replace(ask, port=ask.plain_port))
    assert (code, len(facts["samples"]["https_new"])) == ("port_differs", SAMPLES)


async def test_a_site_that_speaks_https_already_measures_no_http(
    terminal: TerminalHost, ask: Rehearsal, windows: FakeWindows, server: ServerHost
) -> None:
    windows.listener.close()
    windows.urlacl, windows.sslcert = [], [[f"0.0.0.0:{ask.port}", "", "", "MY"]]
    await windows.listen(tls=True)
    for host in (server, terminal):
        path = host.config.settings
        path.write_bytes(path.read_bytes().replace(b"SL>False", b"SL>True").replace(b"Secured>False", b"Secured>True"))
    shadow = Shadow(server, order("open", ask.port, thumbprint=ask.thumbprint))
    await shadow.open()
    ports = {"shadow_port": shadow.facts["port"], "plain_port": shadow.facts["plain_port"]}
    facts, code = await look(terminal, dataclasses.replace(ask, **ports))
    assert code is None
    counts = {kind: len(values) for kind, values in facts["samples"].items()}
    assert counts == {**dict.fromkeys(LOOKUP_KINDS, SAMPLES), "http_new": 0, "http_kept": 0}
    await shadow.close()
