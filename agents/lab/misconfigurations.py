"""The field failures of the days before a cutover, each planted in a lab folder by one function, so that a test or a
person can see by which fact it is found. docs/lab.md has the table. Edits hold from the agents' next look on; nothing
here undoes them."""

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
    """2: HTTPS in the settings, and the port is still reserved for HTTP."""
    use_ssl(lab, on=True)


def https_reservation_remains(lab: LabLayout) -> None:
    """3: a half rollback: HTTP in the settings, and a reservation for HTTPS on the port."""
    _change(lab, "urlacl", lambda rows: [*rows, {"url": f"https://+:{lab.port}/", "sddl": EVERYONE_LISTENS}])


def reservation_without_list(lab: LabLayout) -> None:
    """3: the port's own reservation has an access list that nobody can read, so nothing could bring it back."""
    _change(lab, "urlacl", lambda rows: [{**row, "sddl": ""} if f":{lab.port}/" in row["url"] else row for row in rows])


def reservation_unmovable(lab: LabLayout) -> None:
    """3: the port's own reservation has an access list with a condition, which netsh cannot be given as it is shown."""
    listed = 'D:(XA;;GX;;;WD;(@User.Title=="PM"))'
    _change(lab, "urlacl", lambda rows: [{**row, "sddl": listed} if f":{lab.port}/" in row["url"] else row for row in rows])


def torn_thumbprint(lab: LabLayout) -> None:
    """6: two digits were lost when the thumbprint was copied."""
    _bind(lab, f"0.0.0.0:{lab.port}", lab.thumbprint[:38], APPID)


def other_language(lab: LabLayout, language: str = "german-oem") -> None:
    """7: a server that has never heard of EVERYONE_LISTENS."""
    options = machine.read(str(lab.server_dir), machine.OPTIONS, {})
    machine.write(str(lab.server_dir), machine.OPTIONS, {**options, "language": language})


def foreign_binding(lab: LabLayout) -> None:
    """9: another program has bound a certificate of its own to the port."""
    _bind(lab, f"0.0.0.0:{lab.port}", OTHER_HASH, OTHERS)


def no_reservation(lab: LabLayout) -> None:
    """7: none on the port, as where user=EVERYONE_LISTENS was refused with 1332."""
    _change(lab, "urlacl", lambda rows: [row for row in rows if f":{lab.port}/" not in row["url"]])


def specific_binding(lab: LabLayout) -> None:
    """10: a forgotten binding of one address goes before ours."""
    _bind(lab, f"127.0.0.1:{lab.port}", OTHER_HASH, OTHERS)


def narrowed_addresses(lab: LabLayout, address: str = "10.0.0.5") -> None:
    """11: http.sys listens on this address only, for every program."""
    _change(lab, "iplisten", lambda _: [address])


def old_binding_kept(lab: LabLayout) -> None:
    """16: the certificate was renewed, and the port still has the old one."""
    old = next(path.stem for path in sorted(_store(lab).glob("*.key")) if path.stem != lab.thumbprint)
    _bind(lab, f"0.0.0.0:{lab.port}", old, APPID)


# --- the server: certificates, services, settings ------------------------------------------------------


def certificate_elsewhere(lab: LabLayout) -> None:
    """4: the certificate went into a store that http.sys does not read."""
    for path in _store(lab).glob(f"{lab.thumbprint}.*"):
        path.unlink()


def chain_without_intermediate(lab: LabLayout) -> None:
    """13: the certificate was imported without the one that issued it."""
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
    """5: there is a key, and whoever runs the agent cannot use it."""
    atomic.replace(_store(lab) / f"{lab.thumbprint}.key", b"-----BEGIN PRIVATE KEY-----\nnot ours to read\n")


def restarted_by_itself(lab: LabLayout) -> None:
    """8: recovery actions, and the Services Monitor runs."""
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
    """9: another program, which is this one, listens at the port. NetPOS.Net must not run. Raises OSError."""
    with socket.create_server(("127.0.0.1", lab.port)):
        yield


@contextlib.contextmanager
def stranger(lab: LabLayout, address: str = "127.0.0.77") -> Iterator[None]:
    """19: a client that nobody manages uses the port, from this address. Raises OSError."""
    with socket.create_connection(("127.0.0.1", lab.port), timeout=5, source_address=(address, 0)):
        yield


# --- terminals -----------------------------------------------------------------------------------------


def wrong_host(lab: LabLayout, name: str, host: str = "127.0.0.2") -> None:
    """12: this till calls the server by a name or an address that is not in the certificate."""
    _replace(_settings(lab, name), rb"<NetPosHost>[^<]*", f"<NetPosHost>{host}".encode())


def root_missing(lab: LabLayout, name: str) -> None:
    """13: this till has other roots only."""
    atomic.replace(_roots(lab, name), (lab.root / "foreign-root.pem").read_bytes())


def old_tls(lab: LabLayout, name: str, newest: str = "1.0") -> None:
    """14: this till speaks no newer TLS."""
    fault(lab, name, tls_max=newest)


def wrong_clock(lab: LabLayout, name: str, skew_s: float = 400 * 86400) -> None:
    """15: this till's clock is ahead by so much, behind for less than 0."""
    fault(lab, name, clock_skew_s=skew_s)


def wrong_server_clock(lab: LabLayout, skew_s: float = 1200) -> None:
    """15: the server's clock is off."""
    _into_faults(lab, ("server",), {"clock_skew_s": skew_s})


def slow_first_contact(lab: LabLayout, name: str, latency_ms: float = 700, timeout_s: int = 1) -> None:
    """17: each answer comes in time, the first lookup as a whole does not."""
    _replace(_settings(lab, name), rb"<TimeoutSeconds>\d+", f"<TimeoutSeconds>{timeout_s}".encode())
    fault(lab, name, latency_ms=latency_ms)


def read_only_settings(lab: LabLayout, name: str) -> None:
    """18: this till's settings cannot be rewritten."""
    fault(lab, name, read_only_settings=True)


def switched_off(lab: LabLayout, name: str) -> None:
    """19: this till is not there."""
    fault(lab, name, offline=True)


def full_disk(lab: LabLayout, name: str, free_mb: float = 3) -> None:
    """Further: no room for the journal."""
    fault(lab, name, disk_free_mb=free_mb)


def access_codes(lab: LabLayout, **by_name: str) -> None:
    """Further: access codes, by a till's name or `server`."""
    for name, code in by_name.items():
        element = f"<AccessCode>{code}</AccessCode>".encode()
        if name == "server":
            _replace(lab.server_dir / "NetPOSSettings.xml", rb"<LogLevel>", element + b"<LogLevel>")
        else:
            _replace(_settings(lab, name), rb"<NetPosHost>", element + b"<NetPosHost>")


def inspected(lab: LabLayout, name: str, folder: Path) -> ssl.SSLContext:
    """20: something between this till and the server opens TLS, and the till trusts it. Returns how it speaks; the
    caller listens. folder: for its key."""
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
    """Into faults.json, beside what is there. name: a terminal's."""
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
    """Put `new` where the pattern matches. Raises ValueError unless that is exactly once."""
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
