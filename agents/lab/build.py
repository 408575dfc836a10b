"""Makes a lab folder: a whole site, ready to run. docs/lab.md describes the folder."""

import json
import os
import random
import sys
import time
from pathlib import Path

from agents.catalogue import EVERYONE_LISTENS
from agents.lab import machine, pki, settings
from agents.lab.dialects import named as dialects
from agents.lab.layout import ACCESS_LOG, LAYOUT, MEMBERS, MONITOR, SERVICE, LabLayout, load
from agents.lab.texts import languages
from agents.lab.touch import state

__all__ = ["LabLayout", "build", "load"]

PROFILE = "profile.toml"  # of a terminal's agent, where its Touch caches its settings
# Where the settings are is what the built-in profile says, too.
_CACHING_PROFILE = """\
role = "terminal"
format = "xml"
file = "TouchSettings.xml"
switch = {{at = "TouchSettings/Customers/Secured", true = "True", false = "False"}}
host = {{at = "TouchSettings/Customers/NetPosHost"}}
port = {{at = "TouchSettings/Customers/NetPosPort"}}
timeout = {{at = "TouchSettings/Customers/TimeoutSeconds"}}
access_code = {{at = "TouchSettings/Customers/AccessCode"}}

[restart]
how = "program"
limit_s = 15
name = "Touch.exe"
start = '{start}'
"""

_PROGRAM = """\
#!/bin/sh
exec {python} -I -S -c 'import sys; sys.path.insert(0, sys.argv[1]); from agents.lab import {name}; \
sys.exit({name}.main(sys.argv[2], sys.argv[3:]))' {root} "${{0%/*}}/.." "$@"
"""


def build(
    folder: Path,
    *,
    terminals: int,
    seed: int,
    port: int,
    gateway: str,
    gateway_ca: Path,
    language: str = languages.DEFAULT,
    dialect: str = dialects.DEFAULT,
    caches: bool = False,
) -> LabLayout:
    """Make the lab in `folder`. If there is one already, only its agents' gateway is changed, which may have another
    address after a restart. The settings depend only on the seed; keys are always new. language: one of languages.NAMES,
    for the output of netsh and sc. dialect: one of dialects.NAMES, what server and terminals speak. Raises ValueError for
    any other. caches: every Touch keeps its settings in memory, and its agent's profile says that it is to be restarted."""
    languages.Language(language)
    dialects.of(dialect)
    folder = folder.resolve()
    if not (folder / LAYOUT).exists():
        _make(folder, terminals, seed, port, language, dialect, caches)
    layout = load(folder)
    _configure_agents(layout, gateway, gateway_ca.resolve())
    _write_programs(layout.server_dir / "bin")
    return layout


def _make(folder: Path, terminals: int, seed: int, port: int, language: str, dialect: str, caches: bool) -> None:
    rng = random.Random(seed)
    names = settings.names(terminals, rng)
    certificates = pki.make()
    code = f"AC{rng.randint(100_000, 999_999)}" if dialects.of(dialect).needs_code else ""
    _make_server(folder / "server", port, certificates, language, code)
    (folder / "foreign-root.pem").write_bytes(certificates.foreign[0])
    for number, name in enumerate(names):
        here = folder / "terminals" / name
        here.mkdir(parents=True, exist_ok=True)
        (here / "TouchSettings.xml").write_bytes(settings.touch(number, name, port, rng, code))
        roots = [certificates.root, *certificates.foreign[: rng.randint(1, 2)]]
        rng.shuffle(roots)
        (here / "roots.pem").write_bytes(b"".join(roots))
        if caches:
            state.write(here, state.State(True, time.time()))
    layout = {
        "names": names,
        "member": MEMBERS[0],
        "netpos_host": "localhost",
        "port": port,
        "thumbprint": certificates.good.thumbprint,
        "dialect": dialect,
    }
    # Written last: a lab without it is incomplete and is made anew.
    machine.write(str(folder), LAYOUT, layout)


def _make_server(server: Path, port: int, certificates: pki.Pki, language: str, code: str) -> None:
    store = server / machine.CERTIFICATES
    store.mkdir(parents=True, exist_ok=True)
    for entry in certificates.store:
        (store / f"{entry.thumbprint}.pem").write_bytes(entry.pem)
        if entry.key:
            _write_key(store / f"{entry.thumbprint}.key", entry.key)
    (server / "root.pem").write_bytes(certificates.root)
    (server / "NetPOSSettings.xml").write_bytes(settings.netpos(port, code))
    other_port = 8443 if port != 8443 else 8444
    tables = {
        "urlacl": [
            {"url": "http://+:80/Temporary_Listen_Addresses/", "sddl": EVERYONE_LISTENS},
            {"url": f"http://+:{port}/", "sddl": EVERYONE_LISTENS},
            {"url": "https://*:5358/", "sddl": "D:(A;;GX;;;BU)(A;;GX;;;LS)"},
        ],
        "sslcert": [
            {
                "endpoint": f"0.0.0.0:{other_port}",
                "certhash": "61d34f532da121bbab64723c4871e72c92f03735",
                "appid": "{214124cd-d05b-4309-9af9-9caa44b2b74a}",
                "store": "MY",
            }
        ],
        "iplisten": [],
    }
    machine.write(str(server), machine.HTTPSYS, tables)
    # The programs of SwiftPOS lie in the server's own folder, beside its settings.
    rows = [
        _service(SERVICE, "running", "auto") | {"display": "NetPOS.Net", "program": f"{SERVICE}.exe"},
        _service(MONITOR, "running", "auto") | {"display": "SwiftPOS Services Monitor", "program": f"{MONITOR}.exe"},
        _service("Spooler", "running", "auto") | {"display": "Print Spooler", "program": "../spoolsv.exe"},
    ]
    machine.write(str(server), machine.SERVICES, {"services": rows})
    machine.write(str(server), machine.OPTIONS, {"urlacl_conflict": True, "elevated": True, "language": language})


def _service(name: str, state: str, start_type: str) -> machine.Row:
    return {"name": name, "state": state, "start_type": start_type, "dependents": []}


def _write_key(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)


def _configure_agents(layout: LabLayout, gateway: str, gateway_ca: Path) -> None:
    common = {"gateway": gateway, "gateway_ca": str(gateway_ca), "state": "agent"}
    server = {"role": "server", "name": layout.server_name, **common, "settings": "NetPOSSettings.xml"}
    server |= {"service": SERVICE, "monitor": MONITOR, "store": machine.CERTIFICATES, "access_log": ACCESS_LOG}
    _write_toml(layout.server_agent_config, server)
    for name in layout.names:
        terminal = {"role": "terminal", "name": name, **common, "settings": "TouchSettings.xml", "roots": "roots.pem"}
        folder = layout.terminal_dir(name)
        if state.read(folder) is not None:
            (folder / PROFILE).write_text(_CACHING_PROFILE.format(start=folder / "Touch"), encoding="utf-8")
            terminal |= {"profile": PROFILE}
        _write_toml(layout.agent_config(name), terminal)


def _write_toml(path: Path, values: dict[str, str]) -> None:
    # A JSON string without control characters is a TOML basic string.
    path.write_text(
        "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()), encoding="utf-8"
    )


def _write_programs(folder: Path) -> None:
    """netsh and sc. They run Python isolated and without site packages, so they start quickly."""
    folder.mkdir(exist_ok=True)
    root = Path(__file__).resolve().parents[2]
    for name in ("netsh", "sc"):
        text = _PROGRAM.format(python=_quoted(sys.executable), name=name, root=_quoted(str(root)))
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
