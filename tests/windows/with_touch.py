"""Run by Python for Windows: a program with a window, closed and started as the agent closes and starts Touch. Prints JSON."""

import asyncio
import ctypes
import json
import subprocess
import sys
import time
import winreg
from pathlib import Path
from typing import Any

from agents.errors import StepError
from agents.hosts.touch.windows import WindowsTouch
from agents.profiles.restart import TouchRestart
from agents.winapi import processes, restarting, sessions, top_windows

NOTEPAD = "C:\\windows\\system32\\notepad.exe"


def without_screen() -> None:
    """Let Wine make windows although there is no screen."""
    with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, "Software\\Wine\\Drivers", 0, winreg.KEY_WRITE) as key:
        winreg.SetValueEx(key, "Graphics", 0, winreg.REG_SZ, "null")


def wait_for(done: Any, limit_s: float = 20.0) -> bool:
    end = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


async def touch(folder: str) -> Any:
    """Started with an argument, seen with its time, and closed by WM_CLOSE."""
    file = Path(folder) / "Küche & Bar.txt"
    file.write_text("x")
    restart = TouchRestart("program", 5, "NotePad.EXE", NOTEPAD, (str(file),))
    touch = WindowsTouch(restart)
    out: dict[str, Any] = {"before": (await touch.state()).running}
    begun = time.time() * 1000
    await touch.start()
    out["appears"] = await touch.appears(20)
    state = await touch.state()
    out["since"] = state.since_ms is not None and -2000 < state.since_ms - begun < 20_000
    (process,) = processes.named("notepad.exe")
    out["window"] = wait_for(lambda: bool(top_windows._windows({process.pid})))
    await touch.close(20, kill=False)
    out["closed"] = (await touch.state()).running
    return out


async def dialog(folder: str) -> Any:
    """A window that is disabled, as one is that shows a dialog, is not asked; the program can be ended hard."""
    script = str(Path(__file__).with_name("stubborn.py"))
    mine = processes.own_session()
    pid = sessions.start(sys.executable, [script], folder, hidden=True)
    found = wait_for(lambda: (Path(folder) / "up").exists())
    asked = top_windows.ask_to_close([pid])
    out: dict[str, Any] = {"up": found, "asked": asked, "session": processes.session_of(pid) == mine}
    processes.end(pid)
    out["ended"] = wait_for(lambda: pid not in [one.pid for one in processes.named("python.exe")])
    return out


async def busy(folder: str) -> Any:
    """A Touch that does not close is named after the limit, and still runs."""
    script = str(Path(__file__).with_name("stubborn.py"))
    sessions.start(sys.executable, [script], folder, hidden=True)
    wait_for(lambda: (Path(folder) / "up").exists())
    others = {one.pid for one in processes.named("python.exe")}
    touch = WindowsTouch(TouchRestart("program", 5, "python.exe"))
    real = processes.named
    own = ctypes.windll.kernel32.GetCurrentProcessId()
    processes.named = lambda name: [one for one in real(name) if one.pid != own]
    try:
        await touch.close(1, kill=False)
    except StepError as error:
        code = error.finding.code
    still = (await touch.state()).running
    await touch.close(0, kill=True)
    return {"others": len(others) > 1, "code": code, "still": still, "after": (await touch.state()).running}


async def arguments(folder: str) -> Any:
    """What a program gets of each argument, beside what CommandLineToArgvW makes of the whole line."""
    given = ["", "a b", 'say "x"', "end\\", "a\\\\b", '\\"', "ü ß", "%PATH%", "a&b|c>d", "tab\there", "^", "'"]
    out = Path(folder) / "arguments.json"
    code = f"import json, sys; json.dump(sys.argv[1:], open({str(out)!r}, 'w'))"
    sessions.start(sys.executable, ["-c", code, *given], folder, hidden=True)
    wait_for(out.exists)
    wait_for(lambda: out.read_text() != "")
    split = ctypes.windll.shell32.CommandLineToArgvW
    split.restype = ctypes.POINTER(ctypes.c_wchar_p)
    count = ctypes.c_int()
    parts = split(sessions.command_line("C:\\Program Files\\Touch.exe", given), ctypes.byref(count))
    return {
        "given": given,
        "program": json.loads(out.read_text()),
        "windows": [parts[place] for place in range(count.value)][1:],
    }


async def as_service(folder: str) -> Any:
    """The doors of a service: a program is started with the user's token, and its window is found by the helper. Wine lets
    every process ask for the token; that this one is no service is what is pretended here."""
    real = sessions.as_service
    sessions.as_service = lambda: True
    file = Path(folder) / "x y.txt"
    file.write_text("x")
    touch = WindowsTouch(TouchRestart("program", 5, "notepad.exe", NOTEPAD, (str(file),)))
    try:
        await touch.start()
        out: dict[str, Any] = {"user": sessions.user_session(), "appears": await touch.appears(20)}
        (process,) = processes.named("notepad.exe")
        out["session"] = process.session
        wait_for(lambda: bool(top_windows._windows({process.pid})))
        command = ["-m", "agents.commands.close_window", "1"]
        root = str(Path(__file__).parents[2])
        out["nothing to ask"] = sessions.run(sys.executable, command, root, session=out["user"], limit_s=20)
        await touch.close(20, kill=False)
        out["closed"] = not (await touch.state()).running
    finally:
        sessions.as_service = real
    return out


async def boot(folder: str) -> Any:
    """The text of this start of the machine, as this process and another one read it. Wine's machine is on only as long as one
    of its programs runs."""
    read = "from agents.winapi import restarting; print(restarting.boot_id())"
    run = [sys.executable, "-c", read]
    other = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True, check=True)
    return [restarting.boot_id(), other.stdout.strip(), restarting.boot_id()]


without_screen()
json.dump(asyncio.run(globals()[sys.argv[1]](sys.argv[2])), sys.stdout)
