"""Agents: admitting them, knowing them again, their presence, what their devices look like."""

import base64
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Collection
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction

from agents import protocol
from fleet.models import Agent, Device, EnrolmentToken, Role, role_of
from fleet.services import keys, restored
from fleet.services.errors import Forbidden, Invalid, NotFound, ServiceError
from fleet.services.foreign import countable, fit, fit_text
from fleet.services.outcome import Next

TOKEN_LIFE = dt.timedelta(hours=24)
MAX_FACTS_BYTES = 128 * 1024


class Stranger(ServiceError):
    """The agent is refused; code is one of protocol.Refused's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def new_token(device: Device, now: dt.datetime) -> str:
    """A one-time token with which this device's agent may enrol within 24 hours. Making it is the
    admin's acceptance: the token is bound to the device."""
    token = secrets.token_urlsafe(24)
    EnrolmentToken.objects.create(device=device, digest=_digest(token), expires_at=now + TOKEN_LIFE)
    return token


def enrol(message: protocol.Enrol, nonce: str, now: dt.datetime) -> protocol.Enrolled:
    """Admit a new agent by its one-time token. Raises Stranger."""
    payload = protocol.enrol_payload(nonce, message.token, message.public_key)
    _check_signature(message.public_key, message.signature, payload)
    with transaction.atomic():
        token = (
            EnrolmentToken.objects.select_for_update().select_related("device").filter(digest=_digest(message.token)).first()
        )
        if token is not None and token.used_at and (agent := _enrolled_before(token.device, message.public_key)):
            # The answer was lost on the way: the same device, with the same key, asks again.
            return protocol.Enrolled(agent=agent.pk, signing_key=keys.signing_public())
        if token is None or token.used_at or token.expires_at < now or token.device.kind != message.role:
            raise Stranger("bad_token", "the enrolment token is unknown, used, expired or for another device")
        EnrolmentToken.objects.filter(pk=token.pk).update(used_at=now)
        Agent.objects.filter(device=token.device).delete()
        agent = Agent.objects.create(device=token.device, public_key=message.public_key, enrolled_at=now)
    return protocol.Enrolled(agent=agent.pk, signing_key=keys.signing_public())


def _enrolled_before(device: Device, public_key: str) -> Agent | None:
    return Agent.objects.filter(device=device, public_key=public_key, revoked_at__isnull=True).first()


def recognise(message: protocol.Hello, nonce: str, now: dt.datetime) -> Agent:
    """The agent that says hello, now marked as connected. Raises Stranger."""
    agent = Agent.objects.select_related("device__site").filter(pk=message.agent).first()
    if agent is None:
        raise Stranger("unknown_agent", "no such agent is enrolled here")
    if agent.revoked_at:
        raise Stranger("revoked", "this agent was revoked by an admin")
    _check_signature(agent.public_key, message.signature, protocol.hello_payload(nonce, message.agent))
    if not countable(message.epoch, message.seq) or not 0 <= message.version < 2**31:
        raise Stranger("bad_message", "a number is out of range")
    with transaction.atomic():
        # First what locks a cutover: everywhere a cutover is locked before its agents.
        if message.epoch > agent.device.site.epoch or message.seq > agent.seq:
            restored.notice(agent, message, now)
        Agent.objects.filter(pk=agent.pk).update(connected=True, last_seen=now, version=message.version)
    return agent


def presence(seen: Collection[str], gone: Collection[str], now: dt.datetime) -> None:
    """Who is connected, and who has left."""
    with transaction.atomic():
        if seen:
            Agent.objects.filter(pk__in=seen).update(connected=True, last_seen=now)
        if gone:
            Agent.objects.filter(pk__in=gone).update(connected=False)


def nobody_connected() -> None:
    """A gateway starts: whatever was connected to the one before is not any more."""
    with transaction.atomic():
        Agent.objects.filter(connected=True).update(connected=False)


def revoke(user: Any, agent_id: str, now: dt.datetime) -> Next:
    """Shut an agent out at once. Raises Forbidden, NotFound."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin revokes an agent")
    with transaction.atomic():
        if not Agent.objects.filter(pk=agent_id, revoked_at__isnull=True).update(revoked_at=now, connected=False):
            raise NotFound("there is no such agent, or it is revoked already")
    return Next(dropped={agent_id})


def take_inventory(agent_id: str, facts: dict[str, Any]) -> None:
    """Keep what an agent read on its device. Everything in it is somebody else's text: bounded here,
    escaped wherever it is shown. Raises Invalid."""
    facts = fit(facts)  # first: what is nested too deep would end json.dumps
    if len(json.dumps(facts)) > MAX_FACTS_BYTES:
        raise Invalid(("facts", f"are larger than {MAX_FACTS_BYTES} bytes"))
    scheme, host, port = facts.get("scheme"), facts.get("host"), facts.get("port")
    known: dict[str, Any] = {"facts": facts}
    known["scheme"] = scheme if scheme in ("http", "https") else ""
    if isinstance(host, str):
        known["host"] = fit_text(host)[:253]
    if isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65535:
        known["port"] = port
    with transaction.atomic():
        Device.objects.filter(agent__pk=agent_id).update(**known)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _check_signature(public_key: str, signature: str, payload: bytes) -> None:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), payload)
    except (ValueError, InvalidSignature) as error:
        raise Stranger("bad_signature", "the signature does not fit the key") from error
