"""Reservations beside the service's own: each is moved and put back byte for byte, or the server is not armed, and says
which one it is and why. What cannot be written again is never deleted."""

from collections.abc import Callable
from typing import Any

import pytest
from fake_windows import FakeWindows
from questions import looked_up

from agents.hosts import netsh_text, netsh_values
from agents.hosts.host import ServerHost
from agents.protocol import Finished, Instruction, StepDone, dump

Make = Callable[..., Instruction]

EVERYONE = "D:(A;;GX;;;WD)"


def accounts(number: int) -> str:
    return "D:" + "".join(f"(A;;GX;;;S-1-5-21-1004336348-1177238915-682003330-{1000 + n})" for n in range(number))


MOVED = {
    "braces": ("http://+:{port}/menu{{7C21}}/", EVERYONE),
    "windows' own": ("http://+:{port}/sra_{{BA195980-CD49-458b-9E23-C84EE0ADCD75}}/", "D:(A;;GA;;;S-1-5-80-1-2-3)"),
    "umlauts": ("http://+:{port}/Küche/Getränke/", EVERYONE),
    "many scripts": ("http://+:{port}/меню/菜单/メニュー/قائمة/", EVERYONE),
    "an emoji": ("http://+:{port}/🍺/", EVERYONE),
    "an underscore": ("http://till_server:{port}/", EVERYONE),
    "a name with umlauts": ("http://küche.example:{port}/", EVERYONE),
    "weak wildcard": ("http://*:{port}/", EVERYONE),
    "wildcard name": ("http://*.venue.example:{port}/", EVERYONE),
    "IPv6": ("http://[::1]:{port}/", EVERYONE),
    "blanks": ("http://+:{port}/my  menu app/ v2/", EVERYONE),
    "a colon and a blank": ("http://+:{port}/a: b/", EVERYONE),
    "a full-width colon": ("http://+:{port}/菜：单/", EVERYONE),
    "signs": ("http://+:{port}/a&b;c,d'e!f$g(h)[i]@j+k*l|m^n`o%20p~q/", EVERYONE),
    "empty segments": ("http://+:{port}//a//", EVERYONE),
    "capitals": ("HTTP://+:{port}/Menu/", EVERYONE),
    "a long path": ("http://+:{port}/" + "menu/" * 400, EVERYONE),
    "40 accounts": ("http://+:{port}/menu/", accounts(40)),
    "400 accounts": ("http://+:{port}/menu/", accounts(400)),
    "owner and flags": ("http://+:{port}/menu/", "O:BAG:SYD:PAI(A;;GX;;;WD)"),
    "nobody": ("http://+:{port}/menu/", "D:P"),
}
REFUSED = {
    "a query": ("http://+:{port}/menu?x/", EVERYONE, "'?'"),
    "an equals sign": ("http://+:{port}/a=b/", EVERYONE, "'='"),
    "a quotation mark": ('http://+:{port}/a"b/', EVERYONE, "'\"'"),
    "a backslash": ("http://+:{port}/a\\b/", EVERYONE, "'\\\\'"),
    "no slash at the end": ("http://+:{port}/menu", EVERYONE, "slash"),
    "a letter that the code page lacks": ("http://+:{port}/men\ufffd/", EVERYONE, "'\ufffd'"),
    "a joiner": ("http://+:{port}/a\u200db/", EVERYONE, "U+200D"),
    "a direction mark": ("http://+:{port}/a\u202eb/", EVERYONE, "U+202E"),
    "a hard blank": ("http://+:{port}/a\u00a0b/", EVERYONE, "U+00A0"),
    "a line separator": ("http://+:{port}/a/\u2028b/", EVERYONE, "U+2028"),
    "a next line": ("http://+:{port}/a/\u0085b/", EVERYONE, "U+0085"),
    "another address": ("http://+:{port}:10.0.0.1/", EVERYONE, "not a prefix"),
    "too many accounts": ("http://+:{port}/menu/", accounts(700), "command line"),
    "a condition": ("http://+:{port}/menu/", 'D:(XA;;GX;;;WD;(@User.Title=="PM"))', "access list"),
    "no list": ("http://+:{port}/menu/", "", "access list"),
}
STOPPING = ("sc stop", "netsh http delete", "netsh http add", "sc config")


def _plant(windows: FakeWindows, url: str, sddl: str) -> str:
    url = url.format(port=windows.port)
    windows.urlacl.insert(1, [url, sddl])
    return url


@pytest.mark.parametrize("name", MOVED)
async def test_a_foreign_reservation_is_moved_and_put_back_byte_for_byte(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make, name: str
) -> None:
    url = _plant(windows, *MOVED[name])
    before = windows.snapshot()
    driver = make_driver(server)
    armed = await driver.do(make_instruction(action="arm"))
    assert (armed.outcome, armed.finding) == ("done", None)
    done = await driver.do(make_instruction(seq=2))
    assert (done.outcome, done.finding) == ("done", None)
    assert [f"https{url[4:]}", MOVED[name][1]] in windows.urlacl
    assert not [row for row in windows.urlacl if f":{windows.port}/" in row[0] and not row[0].startswith("https://")]
    undone = await driver.do(make_instruction(seq=3, epoch=2, action="undo"))
    assert (undone.outcome, undone.finding) == ("done", None)
    assert windows.snapshot() == before
    assert (await looked_up(server, "1001", 1)).judgement.status == 200


