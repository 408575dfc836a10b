"""Settings in the registry, through a stand-in for Windows' winreg with its names and its errors."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from fake_windows import FakeWindows
from profile_samples import profile

from agents.errors import StepError
from agents.files import Files
from agents.hosts.host import TerminalHost
from agents.hosts.registry import RegistryStore
from agents.net import Network

KEY = r"HKLM\SOFTWARE\WOW6432Node\Samford"
PLACE = (0x80000002, r"SOFTWARE\WOW6432Node\Samford\Customers")
SZ, DWORD, QUERY, SET, VIEW_64 = 1, 4, 0x1, 0x2, 0x100


class FakeRegistry:
    """Keys with their values (value, kind), and what was done to them."""

    def __init__(self, values: dict[str, tuple[object, int]]) -> None:
        self.keys = {PLACE: values}
        self.calls: list[str] = []
        self.read_only = False
        self.module = SimpleNamespace(
            HKEY_LOCAL_MACHINE=0x80000002, HKEY_USERS=0x80000003, REG_SZ=SZ, REG_DWORD=DWORD, KEY_QUERY_VALUE=QUERY,
            KEY_SET_VALUE=SET, KEY_WOW64_64KEY=VIEW_64, OpenKey=self.open, QueryValueEx=self.query,
            SetValueEx=self.set, FlushKey=lambda key: self.calls.append("flush"),
        )  # fmt: skip

    @contextmanager
    def _opened(self, place: tuple[int, str], rights: int) -> Iterator[tuple[tuple[int, str], int]]:
        yield place, rights

    def open(self, hive: int, path: str, reserved: int, rights: int) -> object:
        assert (reserved, rights & VIEW_64) == (0, VIEW_64)
        if (hive, path) not in self.keys:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        if self.read_only and rights & SET:
            raise PermissionError(13, "Access is denied")
        return self._opened((hive, path), rights)

    def query(self, key: tuple[tuple[int, str], int], name: str) -> tuple[object, int]:
        assert key[1] & QUERY
        if name not in self.keys[key[0]]:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return self.keys[key[0]][name]

    def set(self, key: tuple[tuple[int, str], int], name: str, reserved: int, kind: int, value: object) -> None:
        assert (reserved, key[1] & SET) == (0, SET)
        self.keys[key[0]][name] = (value, kind)
        self.calls.append(f"set {name}")


@pytest.fixture
def registry(port: int, monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    values = {"Secured": (0, DWORD), "NetPosHost": ("localhost", SZ), "NetPosPort": (str(port), SZ), "Other": (b"\0\1", 3)}
    fake = FakeRegistry(values)
    monkeypatch.setitem(sys.modules, "winreg", fake.module)
    return fake


@pytest.fixture
def till(registry: FakeRegistry, terminal: TerminalHost) -> TerminalHost:
    object.__setattr__(terminal.config, "settings", None)
    object.__setattr__(terminal.config, "profile", profile("registry", key=KEY, switch_true=1, switch_false=0))
    return TerminalHost(terminal.config, Network(), Files())


async def test_a_till_is_switched_and_restored_in_the_registry(
    registry: FakeRegistry,
    till: TerminalHost,
    windows: FakeWindows,
    port: int,
    make_driver: Callable,
    make_instruction: Callable,
) -> None:
    windows.urlacl = [[f"https://+:{port}/", "D:(A;;GX;;;WD)"]]
    windows.sslcert = [[f"0.0.0.0:{port}", windows.certificate.thumbprint, "{x}", "MY"]]
    windows.listener.close()
    await windows.listen(tls=True)
    before = dict(registry.keys[PLACE])
    driver = make_driver(till)
    assert (await driver.do(make_instruction("terminal"))).outcome == "done"
    assert registry.keys[PLACE] == {**before, "Secured": (1, DWORD)}
    # The very next call after the write: a power cut finds the new value or the old one.
    assert registry.calls[:2] == ["set Secured", "flush"]
    windows.listener.close()
    windows.urlacl = []
    await windows.listen(tls=False)
    assert (await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))).outcome == "done"
    assert registry.keys[PLACE] == before
    assert {call for call in registry.calls if call.startswith("set")} == {"set Secured"}


async def test_arming_tries_the_right_to_write_and_writes_nothing(
    registry: FakeRegistry, till: TerminalHost, windows: FakeWindows, make_driver: Callable, make_instruction: Callable
) -> None:
    assert (await make_driver(till).do(make_instruction("terminal", action="arm"))).outcome == "done"
    registry.read_only = True
    finished = await make_driver(till).do(make_instruction("terminal", seq=2, epoch=2, action="arm"))
    assert finished.finding.code == "settings_not_writable"
    assert not [call for call in registry.calls if call.startswith("set")]


def test_what_is_missing_or_of_another_kind_is_named(registry: FakeRegistry, till: TerminalHost) -> None:
    values = registry.keys[PLACE]
    values["Secured"] = (2, DWORD)
    with pytest.raises(StepError, match=r"Secured is neither 1 nor 0"):
        till.scheme()
    del values["Secured"]
    with pytest.raises(StepError, match=r"setting_missing: HKLM.*Customers\\Secured is missing"):
        till.scheme()
    values["Secured"] = (b"\0", 3)
    with pytest.raises(StepError, match=r"settings_unreadable: .*is neither REG_SZ nor REG_DWORD"):
        till.scheme()
    registry.keys.clear()
    with pytest.raises(StepError, match="setting_missing"):
        till.scheme()


def test_text_words_stay_text(registry: FakeRegistry) -> None:
    registry.keys[PLACE]["Secured"] = ("False", SZ)
    store = RegistryStore(profile("registry", key=KEY), KEY)
    store.write(store.read().replace(b'"False"', b'"True"'))
    assert registry.keys[PLACE]["Secured"] == ("True", SZ)


@pytest.mark.skipif(sys.platform == "win32", reason="there it can")
def test_elsewhere_a_registry_cannot_be_read() -> None:
    store = RegistryStore(profile("registry", key=KEY), KEY)
    for action in (store.read, store.settle, store.try_write, lambda: store.write(b'{"Customers\\\\Secured": 1}')):
        with pytest.raises(OSError, match="a registry can only be read on Windows"):
            action()
