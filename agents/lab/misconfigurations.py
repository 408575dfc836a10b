"""Misconfigurations from the field, each planted in a lab folder by one function, so that a test or a person can see which
fact reveals it. docs/lab.md has the table; the numbers below are its numbers. A change takes effect when an agent reads the
files next. Nothing here undoes a change."""

import contextlib
import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agents.catalogue import APPID, EVERYONE_LISTENS
from agents.lab import machine, pki
from agents.lab.layout import MONITOR, SERVICE, LabLayout
from agents.storage import atomic

OTHERS = "{4dc3e181-e14b-4a21-b022-59fc669b0914}"
OTHER_HASH = "61d34f532da121bbab64723c4871e72c92f03735"

# --- the server: http.sys ------------------------------------------------------------------------------


def binding_on_another_port(lab: LabLayout) -> None:
    """1: the certificate went to port 8000, as in the vendor's page."""
    _bind(lab, "0.0.0.0:8000", lab.thumbprint, APPID)


def http_reservation_remains(lab: LabLayout) -> None:
    """2: HTTPS is in the settings, but the port is still reserved for HTTP."""
    use_ssl(lab, on=True)


def https_reservation_remains(lab: LabLayout) -> None:
    """3: an incomplete rollback: HTTP is in the settings, but the port is reserved for HTTPS."""
    _change(lab, "urlacl", lambda rows: [*rows, {"url": f"https://+:{lab.port}/", "sddl": EVERYONE_LISTENS}])


def reservation_without_list(lab: LabLayout) -> None:
    """3: the port's own reservation has an unreadable access list, so it could not be brought back."""
    _change(lab, "urlacl", lambda rows: [{**row, "sddl": ""} if f":{lab.port}/" in row["url"] else row for row in rows])


def reservation_unmovable(lab: LabLayout) -> None:
    """3: the port's own reservation has an access list with a condition, which netsh does not accept in the form that it
    prints."""
    listed = 'D:(XA;;GX;;;WD;(@User.Title=="PM"))'
    _change(lab, "urlacl", lambda rows: [{**row, "sddl": listed} if f":{lab.port}/" in row["url"] else row for row in rows])


def torn_thumbprint(lab: LabLayout) -> None:
    """6: two digits were lost when the thumbprint was copied."""
    _bind(lab, f"0.0.0.0:{lab.port}", lab.thumbprint[:38], APPID)


def other_language(lab: LabLayout, language: str = "german-oem") -> None:
    """7: a server that has never heard of EVERYONE."""
    options = machine.read(str(lab.server_dir), machine.OPTIONS, {})
    machine.write(str(lab.server_dir), machine.OPTIONS, {**options, "language": language})


def foreign_binding(lab: LabLayout) -> None:
    """9: another program has bound its own certificate to the port."""
    _bind(lab, f"0.0.0.0:{lab.port}", OTHER_HASH, OTHERS)


def no_reservation(lab: LabLayout) -> None:
    """7: none on the port, as where user=EVERYONE was refused with 1332."""
    _change(lab, "urlacl", lambda rows: [row for row in rows if f":{lab.port}/" not in row["url"]])


def specific_binding(lab: LabLayout) -> None:
    """10: http.sys prefers a forgotten binding of one address to ours."""
    _bind(lab, f"127.0.0.1:{lab.port}", OTHER_HASH, OTHERS)


def narrowed_addresses(lab: LabLayout, address: str = "10.0.0.5") -> None:
    """11: http.sys listens on this address only, for every program."""
    _change(lab, "iplisten", lambda _: [address])


def old_binding_kept(lab: LabLayout) -> None:
    """16: the certificate was renewed, but the port still has the old one."""
    old = next(path.stem for path in sorted(_store(lab).glob("*.key")) if path.stem != lab.thumbprint)
    _bind(lab, f"0.0.0.0:{lab.port}", old, APPID)


# --- the server: certificates, services, settings ------------------------------------------------------


