"""Finds out which terminals can really talk to the server, by doing it with each terminal's own settings and root store.
It does not ask the dashboard or an agent."""

import http.client
import json
import socket
import ssl
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

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
        if not isinstance(json.loads(_get(scheme, host, port, "/netpos/interfaces", folder / "roots.pem")), list):
            raise ValueError("the interface list is no list")
        _get(scheme, host, port, f"/netpos/members/{site.facts['member']}", folder / "roots.pem")
    except (OSError, ValueError, ET.ParseError, http.client.HTTPException) as error:
        return TerminalAccess(scheme, False, f"{type(error).__name__}: {error}"[:160])
    return TerminalAccess(scheme, True)


def _get(scheme: str, host: str, port: int, path: str, roots: Path) -> bytes:
    """One GET as the terminal does it. Raises OSError, HTTPException, ValueError for any status but 200."""
    if scheme == "https":
        context = ssl.create_default_context(cafile=str(roots))
        asked: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=LIMIT_S, context=context)
    else:
        asked = http.client.HTTPConnection(host, port, timeout=LIMIT_S)
    try:
        asked.request("GET", path, headers={"X-Terminal": "fault-trial", "Connection": "close"})
        answer = asked.getresponse()
        if answer.status != 200:
            raise ValueError(f"{path} answered {answer.status}")
        return answer.read()
    finally:
        asked.close()


def _spoken(port: int) -> str:
    plain, tls = _speaks_plain(port), _speaks_tls(port)
    return {(True, False): "http", (False, True): "https", (True, True): "both"}.get((plain, tls), "nothing")


def _speaks_plain(port: int) -> bool:
    try:
        _get("http", "127.0.0.1", port, "/netpos/interfaces", Path())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return True


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
