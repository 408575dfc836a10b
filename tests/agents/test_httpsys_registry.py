"""The second reader of http.sys's tables, through a stand-in for winreg, and what happens when the two disagree."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from fake_windows import FakeWindows

from agents.errors import StepError
from agents.hosts import httpsys_registry
from agents.hosts.host import ServerHost
from agents.hosts.httpsys_registry import Tables, compare, read_with
from agents.hosts.netsh_text import Binding, Reservation
from agents.protocol import Instruction

PARAMETERS = r"SYSTEM\CurrentControlSet\Services\HTTP\Parameters"
HASH = "AB" * 20
BOUND = (Binding("0.0.0.0:10101", HASH, None, "MY"),)
RESERVED = (Reservation("https://+:10101/", "D:(A;;GX;;;WD)"),)


def fake(keys: dict[str, dict[str, Any]], denied: bool = False) -> SimpleNamespace:
    """winreg over these keys: path -> {value name: value}; a key's subkeys are the paths below it."""

    @contextmanager
    def opened(path: str) -> Iterator[str]:
        yield path

    def open_key(hive: int, path: str, reserved: int, rights: int) -> Any:
        assert (hive, reserved, rights) == (1, 0, 0x20019 | 0x100)
        if denied:
            raise PermissionError(13, "Access is denied")
        if not any(known == path or known.startswith(path + "\\") for known in keys):
            raise FileNotFoundError(2, "no such key")
        return opened(path)

    def nth(names: list[str], number: int) -> str:
        if number >= len(names):
            raise OSError(259, "no more data")
        return names[number]

    def query(path: str, name: str) -> tuple[Any, int]:
        if name not in keys.get(path, {}):
            raise FileNotFoundError(2, "no such value")
        return keys[path][name], 3

    return SimpleNamespace(
        HKEY_LOCAL_MACHINE=1,
        KEY_READ=0x20019,
        KEY_WOW64_64KEY=0x100,
        OpenKey=open_key,
        QueryValueEx=query,
        EnumKey=lambda path, n: nth([k.rpartition("\\")[2] for k in keys if k.rpartition("\\")[0] == path], n),
        EnumValue=lambda path, n: (nth(list(keys.get(path, {})), n), b"", 3),
    )


def test_it_reads_endpoints_names_and_urls() -> None:
    winreg = fake(
        {
            PARAMETERS + r"\SslBindingInfo\0.0.0.0:10101": {"SslCertHash": bytes.fromhex(HASH)},
            PARAMETERS + r"\SslBindingInfo\[::]:443": {"SslCertHash": b"short"},
            PARAMETERS + r"\SslSniBindingInfo\pos.club.example:443": {},
            PARAMETERS + r"\UrlAclInfo": {"http://+:80/Temporary_Listen_Addresses/": b"\1", "https://+:10101/": b"\1"},
        }
    )
    tables = read_with(winreg)
    assert tables is not None
    assert tables.hashes == {"0.0.0.0:10101": HASH, "[::]:443": None, "pos.club.example:443": None}
    assert tables.urls == {"http://+:80/Temporary_Listen_Addresses/", "https://+:10101/"}
    compare(tables, 10101, BOUND, RESERVED)


@pytest.mark.parametrize("winreg", [fake({}), fake({PARAMETERS + r"\UrlAclInfo": {"x": b""}}, denied=True)])
def test_without_these_keys_there_is_one_reader(winreg: SimpleNamespace) -> None:
    assert read_with(winreg) is None
    compare(None, 10101, BOUND, RESERVED)


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        (Tables({}, frozenset({"https://+:10101/"})), "0.0.0.0:10101"),
        (Tables({"0.0.0.0:10101": "CD" * 20}, frozenset({"https://+:10101/"})), "CDCD"),
        (Tables({"0.0.0.0:10101": HASH, "10.0.0.5:10101": HASH}, frozenset({"https://+:10101/"})), "10.0.0.5:10101"),
        (Tables({"0.0.0.0:10101": HASH}, frozenset()), r"https://\+:10101/"),
        (Tables({"0.0.0.0:10101": HASH}, frozenset({"https://+:10101/", "http://*:10101/"})), r"http://\*:10101/"),
    ],
)
def test_what_only_one_of_them_has_is_named(tables: Tables, named: str) -> None:
    with pytest.raises(StepError, match=named) as caught:
        compare(tables, 10101, BOUND, RESERVED)
    assert caught.value.finding.code == "readers_disagree"


def test_other_ports_and_the_case_of_letters_do_not_matter() -> None:
    tables = Tables(
        {"0.0.0.0:10101": HASH, "0.0.0.0:443": "CD" * 20, "odd": None}, frozenset({"HTTPS://+:10101/", "http://+:80/"})
    )
    compare(tables, 10101, BOUND, RESERVED)


async def test_a_server_whose_readers_disagree_is_not_armed(
    windows: FakeWindows,
    server: ServerHost,
    make_driver: Callable[..., Any],
    make_instruction: Callable[..., Instruction],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(httpsys_registry, "read", lambda: Tables({}, frozenset({"http://+:81/"})))
    finished = await make_driver(server).do(make_instruction(action="arm"))
    assert (finished.outcome, finished.finding.code) == ("failed", "readers_disagree")
    assert windows.changes() == []