def certificate_elsewhere(lab: LabLayout) -> None:
    """4: the certificate went into a store that http.sys does not read."""
    for path in _store(lab).glob(f"{lab.thumbprint}.*"):
        path.unlink()


def chain_without_intermediate(lab: LabLayout) -> None:
    """13: the certificate was imported without its issuer's."""
    path = _store(lab) / f"{lab.thumbprint}.pem"
    leaf, end, _ = path.read_bytes().partition(b"-----END CERTIFICATE-----\n")
    atomic.replace(path, leaf + end)


def key_missing(lab: LabLayout) -> None:
    """4: the certificate was imported without its key."""
    (_store(lab) / f"{lab.thumbprint}.key").unlink()


def key_in_profile(lab: LabLayout) -> None:
    """4: the PFX was imported by a user, without MachineKeySet."""
    key = _store(lab) / f"{lab.thumbprint}.key"
    key.rename(key.with_suffix(".user-key"))


def key_unusable(lab: LabLayout) -> None:
    """5: there is a key, but the agent's account cannot use it."""
    atomic.replace(_store(lab) / f"{lab.thumbprint}.key", b"-----BEGIN PRIVATE KEY-----\nnot ours to read\n")


def restarted_by_itself(lab: LabLayout) -> None:
    """8: the service has recovery actions, and the Services Monitor runs."""
    rows = machine.services(str(lab.server_dir))
    for row in rows:
        if row["name"] == SERVICE:
            row["recovery"] = 2
        if row["name"] == MONITOR:
            row.update(state="running", start_type="auto")
    machine.write(str(lab.server_dir), machine.SERVICES, {"services": rows})


def needed_by(lab: LabLayout, name: str = "KioskApi") -> None:
    """Another service depends on NetPOS.Net, which does not stop while that one runs."""
    server = str(lab.server_dir)
    with machine.services_lock(server):
        rows = machine.services(server)
        next(row for row in rows if row["name"] == SERVICE)["dependents"].append(name)
        rows.append({"name": name, "state": "running", "start_type": "auto", "dependents": []})
        machine.write(server, machine.SERVICES, {"services": rows})


def use_ssl(lab: LabLayout, *, on: bool) -> None:
    """The server's own setting, changed by hand."""
    _replace(lab.server_dir / "NetPOSSettings.xml", rb"<UseSSL>\w+", f"<UseSSL>{on}".encode())


@contextlib.contextmanager
def port_taken(lab: LabLayout) -> Iterator[None]:
    """9: another program (this process) listens at the port. NetPOS.Net must not run. Raises OSError."""
    with socket.create_server(("127.0.0.1", lab.port)):
        yield


@contextlib.contextmanager
def stranger(lab: LabLayout, address: str = "127.0.0.77") -> Iterator[None]:
    """19: an unmanaged client uses the port from this address. Raises OSError."""
    with socket.create_connection(("127.0.0.1", lab.port), timeout=5, source_address=(address, 0)):
        yield


# --- terminals -----------------------------------------------------------------------------------------


def wrong_host(lab: LabLayout, name: str, host: str = "127.0.0.2") -> None:
    """12: this terminal uses a name or address for the server that is not in the certificate."""
    _replace(_settings(lab, name), rb"<NetPosHost>[^<]*", f"<NetPosHost>{host}".encode())


def root_missing(lab: LabLayout, name: str) -> None:
    """13: this terminal has only other roots."""
    atomic.replace(_roots(lab, name), (lab.root / "foreign-root.pem").read_bytes())


def old_tls(lab: LabLayout, name: str, newest: str = "1.0") -> None:
    """14: this terminal supports no newer TLS."""
    fault(lab, name, tls_max=newest)


def wrong_clock(lab: LabLayout, name: str, skew_s: float = 400 * 86400) -> None:
    """15: this terminal's clock is ahead by skew_s seconds, or behind if it is negative."""
    fault(lab, name, clock_skew_s=skew_s)


