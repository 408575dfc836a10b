"""The reference server obeys http.sys and the service manager, whatever happens to its process."""

import http.client
import json
import os
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.lab.conftest import OURS, Lab, await_that

pytestmark = pytest.mark.lab

MONITOR = "SwiftPOSServicesMonitor"


def get(lab: Lab, path: str, scheme: str = "http", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """One GET, verified as a terminal would. Raises OSError."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=5)
    if scheme == "https":
        context = ssl.create_default_context(cafile=str(lab.layout.ca_file))
        connection = http.client.HTTPSConnection("localhost", lab.port, timeout=5, context=context)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def refused(lab: Lab) -> bool:
    try:
        socket.create_connection(("127.0.0.1", lab.port), 2).close()
    except ConnectionRefusedError:
        return True
    return False


def log(lab: Lab) -> str:
    path = lab.server / "netpos.log"
    return path.read_text() if path.exists() else ""


def test_it_answers_as_the_contract_says(plain_lab: Lab) -> None:
    lab = plain_lab
    before = len(lab.access())
    status, body = get(lab, "/netpos/interfaces")
    assert status == 200
    assert isinstance(json.loads(body), list)
    member = f"/netpos/members/{lab.layout.member}"
    assert get(lab, member, headers={"X-Terminal": "Bar-01"})[0] == 200
    assert [get(lab, path)[0] for path in ("/netpos/members/7", "/netpos/members/x", "/netpos/members/", "/")] == [404] * 4
    assert (lab.access()[0]["event"], lab.access()[0]["scheme"]) == ("start", "http")
    new = lab.access()[before:]
    assert all(set(row) == {"t", "event", "scheme", "terminal", "path", "status", "tls"} for row in new)
    said = [(row["event"], row["terminal"], row["path"], row["status"]) for row in new[:2]]
    assert said == [("request", None, "/netpos/interfaces", 200), ("request", "Bar-01", member, 200)]


def test_connections_are_kept_and_closed_as_asked(plain_lab: Lab) -> None:
    lab = plain_lab
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/netpos/interfaces")
        assert connection.getresponse().read()
    kept = connection.sock
    assert kept is not None
    connection.request("GET", "/netpos/interfaces", headers={"Connection": "close"})
    answer = connection.getresponse()
    assert answer.read()
    assert answer.getheader("Connection") == "close"
    connection.close()


def test_a_tls_greeting_to_the_plain_port_is_refused(plain_lab: Lab) -> None:
    lab = plain_lab
    with pytest.raises(OSError):
        get(lab, "/netpos/interfaces", "https")
    assert await_that(lambda: [row for row in lab.access() if row["event"] == "refused"], "a refused line")


def test_stopping_closes_everything_at_once(lab: Lab) -> None:
    lab.netpos()
    assert lab.sc("stop", MONITOR) == "STOPPED"
    kept = socket.create_connection(("127.0.0.1", lab.port), 5)
    kept.sendall(b"GET /netpos/interfaces HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200" in kept.recv(4096)
    assert lab.sc("stop") == "STOPPED"
    try:
        assert kept.recv(4096) == b""
    except ConnectionResetError:
        pass
    kept.close()
    assert refused(lab)
    assert lab.access()[-1]["event"] == "stop"
    assert lab.json("services.json")["services"][0]["state"] == "stopped"
    assert lab.sc("start") == "RUNNING"
    assert get(lab, "/netpos/interfaces")[0] == 200


def test_https_with_reservation_and_certificate(secure_lab: Lab) -> None:
    lab = secure_lab
    assert get(lab, "/netpos/interfaces", "https")[0] == 200
    await_that(lambda: lab.access()[-1]["tls"] == "TLSv1.3", "the answer is noted")
    with pytest.raises((OSError, http.client.HTTPException)):
        get(lab, "/netpos/interfaces")
    old = ssl.create_default_context(cafile=str(lab.layout.ca_file))
    old.maximum_version = old.minimum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", lab.port), 5) as raw, old.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
        assert tls.version() == "TLSv1.2"
    assert await_that(lambda: [row for row in lab.access() if row["event"] == "refused"], "the plain request is noted")


def test_a_service_that_may_not_register_ends_again(lab: Lab) -> None:
    lab.netpos()
    lab.sc("stop", MONITOR)
    lab.sc("stop")

    def ends(reason: str) -> bool:
        before = len(log(lab))
        return lab.sc("start") == "STOPPED" and reason in log(lab)[before:]

    lab.netsh("delete", "urlacl", f"url=http://+:{lab.port}/")
    assert ends("there is no reservation for it")
    lab.reserve("https")
    assert ends("is reserved for https")
    lab.reserve("http")
    lab.use_ssl(True)
    assert ends("is reserved for http")
    (lab.server / "NetPOSSettings.xml").write_text("<NetPOS")
    assert ends("NetPOSSettings.xml cannot be used")
    assert refused(lab)
    assert "        WIN32_EXIT_CODE    : 1066  (0x42a)" in lab.run("sc", "query", "NetPOSNet")[1]


def test_https_without_a_binding_listens_and_resets(lab: Lab) -> None:
    lab.netpos()
    lab.sc("stop", MONITOR)
    lab.sc("stop")
    lab.reserve("https")
    lab.use_ssl(True)
    assert lab.sc("start") == "RUNNING"
    with pytest.raises(OSError):
        get(lab, "/netpos/interfaces", "https")
    lab.bind()  # http.sys reads bindings live
    assert get(lab, "/netpos/interfaces", "https")[0] == 200
    key = lab.server / "certificates" / f"{lab.layout.thumbprint}.key"
    key.rename(key.with_suffix(".away"))
    endpoint = f"ipport=0.0.0.0:{lab.port}"
    lab.netsh("delete", "sslcert", endpoint)
    tables = lab.json("httpsys.json")
    row = {"endpoint": f"0.0.0.0:{lab.port}", "certhash": lab.layout.thumbprint.lower(), "appid": OURS, "store": "MY"}
    (lab.server / "httpsys.json").write_text(json.dumps({**tables, "sslcert": [row]}))
    with pytest.raises(OSError):
        get(lab, "/netpos/interfaces", "https")


def test_another_certificate_is_served_from_the_next_connection_on(secure_lab: Lab) -> None:
    lab = secure_lab
    store = lab.server / "certificates"
    other = next(path.stem for path in store.glob("*.key") if path.stem != lab.layout.thumbprint)
    lab.netsh("delete", "sslcert", f"ipport=0.0.0.0:{lab.port}")
    lab.netsh("add", "sslcert", f"ipport=0.0.0.0:{lab.port}", f"certhash={other}", f"appid={OURS}")
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        get(lab, "/netpos/interfaces", "https")
    lab.netsh("delete", "sslcert", f"ipport=0.0.0.0:{lab.port}")
    lab.bind()
    assert get(lab, "/netpos/interfaces", "https")[0] == 200


def test_a_narrow_listen_list_hides_the_service(lab: Lab) -> None:
    lab.netsh("add", "iplisten", "ipaddress=10.0.0.5")
    lab.start("netpos")
    await_that(lambda: lab.settled() and lab.state() == "RUNNING", "it runs")
    assert refused(lab)


def test_a_killed_process_comes_back_as_it_was(lab: Lab) -> None:
    child = lab.netpos()
    lab.to_https()
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert refused(lab)
    assert lab.state() == "RUNNING"  # nobody has said otherwise
    lab.netpos()
    assert get(lab, "/netpos/interfaces", "https")[0] == 200


def test_a_stop_asked_for_while_the_process_was_dead_is_carried_out(lab: Lab) -> None:
    child = lab.netpos()
    lab.sc("stop", MONITOR)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert lab.run("sc", "stop", "NetPOSNet")[0] == 0
    assert lab.state() == "STOP_PENDING"
    lab.start("netpos")
    await_that(lambda: lab.state() == "STOPPED", "the stop is carried out")
    assert refused(lab)


def test_sigterm_ends_it_cleanly(lab: Lab) -> None:
    child = lab.netpos()
    child.terminate()
    assert child.wait(10) == 0
    assert lab.access()[-1]["event"] == "stop"
    assert lab.json("services.json")["services"][0]["state"] == "running"


def test_the_monitor_restarts_a_stopped_service_unless_it_is_held(lab: Lab) -> None:
    lab.faults({"server": {"monitor_restarts": True}})
    lab.netpos()
    lab.run("sc", "stop", "NetPOSNet")
    await_that(lambda: [row["event"] for row in lab.access()] == ["start", "stop", "start"], "the monitor has restarted it")
    await_that(lab.settled, "it runs again")
    lab.run("sc", "config", MONITOR, "start=", "disabled")
    assert lab.sc("stop") == "STOPPED"
    stays_stopped(lab)
    lab.sc("stop", MONITOR)
    lab.run("sc", "config", MONITOR, "start=", "auto")
    stays_stopped(lab)
    lab.run("sc", "start", MONITOR)
    await_that(lambda: lab.state() == "RUNNING", "the monitor does its work again")


def stays_stopped(lab: Lab) -> None:
    until = time.monotonic() + 1.1  # two of the monitor's rounds
    await_that(lambda: time.monotonic() > until, "time passes")
    assert lab.state() == "STOPPED"


def test_faults_of_the_start(lab: Lab) -> None:
    lab.netpos()
    lab.faults({"server": {"fail_to_start": True}})
    assert lab.to_https() == "STOPPED"
    assert "fail_to_start" in log(lab)
    lab.reserve("http")
    lab.use_ssl(False)
    assert lab.sc("start") == "RUNNING"  # it holds only under HTTPS
    lab.faults({"server": {"start_delay_s": 30}})
    lab.sc("stop")
    lab.run("sc", "start", "NetPOSNet")
    await_that(lambda: lab.json("pending.json")["NetPOSNet"]["checkpoint"] > 3, "the checkpoint grows while it starts")
    assert lab.state() == "START_PENDING"


def test_programs_are_isolated_from_the_environment(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", f"{lab.server / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert lab.run("sc", "query", "Spooler")[0] == 0
