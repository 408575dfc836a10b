"""Run by Python for Windows: fills Windows' own registry and prints, as JSON, what the agent's code reads there."""

import dataclasses
import json
import ssl
import sys
import winreg
from pathlib import Path
from typing import Any

from agents.files import Files
from agents.hosts import httpsys_registry, settings_store
from agents.hosts.inventory import tls_ability
from agents.profiles import validator
from agents.profiles.reading import Reading

HTTP = r"SYSTEM\CurrentControlSet\Services\HTTP\Parameters"
SCHANNEL = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
TOUCH = r"SOFTWARE\WOW6432Node\Samford\Customers"


def put(path: str, **values: tuple[Any, int]) -> None:
    """A key of HKEY_LOCAL_MACHINE with these values, each with its kind."""
    with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_WRITE | winreg.KEY_WOW64_64KEY) as key:
        for name, (value, kind) in values.items():
            winreg.SetValueEx(key, name, 0, kind, value)


def forget(path: str) -> None:
    """Remove a key that an earlier run has left, with all below it."""
    rights = winreg.KEY_ALL_ACCESS | winreg.KEY_WOW64_64KEY
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, rights) as key:
            below = [winreg.EnumKey(key, place) for place in range(winreg.QueryInfoKey(key)[0])]
    except FileNotFoundError:
        return
    for name in below:
        forget(rf"{path}\{name}")
    winreg.DeleteKeyEx(winreg.HKEY_LOCAL_MACHINE, path, winreg.KEY_WOW64_64KEY)


def tables(port: str) -> Any:
    """http.sys's tables, before any binding was ever made and after."""
    before = httpsys_registry.read()
    put(rf"{HTTP}\UrlAclInfo", **{f"https://+:{port}/": (b"\1\0\4\x80", winreg.REG_BINARY)})
    put(rf"{HTTP}\SslBindingInfo\0.0.0.0:{port}", SslCertHash=(bytes(range(20)), winreg.REG_BINARY))
    put(rf"{HTTP}\SslSniBindingInfo\pos.example:{port}", SslCertHash=(b"short", winreg.REG_BINARY))
    put(rf"{HTTP}\SslBindingInfo\0.0.0.0:443", SslCertStoreName=("MY", winreg.REG_SZ))
    after = httpsys_registry.read()
    assert after is not None
    return [before, {**dataclasses.asdict(after), "urls": sorted(after.urls)}]


def settings(profile: str) -> Any:
    """A till's settings: read, switched, read again by others' eyes, and put back."""
    values = {"NetPosHost": ("netpos", winreg.REG_SZ), "NetPosPort": (10101, winreg.REG_DWORD)}
    put(TOUCH, Secured=("False", winreg.REG_SZ), **values)
    found = validator.load(Path(profile))
    store = settings_store.of(found, None, Files())
    store.try_write()
    before = store.read()
    reading = Reading(found, before, store.name)
    store.write(reading.switched(True))
    store.settle()
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, TOUCH, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as key:
        seen = [winreg.QueryValueEx(key, name) for name in ("Secured", "NetPosHost", "NetPosPort")]
    store.write(before)
    return [[reading.secure(), reading.host(), reading.port()], seen, store.read() == before]


def tls() -> Any:
    """What a till can speak, as this Windows has it and with TLS 1.2 for clients switched off."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    before = tls_ability.versions("Client", context)
    put(rf"{SCHANNEL}\TLS 1.2\Client", Enabled=(0, winreg.REG_DWORD))
    return [before, tls_ability.versions("Client", context), tls_ability.versions("Server", context)]


LEFT = (HTTP, rf"{SCHANNEL}\TLS 1.2\Client", TOUCH)
for left in LEFT:
    forget(left)  # by an earlier run that was cut off
try:
    json.dump({"tables": tables, "settings": settings, "tls": tls}[sys.argv[1]](*sys.argv[2:]), sys.stdout)
finally:
    for left in LEFT if sys.argv[1] != "settings" else ():
        forget(left)
