"""Running a Windows program with an argument list, never through a shell."""

import asyncio
import contextlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from agents.errors import StepError

LIMIT_S = 20.0
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Output:
    """The exit code, and all that was printed, decoded."""

    code: int
    text: str


async def run(program: str, *arguments: str) -> Output:
    """Run netsh or sc and wait for its end. Raises StepError program_missing or program_hung. Cancelled, it
    still waits a few seconds for the end, so that no change goes on behind the caller's back."""
    path = _find(program)
    try:
        process = await asyncio.create_subprocess_exec(
            path, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise StepError("program_missing", f"{path} cannot be run: {error}", "Check the agent's account.") from error
    talk = asyncio.ensure_future(process.communicate())
    try:
        done, _ = await asyncio.wait({talk}, timeout=LIMIT_S)
        if not done:
            raise StepError("program_hung", f"{program} did not end within {LIMIT_S:.0f} s", "Look at the device.")
    finally:
        if not talk.done():
            await _end(process, talk)
    return Output(process.returncode or 0, talk.result()[0].decode(_code_page(), errors="replace"))


async def _end(process: asyncio.subprocess.Process, talk: "asyncio.Future[tuple[bytes, bytes]]") -> None:
    await asyncio.wait({talk}, timeout=GRACE_S)
    if not talk.done():
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await talk


def _find(program: str) -> str:
    if sys.platform == "win32":
        # Not by PATH: a program of this name in another folder must not get the agent's rights.
        return str(Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / f"{program}.exe")
    path = shutil.which(program)
    if path is None:
        raise StepError("program_missing", f"{program} is not on this device", "Install the agent on a Windows machine.")
    return path


def _code_page() -> str:
    """A console program started by a service writes in the OEM code page."""
    if sys.platform == "win32":
        import ctypes

        return f"cp{ctypes.windll.kernel32.GetOEMCP()}"
    return "utf-8"
