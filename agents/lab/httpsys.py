"""The rules of http.sys that decide what the reference server may do. Pure functions on its tables, except Bindings, which
reads the tables anew when they change."""

import os
import ssl
from pathlib import Path
from typing import Any

from agents.lab import machine

Tables = dict[str, Any]

_HERE, _ANY, _ANY_V6 = "127.0.0.1", "0.0.0.0", "[::]"  # noqa: S104 - names of rows, not addresses to listen on


def refusal(tables: Tables, scheme: str, port: int) -> str | None:
    """Why this service may not register its URL; None if it may. Its account is not an administrator, so it needs a
    reservation of exactly the same string."""
    url = f"{scheme}://+:{port}/"
    other = "http" if scheme == "https" else "https"
    rows = [row["url"].lower() for row in tables["urlacl"]]
    if any(_scheme_port(row) == (other, str(port)) for row in rows):
        return f"{url} conflicts with an existing registration on the machine: port {port} is reserved for {other}"
    if url not in rows:
        return f"access is denied to {url}: there is no reservation for it"
    return None


def listens_here(tables: Tables) -> bool:
    """Whether http.sys listens on 127.0.0.1: an iplisten entry restricts it for every program."""
    return not tables["iplisten"] or any(row in (_ANY, _HERE) for row in tables["iplisten"])


def bound_hash(tables: Tables, port: int) -> str | None:
    """The certificate for 127.0.0.1, from the most specific row."""
    by_endpoint = {row["endpoint"]: row["certhash"] for row in tables["sslcert"]}
    for host in (_HERE, _ANY, _ANY_V6):
        if found := by_endpoint.get(f"{host}:{port}"):
            return str(found).upper()
    return None


class Bindings:
    """Makes the TLS context for new connections from the present tables."""

    def __init__(self, server: Path, port: int) -> None:
        self._server, self._port = server, port
        self._seen: tuple[int, int] | None = None
        self._context: ssl.SSLContext | None = None
        self.problem: str | None = None

    def context(self) -> ssl.SSLContext | None:
        """The context; None if a handshake must be reset, then `problem` says why."""
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
