"""Recognises agents when they connect, keeps their presence and inventories, and shuts them out."""

import datetime as dt
import json
import logging
from collections.abc import Collection
from typing import Any

from django.db import transaction

from agents import protocol
from agents.protocol import Finding
from fleet.device_facts.parse import parse
from fleet.models import Agent, Device, Role, role_of
from fleet.services import alarms, events
from fleet.services.after_commit import AfterCommit
from fleet.services.agents import hello_proof, lives
from fleet.services.agents.enrolment import enrol, new_token
from fleet.services.agents.rejected import AgentRejected, check_signature
from fleet.services.cutovers import restored
from fleet.services.errors import Forbidden, Invalid, NotFound
from fleet.services.sanitize import LARGEST_NUMBER, MAX_FACTS_BYTES, fit, fit_text

__all__ = ["AgentRejected", "enrol", "new_token", "recognise"]

log = logging.getLogger(__name__)


USED_TWICE = Finding(
    alarms.IDENTITY_USED_TWICE,
    "Two programs used this device's identity: its state folder was copied. Both are blocked.",
    "Find the copy and remove it. Then make a new token for the device on the Agents page, and put it on the device.",
)
_SHUT_OUT = {
    "unknown_agent": "no such agent is enrolled here",
    "revoked": "this agent was revoked by an admin",
    "identity_used_twice": "two programs have used this identity; an admin must enrol the device again",
}


def recognise(message: protocol.Hello, nonce: str, now: dt.datetime) -> Agent:
    """The agent that says hello, which is then marked as connected. nonce: from the challenge of its connection. Raises
    AgentRejected. The caller must not call this twice at the same time for one agent, nor for a connection that is older
    than the newest one (lives.py says why)."""
    agent = Agent.objects.select_related("device__site").filter(pk=fit_text(message.agent)).first()
    if agent is None:
        raise _rejected("unknown_agent")
    check_signature(agent.public_key, message.signature, protocol.hello_payload(nonce, message.agent))
    if agent.acked > LARGEST_NUMBER:
        raise AgentRejected("not_ready", "this dashboard's numbers are out of bounds: run manage.py heal_numbers there")
    if code := why_not(agent):
        raise _rejected(code)
    proven = hello_proof.read(agent.pk, message.proof)
    with transaction.atomic():
        # This comes first because it may lock a cutover, and a cutover is always locked before its agents.
        if proven and (proven.epoch > agent.device.site.epoch or proven.seq > agent.seq):
            restored.notice(agent, proven.epoch, proven.seq, now)
        row = Agent.objects.select_for_update().get(pk=agent.pk)
        if code := why_not(row):
            raise _rejected(code)
        known, twice = lives.follow(row.lives, fit_text(message.life))
        if twice:
            _quarantine(agent, now)
        else:
            Agent.objects.filter(pk=agent.pk).update(connected=True, last_seen=now, version=message.version, lives=known)
    if twice:
        raise _rejected("identity_used_twice")
    return agent


def why_not(agent: Agent) -> str:
    """The code with which this agent is refused, or "" if it may speak."""
    if agent.revoked_at:
        return "revoked"
    return "identity_used_twice" if agent.quarantined_at else ""


def shut_out(agent_ids: Collection[str]) -> dict[str, str]:
    """Those of these agents that may not speak any more, each with the code of the reason."""
    rows = {agent.pk: agent for agent in Agent.objects.filter(pk__in=agent_ids)}
    codes = {pk: why_not(rows[pk]) if pk in rows else "unknown_agent" for pk in agent_ids}
    return {pk: code for pk, code in codes.items() if code}


def too_much() -> AgentRejected:
    """The refusal of an agent that sends more than any honest one."""
    return AgentRejected("too_much", "this agent sends too many messages; it may reconnect in a minute")


def words_for(code: str) -> str:
    """What an agent is told when it is refused with this code."""
    return _SHUT_OUT[code]


def _rejected(code: str) -> AgentRejected:
    return AgentRejected(code, _SHUT_OUT[code])


def _quarantine(agent: Agent, now: dt.datetime) -> None:
    log.error("agent %s: two programs use this identity; both are shut out", agent.pk)
    Agent.objects.filter(pk=agent.pk).update(quarantined_at=now, connected=False)
    alarms.sound([agent.pk], USED_TWICE, now)
    events.note(agent.device, USED_TWICE.code, USED_TWICE.message, now, actor=agent.device.name)


def presence(seen: Collection[str], gone: Collection[str], now: dt.datetime) -> None:
    """Write down which agents are connected (`seen`) and which have left (`gone`)."""
    with transaction.atomic():
        if seen:
            Agent.objects.admitted().filter(pk__in=seen).update(connected=True, last_seen=now)
        if gone:
            Agent.objects.filter(pk__in=gone).update(connected=False)


def nobody_connected() -> None:
    """Mark all agents as not connected. For a gateway that starts: its predecessor's connections have ended."""
    with transaction.atomic():
        Agent.objects.filter(connected=True).update(connected=False)


def revoke(user: Any, agent_id: str, now: dt.datetime) -> AfterCommit:
    """Shut an agent out at once. Raises Forbidden, NotFound."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin revokes an agent")
    with transaction.atomic():
        if not Agent.objects.filter(pk=agent_id, revoked_at__isnull=True).update(revoked_at=now, connected=False):
            raise NotFound("there is no such agent, or it is revoked already")
        agent = Agent.objects.select_related("device").get(pk=agent_id)
        events.note(agent.device, "revoked", "Its agent was revoked.", now, actor=user.get_username())
    return AfterCommit(dropped={agent_id})


def lose_keys(names: Collection[str], now: dt.datetime) -> int:
    """Revoke all agents, because these keys are lost for ever and every agent that knows them must be enrolled again.
    Returns how many were revoked."""
    with transaction.atomic():
        count = Agent.objects.filter(revoked_at__isnull=True).update(revoked_at=now, connected=False)
        text = f"{', '.join(sorted(names))} were made again; every device must be enrolled again."
        events.note(None, "new_keys", text, now, actor="make_keys")
    return count


def take_inventory(agent_id: str, facts: dict[str, Any], now: dt.datetime) -> None:
    """Keep what an agent read on its device. The device chose all of it, so it is bounded here and escaped wherever it is
    shown. Raises Invalid."""
    facts = fit(facts)  # first, because json.dumps fails for what is nested too deep
    if len(json.dumps(facts)) > MAX_FACTS_BYTES:
        raise Invalid(("facts", f"are larger than {MAX_FACTS_BYTES} bytes"))
    told = parse(facts)
    known: dict[str, Any] = {"facts": facts, "inventory_at": now, "scheme": told.scheme or ""}
    if told.host is not None:
        known["host"] = told.host
    if told.port is not None:
        known["port"] = told.port
    with transaction.atomic():
        Device.objects.filter(agent__in=Agent.objects.admitted().filter(pk=agent_id)).update(**known)
