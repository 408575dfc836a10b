"""The broker's notifications for all live pages of this process: one subscription, however many browsers there are."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from fleet.services.after_commit import CHANGED_CHANNEL

log = logging.getLogger(__name__)

RETRY_S = 1.0  # pause before it connects again; meanwhile each viewer looks into the database once a second


class Listener:
    """Wakes the viewers of a cutover when the broker says that it has changed. It runs while somebody is viewing:
    from the first viewer's arrival until the last one has left."""

    def __init__(self) -> None:
        self._viewers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)  # by the cutover's id, as it is published
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def watch(self, cutover_id: int) -> Iterator[asyncio.Event]:
        """Inside the block, the event that it yields is set whenever this cutover may have changed."""
        key, changed = str(cutover_id), asyncio.Event()
        self._viewers[key].add(changed)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        try:
            yield changed
        finally:
            self._viewers[key].discard(changed)
            if not self._viewers[key]:
                del self._viewers[key]
            if not self._viewers:
                self._task.cancel()
                self._task = None

    async def _listen(self) -> None:
        while True:
            try:
                async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as notifications:
                    await notifications.subscribe(CHANGED_CHANNEL)
                    async for message in notifications.listen():
                        self._hear(message["type"], message["data"])
            except (RedisError, OSError) as error:
                log.info("live pages do without the broker for a moment: %s", error)
                await asyncio.sleep(RETRY_S)

    def _hear(self, kind: str, data: bytes | int) -> None:
        if kind == "subscribe":  # something may have happened while nobody listened
            woken = [changed for viewers in self._viewers.values() for changed in viewers]
        elif kind == "message" and isinstance(data, bytes):
            woken = list(self._viewers.get(data.decode(errors="replace"), ()))
        else:
            return
        for changed in woken:
            changed.set()


listener = Listener()
