"""Shared by the lab's programs: arguments, and running until SIGTERM."""

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any


def arguments(description: str, *, names: bool = True, server: bool = False) -> argparse.Namespace:
    """Parse --dir LAB and, if wanted, --names A,B,C and --server."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dir", type=lambda text: Path(text).resolve(), required=True, help="the lab folder")
    if names:
        parser.add_argument("--names", type=lambda text: [name for name in text.split(",") if name], default=[], help="A,B,C")
    if server:
        parser.add_argument("--server", action="store_true", help="the server's agent")
    return parser.parse_args()


def serve(work: Coroutine[Any, Any, None]) -> int:
    """Run until it ends, or until SIGTERM or SIGINT. Returns the exit code."""
    asyncio.run(_until_signalled(work))
    return 0


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all at once. An error in one ends all, and with them the process, which is then restarted."""
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(work)
