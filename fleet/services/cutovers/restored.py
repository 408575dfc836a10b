"""Notices a database that was restored from a backup: agents have seen more than it knows.

It does not know what happened since the backup. So nothing goes on by itself: the numbers are moved past everything that
agents have seen, the site's cutover pauses, and a person is told."""

import datetime as dt
import logging
from dataclasses import asdict

from django.db.models import F, Value
from django.db.models.functions import Greatest

from agents.protocol import Finding
from fleet.cutover import causes, states
from fleet.models import Agent, Cutover, Site
from fleet.services.cutovers.engine import LockedCutover

log = logging.getLogger(__name__)

# More instructions than one agent can have had since the backup; there are enough numbers. No agent can use them up:
# only an instruction that this dashboard has signed, and that its database does not know, moves the numbers. Afterwards
# that agent is not ahead any more, so each lost instruction moves them once. It would take ten million restores to reach
# the bound.
LOST_AT_MOST = 100_000

FINDING = Finding(
    "restored_backup",
    "Agents have executed instructions that this database does not know: it was restored from an older backup.",
    "Press Roll back: every device undoes what it actually did. Then plan the cutover again.",
)


def notice(agent: Agent, epoch: int, seq: int, now: dt.datetime) -> None:
    """An agent has proven that it had an instruction with these numbers, which are ahead of this database. Every
    instruction is committed before it is sent, so a backup was restored. Call it inside a transaction."""
    site = agent.device.site
    log.warning("agent %s is ahead: epoch %s, seq %s", agent.pk, epoch, seq)
    _pause(site, epoch, now)
    # Also for the agents of the site that are not connected yet: if they got a number that they have had before, they
    # would take the new instruction for the old one and answer that it is done.
    Agent.objects.filter(device__site=site).update(seq=F("seq") + LOST_AT_MOST)
    Agent.objects.filter(pk=agent.pk).update(seq=Greatest("seq", Value(seq)))


def is_in_doubt(cutover: Cutover) -> bool:
    """Whether this cutover was paused by a restore and no person has decided since. Its states of devices may be old."""
    return cutover.finding is not None and cutover.finding["code"] == FINDING.code


def _pause(site: Site, epoch: int, now: dt.datetime) -> None:
    for cutover in Cutover.objects.filter(site=site, state__in=[*states.RUNNING, states.Cutover.PAUSED]):
        locked = LockedCutover(cutover.pk, now)
        if cutover.state == states.Cutover.PAUSED:
            cause = cutover.cause or asdict(causes.of_finding(FINDING))
            locked.set(reason=FINDING.message, finding=asdict(FINDING), cause=cause)
        else:
            locked.move(states.Cutover.PAUSED, FINDING.message, actor="plan", finding=FINDING)
        # Each of them may have been told to switch since the backup, so a rollback asks them all and waits for them.
        cutover.runs.update(touched=True)
    Site.objects.filter(pk=site.pk).update(
        epoch=Greatest("epoch", Value(epoch)),
        warning=asdict(FINDING),
    )
