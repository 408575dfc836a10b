"""Running a Windows program with an argument list, never through a shell."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from agents.errors import StepError

LIMIT_S = 20.0
GRACE_S = 5.0
if sys.platform == "win32":
    # A hidden console of its own, because the agent's console may have another code page than _code_page().
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0


@dataclass(frozen=True, slots=True)
class Output:
    """The exit code and the decoded output."""

    code: int
    text: str


async def run(program: str, *arguments: str) -> Output:
    """Run a program and wait for its end. Raises StepError program_missing or program_hung. If it is cancelled, it still
    waits a few seconds for the program's end, so that no change goes on unnoticed."""
    # In a task of its own, because cancelling asyncio's start of a program would kill it in the middle of a change.
    started: list[asyncio.subprocess.Process] = []
    talk = asyncio.ensure_future(_talk(_find(program), arguments, started))
    try:
        done, _ = await asyncio.wait({talk}, timeout=LIMIT_S)
        if not done:
            raise StepError("program_hung", f"{program} did not end within {LIMIT_S:.0f} s", "Check the device.")
    finally:
        if not talk.done():
            await _end(talk, started)
    return talk.result()


async def _talk(path: str, arguments: tuple[str, ...], started: list[asyncio.subprocess.Process]) -> Output:
    try:
        process = await asyncio.create_subprocess_exec(
            path, *arguments, creationflags=_FLAGS,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        raise StepError("program_missing", f"{path} cannot be run: {error}", "Check the agent's account.") from error
    started.append(process)
    printed, _ = await process.communicate()
    return Output(process.returncode or 0, printed.decode(_code_page(), errors="replace"))


async def _end(talk: "asyncio.Future[Output]", started: list[asyncio.subprocess.Process]) -> None:
    await asyncio.wait({talk}, timeout=GRACE_S)
    if not talk.done():
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.wait({talk}, timeout=GRACE_S)


def _find(program: str) -> str:
    if sys.platform == "win32":
        # PATH is not used, because a program of this name in another folder must not run with the agent's rights.
        return str(Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / f"{program}.exe")
    path = shutil.which(program)
    if path is None:
        raise StepError("program_missing", f"{program} is not on this device", "Install the agent on a Windows machine.")
    return path


def _code_page() -> str:
    """The OEM code page, in which a console program writes if a service has started it."""
    if sys.platform == "win32":
        import ctypes

        return f"cp{ctypes.windll.kernel32.GetOEMCP()}"
    return "utf-8"
