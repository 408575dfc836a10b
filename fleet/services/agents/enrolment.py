"""Enrolment of an agent with a one-time token, which an admin makes for one device.

Enrolling again replaces the key and clears alarms and revocations. The agent's row, its history and all its instructions
stay, so that their numbers go on. Otherwise an old agent would look as if it knew more than this database."""

import datetime as dt
import hashlib

from django.db import transaction

from agents import protocol
from fleet.models import Agent, Device, EnrolmentToken
from fleet.services import events, keys
from fleet.services.agents.rejected import AgentRejected, check_signature
from fleet.services.sanitize import fit_text
from fleet.services.text import letters_and_digits

TOKEN_LIFE = dt.timedelta(hours=24)
TOKEN_LENGTH = 40


def new_token(device: Device, now: dt.datetime, *, actor: str = "setup") -> str:
    """A one-time token with which this device's agent may enrol within 24 hours. It is bound to the device: by making it,
    the admin accepts that device. actor: who made it."""
    token = letters_and_digits(TOKEN_LENGTH)
    with transaction.atomic():
        EnrolmentToken.objects.create(device=device, digest=_digest(token), expires_at=now + TOKEN_LIFE)
        events.note(device, "token_made", "A token was made; its agent can enrol once with it.", now, actor=actor)
    return token


def enrol(message: protocol.Enrol, nonce: str, now: dt.datetime) -> protocol.Enrolled:
    """Admit an agent by its one-time token. nonce: from the challenge of its connection. Raises AgentRejected and
    keys.Missing."""
    payload = protocol.enrol_payload(nonce, message.token, message.public_key)
    check_signature(message.public_key, message.signature, payload)
    digest = _digest(message.token)
    if not EnrolmentToken.objects.filter(digest=digest).exists():
        raise _bad_token()  # checked first without a lock, so that a wrong guess delays nobody
    signing_key = keys.signing_public()  # before the row of the agent: the key is made only while no agent is enrolled
    with transaction.atomic():
        token = EnrolmentToken.objects.select_for_update().select_related("device").get(digest=digest)
        if token.used_at and (agent := _enrolled_before(token.device, message.public_key)):
            # The answer was lost on the way, so the same device asks again with the same key.
            return protocol.Enrolled(agent=agent.pk, signing_key=signing_key)
        if token.used_at or token.expires_at < now or token.device.kind != message.role:
            raise _bad_token()
        if Agent.objects.filter(public_key=message.public_key).exclude(device=token.device).exists():
            raise AgentRejected("key_in_use", "another device uses this key: both were cloned from one image")
        EnrolmentToken.objects.filter(pk=token.pk).update(used_at=now)
        agent = _admit(token.device, message, now)
    return protocol.Enrolled(agent=agent.pk, signing_key=signing_key)


def _admit(device: Device, message: protocol.Enrol, now: dt.datetime) -> Agent:
    called = fit_text(message.name)
    differs = called.strip().casefold() != device.name.casefold()
    agent, new = Agent.objects.update_or_create(
        device=device,
        defaults={
            "public_key": message.public_key,
            "enrolled_at": now,
            "revoked_at": None,
            "quarantined_at": None,
            "connected": False,
            "acked": 0,  # a new journal counts from 1; an old one does not send acknowledged reports
            "lives": [],
            "alarm": None,
            "called": called if differs else "",
        },
    )
    words = "Enrolled." if new else "Enrolled again, with a new key."
    if differs:
        words += f" It reports the name {called!r}."
    events.note(device, "enrolled", words, now, actor=device.name)
    return agent


def _enrolled_before(device: Device, public_key: str) -> Agent | None:
    return Agent.objects.admitted().filter(device=device, public_key=public_key).first()


def _bad_token() -> AgentRejected:
    return AgentRejected("bad_token", "the enrolment token is unknown, used, expired or for another device")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
