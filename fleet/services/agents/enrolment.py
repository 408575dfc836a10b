"""Letting an agent in: a one-time token for one device, made by an admin, spent by the device.

Enrolling again replaces the key and clears what stood against the device; its row, its history and every instruction
that was ever signed for it stay, so its numbers go on and no agent is taken for one that knows more than this database."""

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
    """A one-time token with which this device's agent may enrol within 24 hours. Making it is the
    admin's acceptance: the token is bound to the device."""
    token = letters_and_digits(TOKEN_LENGTH)
    with transaction.atomic():
        EnrolmentToken.objects.create(device=device, digest=_digest(token), expires_at=now + TOKEN_LIFE)
        events.note(device, "token_made", "A token was made with which its agent may enrol once.", now, actor=actor)
    return token


def enrol(message: protocol.Enrol, nonce: str, now: dt.datetime) -> protocol.Enrolled:
    """Admit an agent by its one-time token. Raises AgentRejected, keys.Missing."""
    payload = protocol.enrol_payload(nonce, message.token, message.public_key)
    check_signature(message.public_key, message.signature, payload)
    digest = _digest(message.token)
    if not EnrolmentToken.objects.filter(digest=digest).exists():
        raise _bad_token()  # looked at first without a lock: a guess holds nobody up
    signing_key = keys.signing_public()  # first: where nobody is enrolled, the first key is made now
    with transaction.atomic():
        token = EnrolmentToken.objects.select_for_update().select_related("device").get(digest=digest)
        if token.used_at and (agent := _enrolled_before(token.device, message.public_key)):
            # The answer was lost on the way: the same device, with the same key, asks again.
            return protocol.Enrolled(agent=agent.pk, signing_key=signing_key)
        if token.used_at or token.expires_at < now or token.device.kind != message.role:
            raise _bad_token()
        if Agent.objects.filter(public_key=message.public_key).exclude(device=token.device).exists():
            raise AgentRejected("key_in_use", "this key is another device's: both were made from one image")
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
            "acked": 0,  # its journal may be a new one, and counts from 1; an old one sends nothing that was acknowledged
            "lives": [],
            "alarm": None,
            "called": called if differs else "",
        },
    )
    words = "Enrolled." if new else "Enrolled again, with a new key."
    if differs:
        words += f" It calls itself {called!r}."
    events.note(device, "enrolled", words, now, actor=device.name)
    return agent


def _enrolled_before(device: Device, public_key: str) -> Agent | None:
    return Agent.objects.admitted().filter(device=device, public_key=public_key).first()


def _bad_token() -> AgentRejected:
    return AgentRejected("bad_token", "the enrolment token is unknown, used, expired or for another device")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