def wrong_server_clock(lab: LabLayout, skew_s: float = 1200) -> None:
    """15: the server's clock is wrong."""
    _into_faults(lab, ("server",), {"clock_skew_s": skew_s})


def slow_first_contact(lab: LabLayout, name: str, latency_ms: float = 700, timeout_s: int = 1) -> None:
    """17: each response comes in time, but the first lookup as a whole does not."""
    _replace(_settings(lab, name), rb"<TimeoutSeconds>\d+", f"<TimeoutSeconds>{timeout_s}".encode())
    fault(lab, name, latency_ms=latency_ms)


def read_only_settings(lab: LabLayout, name: str) -> None:
    """18: this terminal's settings cannot be rewritten."""
    fault(lab, name, read_only_settings=True)


def switched_off(lab: LabLayout, name: str) -> None:
    """19: this terminal is switched off."""
    fault(lab, name, offline=True)


def full_disk(lab: LabLayout, name: str, free_mb: float = 3) -> None:
    """Further: no room for the journal."""
    fault(lab, name, disk_free_mb=free_mb)


def access_codes(lab: LabLayout, **by_name: str) -> None:
    """Further: access codes, by terminal name or `server`."""
    for name, code in by_name.items():
        element = f"<AccessCode>{code}</AccessCode>".encode()
        if name == "server":
            _replace(lab.server_dir / "NetPOSSettings.xml", rb"<LogLevel>", element + b"<LogLevel>")
        else:
            _replace(_settings(lab, name), rb"<NetPosHost>", element + b"<NetPosHost>")


def inspected(lab: LabLayout, name: str, folder: Path) -> ssl.SSLContext:
    """20: a device between this terminal and the server intercepts TLS, and the terminal trusts it. Returns its TLS
    context; the caller listens with it. folder: for its key."""
    between = pki.make()
    certificate, key = folder / "between.pem", folder / "between.key"
    certificate.write_bytes(between.good.pem)
    key.write_bytes(between.good.key or b"")
    path = _roots(lab, name)
    atomic.replace(path, path.read_bytes() + between.root)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def fault(lab: LabLayout, name: str, **values: Any) -> None:
    """Add a fault of this terminal to faults.json."""
    _into_faults(lab, ("terminals", name), values)


def _into_faults(lab: LabLayout, where: tuple[str, ...], values: dict[str, Any]) -> None:
    path = lab.root / "faults.json"
    row = said = json.loads(path.read_bytes()) if path.exists() else {}
    for key in where:
        row = row.setdefault(key, {})
    row.update(values)
    machine.write(str(lab.root), path.name, said)


def _bind(lab: LabLayout, endpoint: str, certhash: str, appid: str) -> None:
    row = {"endpoint": endpoint, "certhash": certhash.lower(), "appid": appid, "store": "MY"}
    _change(lab, "sslcert", lambda rows: [*(other for other in rows if other["endpoint"] != endpoint), row])


def _change(lab: LabLayout, table: str, change: Any) -> None:
    server = str(lab.server_dir)
    with machine.httpsys_lock(server):
        tables = machine.httpsys(server)
        machine.write(server, machine.HTTPSYS, {**tables, table: change(tables[table])})


def _replace(path: Path, pattern: bytes, new: bytes) -> None:
    """Replace the only match of the pattern by `new`. Raises ValueError unless there is exactly one match."""
    data, count = re.subn(pattern, lambda _: new, path.read_bytes())
    if count != 1:
        raise ValueError(f"{path}: {pattern!r} is there {count} times")
    atomic.replace(path, data)


def _store(lab: LabLayout) -> Path:
    return lab.server_dir / machine.CERTIFICATES


def _settings(lab: LabLayout, name: str) -> Path:
    return lab.terminal_dir(name) / "TouchSettings.xml"


def _roots(lab: LabLayout, name: str) -> Path:
    return lab.terminal_dir(name) / "roots.pem"
