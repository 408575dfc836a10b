"""Repairs a site whose numbers an agent drove out of their bounds, which was possible in older versions.

Numbers out of bounds become, in their order, the next ones after the highest number within the bounds. All others stay.
Agents ignore a number out of bounds in their own journal, so the next instruction is a new one for them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from fleet.models import Agent, Cutover, DeviceRun, Instruction, Site, StepRun
from fleet.services import keys
from fleet.services.sanitize import LARGEST_NUMBER


@dataclass(slots=True)
class Healed:
    """What was changed, or would be."""

    site: Site
    changes: list[tuple[str, int, int]] = field(default_factory=list)  # what the number counts, the old one, the new one


class _Undone(Exception):
    """Raised to roll the transaction back."""


def heal(site: Site, *, really: bool) -> Healed:
    """Bring this site's numbers back into their bounds. really: False only finds out what would change. Stop the worker
    before you call this."""
    healed = Healed(site)
    try:
        with transaction.atomic():
            _heal(healed)
            if not really:
                raise _Undone
    except _Undone:
        pass
    return healed


def _heal(healed: Healed) -> None:
    site = Site.objects.select_for_update().get(pk=healed.site.pk)
    cutovers, runs = Cutover.objects.filter(site=site), DeviceRun.objects.filter(cutover__site=site)
    orders, steps = Instruction.objects.filter(cutover__site=site), StepRun.objects.filter(run__cutover__site=site)
    epochs = _back_in_bounds(
        {site.epoch, *_all(cutovers, "epoch"), *_all(runs, "asked_epoch"), *_all(orders, "epoch"), *_all(steps, "epoch")}
    )
    signed_anew = list(orders.filter(finished_at__isnull=True).select_related("agent"))
    for old, new in epochs.items():
        healed.changes.append(("epoch", old, new))
        Site.objects.filter(pk=site.pk, epoch=old).update(epoch=new)
        cutovers.filter(epoch=old).update(epoch=new)
        runs.filter(asked_epoch=old).update(asked_epoch=new)
        orders.filter(epoch=old).update(epoch=new)
        steps.filter(epoch=old).update(epoch=new)
    for agent in Agent.objects.filter(device__site=site).select_related("device"):
        _heal_agent(healed, agent)
    for order in signed_anew:
        _sign_anew(order)


def _heal_agent(healed: Healed, agent: Agent) -> None:
    orders, steps = Instruction.objects.filter(agent=agent), StepRun.objects.filter(run__device=agent.device_id)
    name = agent.device.name
    for old, new in _back_in_bounds({agent.seq, *_all(orders, "seq"), *_all(steps, "seq")}).items():
        healed.changes.append((f"{name}: number of an instruction", old, new))
        Agent.objects.filter(pk=agent.pk, seq=old).update(seq=new)
        orders.filter(seq=old).update(seq=new)
        steps.filter(seq=old).update(seq=new)
    if agent.acked > LARGEST_NUMBER:
        healed.changes.append((f"{name}: reports taken", agent.acked, 0))
        Agent.objects.filter(pk=agent.pk).update(acked=0)


def _sign_anew(before: Instruction) -> None:
    """Sign an instruction that still waits for its agent again, with the new numbers. Finished ones stay as they are."""
    now = Instruction.objects.get(pk=before.pk)
    if (now.epoch, now.seq) == (before.epoch, before.seq):
        return
    body = json.dumps(json.loads(now.body) | {"epoch": now.epoch, "seq": now.seq}, separators=(",", ":"), sort_keys=True)
    Instruction.objects.filter(pk=now.pk).update(body=body, signature=keys.sign(body), sent_at=None)


def _all(rows: Any, name: str) -> Iterable[int]:
    return set(rows.values_list(name, flat=True).order_by())


def _back_in_bounds(numbers: set[int]) -> dict[int, int]:
    """The numbers out of bounds, the lowest first, each with its new number."""
    highest = max((number for number in numbers if number <= LARGEST_NUMBER), default=0)
    absurd = sorted(number for number in numbers if number > LARGEST_NUMBER)
    return {old: highest + place for place, old in enumerate(absurd, 1)}
