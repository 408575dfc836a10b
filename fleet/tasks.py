"""Celery tasks. Each calls one service and carries out what that returns."""

import functools
import logging

import redis
from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from agents import failpoints
from fleet.services import clock, pruning
from fleet.services.after_commit import CHANGED_CHANNEL, DROP_CHANNEL, NOTIFY_CHANNEL, AfterCommit, Dispatch
from fleet.services.cutovers import instructions, sweeps
from fleet.services.probes import inquiries, signing
from fleet.services.rehearsals import probes, schedule

log = logging.getLogger(__name__)


def follow(after: AfterCommit) -> None:
    """Carry out what a service returned. Call it after the service's transaction was committed. Never raises for a broker
    that is away: nothing is lost then, because the next tick finds the same in the database."""
    if after.dispatch:
        failpoints.reached("tasks.follow_begun")
    try:
        for chunk in after.dispatch:
            dispatch.apply_async((chunk.cutover, list(chunk.runs)), retry=False)
        for rehearsal_id in after.rehearse:
            rehearse.apply_async((rehearsal_id,), retry=False)
        for inquiry_id in after.inquire:
            inquire.apply_async((inquiry_id,), retry=False)
        _publish(after)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("the broker cannot be reached, a sweep will follow: %s", error)
    if after.dispatch:
        failpoints.reached("tasks.follow_done")


@shared_task  # type: ignore[untyped-decorator]
def dispatch(cutover_id: int, run_ids: list[int]) -> None:
    """Write and sign the instructions of these device runs, then notify the gateway."""
    failpoints.reached("tasks.dispatch_begun")
    after = instructions.write(Dispatch(cutover_id, tuple(run_ids)), clock.now())
    failpoints.reached("tasks.dispatch_written")
    follow(after)


@shared_task  # type: ignore[untyped-decorator]
def rehearse(rehearsal_id: int) -> None:
    """Write and sign a rehearsal's probes, then notify the gateway."""
    follow(probes.write(rehearsal_id, clock.now()))


@shared_task  # type: ignore[untyped-decorator]
def inquire(inquiry_id: int) -> None:
    """Write and sign an inquiry, then notify the gateway."""
    follow(signing.write(inquiry_id, clock.now()))


@shared_task  # type: ignore[untyped-decorator]
def tick() -> None:
    """Runs once a second, from beat. Cutovers go first, so that a rehearsal or an inquiry that fails cannot delay them."""
    follow(sweeps.tick(clock.now()))
    follow(schedule.tick(clock.now()))
    follow(inquiries.tick(clock.now()))


@shared_task  # type: ignore[untyped-decorator]
def prune() -> None:
    """Runs once an hour, from beat."""
    counts = pruning.prune(clock.now())
    if any(counts.values()):
        log.info("pruned: %s", ", ".join(f"{count} {name}" for name, count in counts.items() if count))


def _publish(after: AfterCommit) -> None:
    """Send all notifications to the broker in one pipeline."""
    if not (after.notify or after.changed or after.dropped):
        return
    pipeline = _redis().pipeline(transaction=False)
    if after.notify:
        pipeline.publish(NOTIFY_CHANNEL, " ".join(sorted(after.notify)))
    if after.dropped:
        pipeline.publish(DROP_CHANNEL, " ".join(sorted(after.dropped)))
    for cutover_id in after.changed:
        pipeline.publish(CHANGED_CHANNEL, str(cutover_id))
    pipeline.execute()


@functools.cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
