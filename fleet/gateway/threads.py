"""Runs services, which are ordinary blocking Django code, in threads beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connection

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="services")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one service call and return what it returns. The thread keeps its database connection unless that has failed."""

    def call() -> Any:
        try:
            return function(*args, **kwargs)
        except (DatabaseError, InterfaceError):
            connection.close()
            raise

    return await asyncio.get_running_loop().run_in_executor(_threads, call)
