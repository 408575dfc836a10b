"""Finds out which terminals can really talk to the server, by doing it with each terminal's own settings and root store.
It does not ask the dashboard or an agent."""

import contextlib
import http.client
import json
import socket
import ssl
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agents.lab.dialects import named
from agents.lab.dialects.dialect import Asked
from tests.faults.site import Site

LIMIT_S = 6.0  # for one answer


@dataclass(frozen=True, slots=True)
class TerminalAccess:
    """One terminal."""

    scheme: str  # as its settings say, "" if they cannot be read
    ok: bool  # interface list and member lookup were answered
    why: str = ""  # what was wrong


@dataclass(frozen=True, slots=True)
class Truth:
    """One site at one moment."""

    spoken: str  # by the server: http, https, both or nothing
    settings: str  # the scheme in the server's settings file
    terminals: dict[str, TerminalAccess]

    def all_on(self, scheme: str) -> bool:
        """Whether the server and all terminals speak this scheme and every terminal is served."""
        same = all(terminal.ok and terminal.scheme == scheme for terminal in self.terminals.values())
        return same and self.spoken == scheme == self.settings


def look(site: Site) -> Truth:
    """What is true at this moment."""
    with ThreadPoolExecutor(6) as pool:
        terminals = dict(zip(site.names, pool.map(lambda name: _access(site, name), site.names), strict=True))
    ssl_on = _element(site.lab / "server" / "NetPOSSettings.xml", "General/UseSSL").lower() == "true"
    return Truth(_spoken(int(site.facts["netpos_port"])), "https" if ssl_on else "http", terminals)


def _access(site: Site, name: str) -> TerminalAccess:
    scheme = ""
    try:
        folder = site.lab / "terminals" / name
        settings = folder / "TouchSettings.xml"
        scheme = "https" if _element(settings, "Customers/Secured").lower() == "true" else "http"
        host, port = _element(settings, "Customers/NetPosHost"), int(_element(settings, "Customers/NetPosPort"))
        dialect, member = named.of(site.dialect), int(site.facts["member"])
        code = ET.fromstring(settings.read_bytes()).findtext("Customers/AccessCode") or ""
        _ask(scheme, host, port, dialect.interfaces("fault-trial", code), folder / "roots.pem")
        looked_up = _ask(scheme, host, port, dialect.lookup(member, "fault-trial", code), folder / "roots.pem")
        if not dialect.is_good(200, looked_up, member):
            raise ValueError("the lookup did not find the member")
        _own_lookup(folder / "lookups.jsonl", scheme)
    except (OSError, ValueError, ET.ParseError, http.client.HTTPException) as error:
        return TerminalAccess(scheme, False, f"{type(error).__name__}: {error}"[:160])
    return TerminalAccess(scheme, True)


def _own_lookup(log: Path, scheme: str) -> None:
    """Raises ValueError unless the terminal's own last lookup was good and made in this scheme."""
    last = json.loads(log.read_bytes().splitlines()[-1])
    if not last["ok"] or last["scheme"] != scheme:
        raise ValueError(f"its own last lookup over {last['scheme']}: {last['error'] or 'good'}")


def _ask(scheme: str, host: str, port: int, asked: Asked, roots: Path) -> bytes:
    """One request as the terminal makes it. Raises OSError, HTTPException, ValueError for any status but 200."""
    if scheme == "https":
        context = ssl.create_default_context(cafile=str(roots))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=LIMIT_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=LIMIT_S)
    try:
        connection.request(asked.method, asked.path, asked.body or None, {**dict(asked.headers), "Connection": "close"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(f"{asked.path} answered {answer.status}")
        return answer.read()
    finally:
        connection.close()


def _spoken(port: int) -> str:
    plain, tls = _speaks_plain(port), _speaks_tls(port)
    return {(True, False): "http", (False, True): "https", (True, True): "both"}.get((plain, tls), "nothing")


def _speaks_plain(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        with contextlib.closing(connection):
            connection.request("GET", "/", headers={"Connection": "close"})
            # Over HTTPS, the reference server answers a plain request with nothing at all; any response is HTTP.
            return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False


def _speaks_tls(port: int) -> bool:
    """Whether a TLS handshake succeeds with any certificate. Whether a terminal trusts it is checked for each terminal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 2.0) as raw, context.wrap_socket(raw):
            return True
    except OSError:
        return False


def _element(path: Path, where: str) -> str:
    """The text of one element of a settings file. Raises OSError, ET.ParseError, ValueError."""
    text = ET.fromstring(path.read_bytes()).findtext(where)
    if text is None:
        raise ValueError(f"{path.name} has no {where}")
    return text.strip()