@pytest.mark.parametrize("name", REFUSED)
async def test_what_could_not_be_written_again_is_refused_while_the_service_runs(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make, name: str
) -> None:
    url = _plant(windows, *REFUSED[name][:2])
    before = windows.snapshot()
    armed = await make_driver(server).do(make_instruction(action="arm"))
    assert (armed.outcome, armed.finding.code) == ("failed", "reservation_refused")
    assert url.split("/")[2] in armed.finding.message
    assert REFUSED[name][2] in armed.finding.message
    assert armed.finding.remedy
    assert not [call for call in windows.calls if call.startswith(STOPPING)]
    assert windows.snapshot() == before


@pytest.mark.parametrize("name", REFUSED)
async def test_one_that_came_after_arming_is_found_before_the_service_is_stopped(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make, name: str
) -> None:
    _plant(windows, *REFUSED[name][:2])
    before = windows.snapshot()
    finished = await make_driver(server).do(make_instruction())
    assert isinstance(finished, Finished)
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "reservation_refused", True)
    assert not [call for call in windows.calls if call.startswith(("sc stop NetPOSNet", *STOPPING[1:3]))]
    assert windows.snapshot() == before


async def test_one_that_came_after_the_stop_is_never_deleted(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make
) -> None:
    stop = windows._stop

    async def planting(name: str, service: Any) -> None:
        await stop(name, service)
        if name == "NetPOSNet":
            _plant(windows, *REFUSED["too many accounts"][:2])

    windows._stop = planting  # type: ignore[method-assign]
    before = windows.snapshot()
    finished = await make_driver(server).do(make_instruction())
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "reservation_refused", True)
    assert not [call for call in windows.calls if call.startswith("netsh http delete urlacl")]
    _, planted, *_ = windows.urlacl
    windows.urlacl.remove(planted)
    assert windows.snapshot() == before


async def test_a_reservation_that_netsh_does_not_find_by_its_own_name_is_refused(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make
) -> None:
    """A code page has shown another letter: deleting by what is shown would be refused, or take another one away."""
    url = _plant(windows, "http://+:{port}/menuł/", EVERYONE)
    show = windows._show
    windows._show = lambda what, key: show(what, key).replace("ł", "l") if key is None else show(what, key)  # type: ignore[method-assign]
    armed = await make_driver(server).do(make_instruction(action="arm"))
    assert (armed.outcome, armed.finding.code) == ("failed", "reservation_refused")
    assert url.replace("ł", "l") in armed.finding.message
    assert "by the name" in armed.finding.message


async def test_a_binding_that_could_not_be_bound_again_is_never_taken_away(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make, port: int
) -> None:
    windows.sslcert.append([f"0.0.0.0:{port}", "cd" * 20, "{77ba29fd-9f7a-45b0-8d7e-1ee5d879951b}", "My Store"])
    before = windows.snapshot()
    driver = make_driver(server)
    armed = await driver.do(make_instruction(action="arm"))
    assert (armed.outcome, armed.finding.code) == ("failed", "value_refused")
    assert "My Store" in armed.finding.message
    finished = await driver.do(make_instruction(seq=2))
    assert (finished.outcome, finished.restored) == ("failed", True)
    assert not [call for call in windows.calls if call.startswith(("sc stop NetPOSNet", *STOPPING[1:3]))]
    assert windows.snapshot() == before


async def test_the_central_store_on_the_port_is_another_programs(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make, port: int
) -> None:
    """It goes before 0.0.0.0 for whoever sends the server's name."""
    show = windows._show
    row = f"\n    Central Certificate Store : {port}\n    Hash : (null)\n    ID : {{4dc3e181-e14b-4a21-b022-59fc669b0914}}\n"
    windows._show = lambda what, key: show(what, key) + (row if what == "sslcert" else "")  # type: ignore[method-assign]
    armed = await make_driver(server).do(make_instruction(action="arm"))
    assert (armed.outcome, armed.finding.code) == ("failed", "foreign_binding")
    assert f"CCS:{port} is bound to the Central Certificate Store" in armed.finding.message


async def test_a_report_of_many_long_lists_fits_into_one_message(
    windows: FakeWindows, server: ServerHost, make_driver: Callable[..., Any], make_instruction: Make
) -> None:
    for number in range(30):
        _plant(windows, f"http://+:{{port}}/menu{number}/", accounts(400))
    before = windows.snapshot()
    driver = make_driver(server)
    assert (await driver.do(make_instruction())).outcome == "done"
    assert (await driver.do(make_instruction(seq=2, epoch=2, action="undo"))).outcome == "done"
    assert windows.snapshot() == before
    assert max(len(dump(report)) for report in driver.reports if isinstance(report, StepDone)) < 64 * 1024


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("width", [60, 80, 133, 100_000])
def test_every_prefix_is_read_as_it_is_however_the_lines_are_broken(name: str, width: int) -> None:
    url, sddl = MOVED[name][0].format(port=10101), MOVED[name][1]
    text = (
        f"\nReserved:\n---------\n\n    Reserved URL            : {url}\n        User: \\Everyone\n            SDDL: {sddl}\n\n"
    )
    broken = "\n".join(line[at : at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width))
    (row,) = netsh_text.parse_urlacl(broken).rows
    assert (row.url, row.sddl, row.port) == (url, sddl, 10101)
    assert netsh_values.why_not(row) is None
