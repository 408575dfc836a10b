"""Settings files of any kind, a failure or a crash at any call: after the rollback every byte is as it was.

make test plays 30 nights, half of them a server's, half a till's; TILLWAY_ROLLBACKS=500 plays 500."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_windows import Crash, FakeWindows

from agents.hosts.host import ServerHost, TerminalHost
from agents.lab import settings

NIGHTS = int(os.environ.get("TILLWAY_ROLLBACKS", "30")) // 2
FATES = ("whole", "crash", "crash in the undo", "fails", "crash and fails")
DENIED = "\nThe command failed, Error: 5\nAccess is denied.\n"
# What may be refused to an agent without its being unable to put things back.
REFUSABLE = ("netsh http add sslcert", "netsh http add urlacl url=https", "netsh http delete urlacl url=http")
ODD = (
    b"<!-- <Secured>True</Secured> <UseSSL>True</UseSSL> -->",
    "<Extra nøte='a &amp; b'>\t \n </Extra>".encode(),
    b"<Empty/>",
    b"<![CDATA[ <Secured>x</Secured> ]]>",
)


def odd(data: bytes, rng: random.Random) -> bytes:
    """The same settings with whatever programs and people leave in such files."""
    bom = data.startswith(b"\xef\xbb\xbf")
    text = data.removeprefix(b"\xef\xbb\xbf")
    for extra in rng.sample(ODD, rng.randint(0, len(ODD))):
        cut = text.rindex(b"</")
        text = text[:cut] + extra + rng.choice((b"", b"\n", b"\r\n", b"\r\n\r\n")) + text[cut:]
    for word in (b"UseSSL", b"Secured"):
        value = rng.choice((b"False", b"false", b"FALSE", b" False", b"False\r\n  "))
        text = text.replace(b"<%s>False</%s>" % (word, word), b"<%s>%s</%s>" % (word, value, word))
    text += rng.choice((b"", b"\n", b"\r\n\r\n", b"<!-- end -->"))
    if rng.random() < 0.25:
        return text.replace(b'encoding="utf-8"', b'encoding="utf-16"', 1).decode().encode("utf-16")
    return (b"\xef\xbb\xbf" if bom else b"") + text


def put(file: Path, data: bytes) -> None:
    file.write_bytes(data)


def get(file: Path) -> bytes:
    return file.read_bytes()


async def until(driver, windows: FakeWindows, instruction, call: int) -> None:
    """Carry it out; the process may die at this call of netsh or sc."""
    windows.calls.clear()
    windows.crash_at = call
    try:
        await driver.do(instruction)
    except Crash:
        pass  # the next driver is the next process
    finally:
        windows.crash_at = 0


@pytest.mark.parametrize("seed", range(NIGHTS))
async def test_a_server_is_put_back_byte_for_byte(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Callable, port: int, seed: int
) -> None:
    rng = random.Random(seed)
    put(windows.settings, odd(settings.netpos(port), rng))
    for other in range(rng.randint(0, 3)):
        windows.urlacl.append([f"http://+:{port + 1 + other}/", "D:(A;;GX;;;WD)"])
        windows.sslcert.append([f"0.0.0.0:{44000 + other}", f"{other:040x}", "{214124cd-d05b-4309-9af9-9caa44b2b74a}", "MY"])
    before, fate = windows.snapshot(), FATES[seed % len(FATES)]
    windows.crash_late = rng.random() < 0.5
    if "fails" in fate:
        windows.fail = {rng.choice(REFUSABLE): DENIED}
    await until(make_driver(server), windows, make_instruction(), rng.randint(1, 40) if "crash" in fate else 0)
    driver = make_driver(server)
    await driver.runner.recover()
    windows.fail = {}
    undo = make_instruction(seq=2, epoch=2, action="undo")
    await until(driver, windows, undo, rng.randint(1, 30) if fate == "crash in the undo" else 0)
    driver = make_driver(server)
    await driver.runner.recover()
    assert (await driver.do(make_instruction(seq=3, epoch=3, action="undo"))).outcome == "done"
    assert windows.snapshot() == before, fate


@pytest.mark.parametrize("seed", range(NIGHTS))
async def test_a_till_is_put_back_byte_for_byte(
    windows: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable, port: int, seed: int
) -> None:
    rng = random.Random(-1 - seed)
    file: Path = terminal.config.settings
    before, fate = odd(settings.touch(rng.randint(0, 11), "Bar-01", port, rng), rng), FATES[seed % len(FATES)]
    put(file, before)
    if fate != "fails":  # else the server does not speak HTTPS, and the till goes back by itself
        await speak(windows, port, tls=True)
    driver = make_driver(terminal)
    if "crash" in fate:
        driver.runner.submit(make_instruction("terminal"))
        driver = make_driver(terminal)  # died after it had accepted
        await driver.runner.recover()
    else:
        await driver.do(make_instruction("terminal"))
    assert (get(file) != before) == (fate != "fails"), fate
    await speak(windows, port, tls=False)
    assert (await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))).outcome == "done"
    assert get(file) == before, fate


async def speak(windows: FakeWindows, port: int, *, tls: bool) -> None:
    """The server has been switched, or put back, by its own agent."""
    windows.urlacl = [[f"http{'s' if tls else ''}://+:{port}/", "D:(A;;GX;;;WD)"]]
    windows.sslcert = [[f"0.0.0.0:{port}", windows.certificate.thumbprint, "{x}", "MY"]] if tls else []
    if windows.listener:
        windows.listener.close()
    await windows.listen(tls=tls)
