"""Who uses the server's port: the addresses of the clients, and the process that listens. Read with netstat on Windows and from
/proc elsewhere. No text of netstat is compared, because its states are translated: a row with a remote port is a connection,
one without is a listener."""

import contextlib
import csv
import ipaddress
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agents.hosts import program

SYSTEM_PID = 4  # the kernel, in which http.sys runs
MAX_ROWS = 50_000
_PROC = Path("/proc")
_LISTEN, _USED = "0A", ("01", "06", "08")  # /proc/net/tcp: listening; established, and ended a moment ago


@dataclass(frozen=True, slots=True)
class Row:
    """One end of a connection, or a listener."""

    port: int
    remote: str | None  # address of the other end; None for a listener
    owner: int | None  # process id; on Linux the socket's inode


@dataclass(frozen=True, slots=True)
class Use:
    """The use of one port."""

    peers: dict[str, int]  # number of connections by address, including those that ended up to a minute ago
    listeners: tuple[int | None, ...]  # owner of each listener, for process()


async def at(port: int) -> Use:
    """The use of this port. Raises OSError or StepError."""
    return use(await _rows(), port)


async def listening() -> frozenset[int]:
    """The ports at which any program of this computer listens. Raises OSError or StepError."""
    return frozenset(row.port for row in await _rows() if row.remote is None)


async def _rows() -> list[Row]:
    if sys.platform == "win32":
        return parse_netstat((await program.run("netstat", "-ano")).text)
    tables = [(_PROC / "net" / name) for name in ("tcp", "tcp6")]
    return [row for table in tables if table.exists() for row in parse_proc(table.read_text())]


def process(listener: int | None) -> int | None:
    """The process id of one of Use.listeners; None if the agent may not see it. Raises OSError."""
    return listener if sys.platform == "win32" or listener is None else _holder(listener)


async def program_of(pid: int) -> str | None:
    """The program's name; None if it is unknown. Raises OSError or StepError."""
    if sys.platform == "win32":
        text = (await program.run("tasklist", "/FI", f"PID eq {pid}", "/FO", "CSV", "/NH")).text
        return parse_tasklist(text, pid)
    line = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return line[:200] or None


def use(rows: Iterable[Row], port: int) -> Use:
    """The use of this port, from these rows."""
    here = [row for row in rows if row.port == port]
    peers = Counter(row.remote for row in here if row.remote is not None)
    owners = dict.fromkeys(row.owner for row in here if row.remote is None)
    return Use(dict(peers), tuple(owners))


def parse_netstat(text: str) -> list[Row]:
    """The rows of `netstat -ano`."""
    rows = []
    for line in text.splitlines()[:MAX_ROWS]:
        words = line.split()
        if len(words) < 4 or not words[0].upper().startswith("TCP"):
            continue
        (_, port), (remote, remote_port) = _parted(words[1]), _parted(words[2])
        if port is not None and remote_port is not None:
            owner = int(words[-1]) if words[-1].isdecimal() and words[-1].isascii() else None
            rows.append(Row(port, remote if remote_port else None, owner))
    return rows


def parse_proc(text: str) -> list[Row]:
    """The rows of /proc/net/tcp or tcp6."""
    rows = []
    for line in text.splitlines()[1:MAX_ROWS]:
        words = line.split()
        with contextlib.suppress(ValueError, IndexError):
            remote, _, _ = words[2].partition(":")
            if words[3] == _LISTEN:
                rows.append(Row(int(words[1].rpartition(":")[2], 16), None, int(words[9])))
            elif words[3] in _USED:
                rows.append(Row(int(words[1].rpartition(":")[2], 16), _address(remote), None))
    return rows


def parse_tasklist(text: str, pid: int) -> str | None:
    """The program's name in the output of tasklist as CSV."""
    for row in csv.reader(text.splitlines()[:20]):
        if len(row) > 1 and row[1] == str(pid):
            return row[0][:200]
    return None


def _parted(text: str) -> tuple[str, int | None]:
    """Address and port; the port is 0 for the * or 0 of a listener, None if the text is not an address."""
    host, _, port = text.rpartition(":")
    if port == "*":
        return host, 0
    return _plain(host.strip("[]").partition("%")[0]), int(port) if port.isascii() and port.isdecimal() else None


def _plain(text: str) -> str:
    """An IPv4 address that an IPv6 socket reports, in IPv4 notation."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    return str(getattr(address, "ipv4_mapped", None) or address)


def _address(hexadecimal: str) -> str:
    """An address from /proc, which has words of four bytes in the machine's byte order. Raises ValueError."""
    data = bytes.fromhex(hexadecimal)
    words = [data[place : place + 4] for place in range(0, len(data), 4)]
    return _plain(str(ipaddress.ip_address(b"".join(word[:: -1 if sys.byteorder == "little" else 1] for word in words))))


def _holder(inode: int | None) -> int | None:
    """The process that has this socket open; None if the agent may not see it."""
    wanted = f"socket:[{inode}]"
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            if any(_target(folder / "fd" / name) == wanted for name in os.listdir(folder / "fd")):
                return int(folder.name)
    return None


def _target(path: Path) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
