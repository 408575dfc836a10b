"""http.sys's rules, as far as they decide what the reference server may do. Pure functions on its tables,
apart from Bindings, which reads them anew whenever they change."""

import os
import ssl
from pathlib import Path
from typing import Any

from agents.lab import machine

Tables = dict[str, Any]

_HERE, _ANY, _ANY_V6 = "127.0.0.1", "0.0.0.0", "[::]"  # noqa: S104 - names of rows, nothing is bound to them


def refusal(tables: Tables, scheme: str, port: int) -> str | None:
    """Why this service may not register its URL; None when it may. The account is no administrator, so it
    needs a reservation, of exactly the string that it registers."""
    url = f"{scheme}://+:{port}/"
    other = "http" if scheme == "https" else "https"
    rows = [row["url"].lower() for row in tables["urlacl"]]
    if any(_scheme_port(row) == (other, str(port)) for row in rows):
        return f"{url} conflicts with an existing registration on the machine: port {port} is reserved for {other}"
    if url not in rows:
        return f"access is denied to {url}: there is no reservation for it"
    return None


def listens_here(tables: Tables) -> bool:
    """Whether http.sys listens on 127.0.0.1 at all: one iplisten entry narrows it for every program."""
    return not tables["iplisten"] or any(row in (_ANY, _HERE) for row in tables["iplisten"])


def bound_hash(tables: Tables, port: int) -> str | None:
    """The certificate of the endpoint that serves 127.0.0.1; the most specific row wins."""
    by_endpoint = {row["endpoint"]: row["certhash"] for row in tables["sslcert"]}
    for host in (_HERE, _ANY, _ANY_V6):
        if found := by_endpoint.get(f"{host}:{port}"):
            return str(found).upper()
    return None


class Bindings:
    """The TLS context for new connections, as the tables are at that moment."""

    def __init__(self, server: Path, port: int) -> None:
        self._server, self._port = server, port
        self._seen: tuple[int, int] | None = None
        self._context: ssl.SSLContext | None = None
        self.problem: str | None = None

    def context(self) -> ssl.SSLContext | None:
        """None, and `problem` says why, where a handshake can only be reset."""
        try:
            stat = os.stat(self._server / machine.HTTPSYS)
        except FileNotFoundError:
            self._context, self._seen, self.problem = None, None, "http.sys has no tables"
            return None
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen != self._seen:
            self._context, self.problem = self._load()
            self._seen = seen
        return self._context

    def _load(self) -> tuple[ssl.SSLContext | None, str | None]:
        certhash = bound_hash(machine.httpsys(str(self._server)), self._port)
        if certhash is None:
            return None, f"no certificate is bound to port {self._port}"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        store = self._server / machine.CERTIFICATES
        try:
            context.load_cert_chain(store / f"{certhash}.pem", store / f"{certhash}.key")
        except (OSError, ssl.SSLError) as error:
            return None, f"certificate {certhash} cannot be used: {error}"
        return context, None


def _scheme_port(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    return scheme, rest.partition("/")[0].rpartition(":")[2]
