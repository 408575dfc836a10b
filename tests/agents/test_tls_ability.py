"""TLS versions by SCHANNEL's keys and by the ssl module."""

import ssl
from typing import Any

import pytest

from agents.hosts.inventory import tls_ability

WINDOWS_7, WINDOWS_10, WINDOWS_11 = 7601, 19045, 22631


class FakeRegistry:
    """A winreg with these values: (last two parts of the key, name) -> (value, kind)."""

    HKEY_LOCAL_MACHINE, KEY_QUERY_VALUE, KEY_WOW64_64KEY, REG_DWORD, REG_SZ = 1, 2, 4, 4, 1

    def __init__(self, values: dict[tuple[str, str], tuple[Any, int]]) -> None:
        self.values = values
        self.key = ""

    def OpenKey(self, hive: int, key: str, reserved: int, rights: int) -> "FakeRegistry":
        assert (hive, rights) == (1, 6)
        self.key = "\\".join(key.split("\\")[-2:])
        if not any(place == self.key for place, _ in self.values):
            raise FileNotFoundError(2, "no such key", key)
        return self

    def QueryValueEx(self, opened: "FakeRegistry", name: str) -> tuple[Any, int]:
        if (self.key, name) not in self.values:
            raise FileNotFoundError(2, "no such value", name)
        return self.values[self.key, name]

    def __enter__(self) -> "FakeRegistry":
        return self

    def __exit__(self, *_: object) -> None:
        return None


def read(build: int, values: dict[tuple[str, str], int], side: str = "Client") -> list[str]:
    winreg = FakeRegistry({where: (value, FakeRegistry.REG_DWORD) for where, value in values.items()})
    return tls_ability.by_schannel(side, build, lambda key, name: tls_ability.registry_number(winreg, key, name))


@pytest.mark.parametrize(
    ("build", "values", "wanted"),
    [
        (WINDOWS_7, {}, ["TLSv1"]),
        (WINDOWS_7, {("TLS 1.2\\Client", "DisabledByDefault"): 0, ("TLS 1.2\\Client", "Enabled"): 1}, ["TLSv1", "TLSv1.2"]),
        (WINDOWS_7, {("TLS 1.2\\Client", "Enabled"): 0xFFFFFFFF}, ["TLSv1", "TLSv1.2"]),
        (WINDOWS_10, {}, ["TLSv1", "TLSv1.1", "TLSv1.2"]),
        (WINDOWS_10, {("TLS 1.0\\Client", "Enabled"): 0, ("TLS 1.1\\Client", "DisabledByDefault"): 1}, ["TLSv1.2"]),
        (WINDOWS_10, {("TLS 1.2\\Server", "Enabled"): 0}, ["TLSv1", "TLSv1.1", "TLSv1.2"]),
        (WINDOWS_11, {}, ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
    ],
)
def test_schannel(build: int, values: dict, wanted: list[str]) -> None:
    assert read(build, values) == wanted


def test_the_servers_side_has_keys_of_its_own() -> None:
    assert read(WINDOWS_10, {("TLS 1.2\\Server", "Enabled"): 0}, "Server") == ["TLSv1", "TLSv1.1"]


def test_a_value_that_is_no_number_is_no_value() -> None:
    winreg = FakeRegistry({("TLS 1.2\\Client", "Enabled"): ("0", FakeRegistry.REG_SZ)})
    assert tls_ability.registry_number(winreg, r"a\TLS 1.2\Client", "Enabled") is None


def test_the_ssl_module() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert tls_ability.by_module(context) == ["TLSv1.2", "TLSv1.3"]
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert tls_ability.versions("Client", context) == ["TLSv1.2"]


@pytest.mark.parametrize("names", [["TLSv1", "TLSv1.1", "TLSv1.2"], ["TLSv1.2", "TLSv1.3"], ["TLSv1"], []])
def test_a_context_speaks_nothing_newer_than_the_devices_programs(names: list[str]) -> None:
    context = ssl.create_default_context()
    before = tls_ability.by_module(context)
    tls_ability.narrow(context, names)
    wanted = [name for name in before if name in names] or names or before
    assert tls_ability.by_module(context) == wanted
