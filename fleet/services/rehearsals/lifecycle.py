"""The life of a rehearsal: every terminal tries the certificate over its own network connection, and nothing is changed.

The server opens its shadow listener (opening), then the terminals are asked (asking), then the listener is told to close
(done). An agent that does not answer in time counts as one without an answer. A rehearsal can always be repeated, so
nothing here is retried for long."""

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from agents import protocol
from fleet.cutover import states
from fleet.cutover.states import Rehearsal as State
from fleet.models import Agent, Cutover, Device, Rehearsal, Role, Site, TerminalCheck, role_of
from fleet.services import certificates
from fleet.services.after_commit import AfterCommit
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound, StaleState
from fleet.services.probes import versions
from fleet.services.rehearsals import probes
from fleet.services.sanitize import MAX_FACTS_BYTES, countable, fit, fit_finding

KEPT = 20  # rehearsals of a site; each holds what every terminal has measured
OPEN_LIMIT = dt.timedelta(seconds=20)  # how long the server's agent may take to open its listener
BUSY = states.ACTIVE - {states.Cutover.SCHEDULED}


def start(user: Any, site_id: int, thumbprint: str, now: dt.datetime) -> tuple[Rehearsal, AfterCommit]:
    """Begin a rehearsal with this certificate, or with the newest of the server's store for "". Returns it with what is to
    be done after the commit. Raises Forbidden, NotFound, Invalid for a thumbprint that the store does not have, and
    Conflict with the reason if no rehearsal is possible now."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin starts a rehearsal")
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        raise NotFound("there is no such site")
    return begin(site, thumbprint, now, user)


def begin(site: Site, thumbprint: str, now: dt.datetime, user: Any = None) -> tuple[Rehearsal, AfterCommit]:
    """Like start(), without checking the user's role. user: None for the schedule."""
    server = _server(site)
    thumbprint = _certificate(server, thumbprint, now)
    try:
        with transaction.atomic():
            rehearsal = Rehearsal.objects.create(
                site=site,
                requested_by=user,
                thumbprint=thumbprint,
                probe=versions.current(site),
                created_at=now,
                deadline_at=now + OPEN_LIMIT,
            )
            TerminalCheck.objects.bulk_create(checks_for(rehearsal, server))
            old = site.rehearsals.order_by("-pk").values_list("pk", flat=True)[KEPT:]
            Rehearsal.objects.filter(pk__in=list(old)).delete()
    except IntegrityError as error:
        raise Conflict("a rehearsal of this site is running") from error
    return rehearsal, AfterCommit(rehearse={rehearsal.pk})


def take(batch: Sequence[tuple[str, protocol.Rehearsed]], now: dt.datetime) -> AfterCommit:
    """Store these pairs of agent id and answer. Answers that nobody asked for, or that come too late, are dropped."""
    after = AfterCommit()
    with transaction.atomic():
        touched = {pk for agent, answer in batch if (pk := _take(agent, answer, now))}
        for rehearsal in Rehearsal.objects.select_for_update().filter(pk__in=touched).order_by("pk"):
            after.add(_advance(rehearsal, now))
    return after


# --- beginning ----------------------------------------------------------------------------------------


def _server(site: Site) -> Device:
    server = site.server
    if server is None:
        raise Conflict("the site has no server: add one on the Import page")
    if server.by_hand:
        raise Conflict(
            f"the server {server.name} is done by hand: without an agent nothing opens the shadow listener that terminals "
            "would ask in a rehearsal. Check the certificate with manage.py check_certificate"
        )
    agent = Agent.objects.filter(device=server, revoked_at__isnull=True).first()
    if agent is None:
        raise Conflict(f"the server {server.name} has no agent yet: enrol it on the Agents page")
    if not agent.connected:
        raise Conflict(f"the agent of the server {server.name} is not in contact: check that machine, then try again")
    if server.scheme == "https":
        raise Conflict("the server is on HTTPS already: there is nothing to rehearse")
    if cutover := Cutover.objects.filter(site=site, state__in=BUSY).first():
        raise Conflict(f"cutover {cutover.pk} of this site is {cutover.state}: rehearse when it has ended")
    return server


def _certificate(server: Device, thumbprint: str, now: dt.datetime) -> str:
    if not thumbprint:
        return certificates.newest(server, now)
    if thumbprint.upper() not in {row.thumbprint for row in server.server_facts.certificates or ()}:
        raise Invalid(("certificate_thumbprint", "is not in the server's certificate store"))
    return thumbprint.upper()


def checks_for(rehearsal: Rehearsal, server: Device | None) -> list[TerminalCheck]:
    """One check for every device. A device without an agent will have no answer, and pages show that. server: the device
    that opens its listener first; None if none has to, and the terminals are asked at once."""
    agents = {a.device_id: a for a in Agent.objects.filter(device__site=rehearsal.site, revoked_at__isnull=True)}
    checks = []
    for device in rehearsal.site.devices.all():
        asked = server is None and device.kind == Device.Kind.TERMINAL and device.pk in agents
        action = "open" if device == server else "ask" if asked else ""
        checks.append(TerminalCheck(rehearsal=rehearsal, device=device, agent=agents.get(device.pk), action=action))
    return checks


# --- answers ------------------------------------------------------------------------------------------


def _take(agent_id: str, answer: protocol.Rehearsed, now: dt.datetime) -> int | None:
    """Keep one answer, and return the rehearsal's primary key, or None if nobody had asked for it."""
    facts = fit(answer.facts)  # first, because json.dumps fails for what is nested too deep
    if not countable(answer.rehearsal) or len(json.dumps(facts)) > MAX_FACTS_BYTES:
        return None
    asked = TerminalCheck.objects.filter(rehearsal=answer.rehearsal, action=answer.action, answered_at__isnull=True)
    asked = asked.filter(agent__in=Agent.objects.admitted().filter(pk=agent_id))
    if answer.action == "ask":
        asked = asked.filter(rehearsal__state=State.ASKING)
    kept = asked.update(facts=facts, finding=_finding(answer.finding), answered_at=now)
    return answer.rehearsal if kept else None


def _finding(finding: protocol.Finding | None) -> dict[str, str] | None:
    return None if finding is None else asdict(fit_finding(finding))


def _advance(rehearsal: Rehearsal, now: dt.datetime) -> AfterCommit:
    if rehearsal.state == State.OPENING:
        return _opened(rehearsal, now)
    if rehearsal.state == State.ASKING and not _awaited(rehearsal).exists():
        return _close(rehearsal, now)
    return AfterCommit()


def _opened(rehearsal: Rehearsal, now: dt.datetime) -> AfterCommit:
    """The server has answered: ask the terminals, or fail with the server's finding."""
    check = rehearsal.checks.get(device__kind=Device.Kind.SERVER)
    rehearsal.facts = check.facts
    if check.finding is not None or rehearsal.listener_facts.ports is None:
        return _fail(rehearsal, check.finding or _NO_PORTS, now)
    _move(rehearsal, State.ASKING, facts=rehearsal.facts, deadline_at=now + probes.ask_limit(rehearsal))
    rehearsal.checks.filter(device__kind=Device.Kind.TERMINAL, agent__isnull=False).update(action="ask")
    if not _awaited(rehearsal).exists():
        return _close(rehearsal, now)
    return AfterCommit(rehearse={rehearsal.pk})


def _awaited(rehearsal: Rehearsal) -> Any:
    """The checks whose answer may still come, because their agents are in contact."""
    return rehearsal.checks.filter(action="ask", answered_at__isnull=True, agent__connected=True)


def give_up(rehearsal: Rehearsal, now: dt.datetime) -> AfterCommit:
    """The present state took too long. Without a listener the rehearsal fails; otherwise it ends with the answers that have
    come. Call it inside a transaction, with the rehearsal's row locked."""
    return _fail(rehearsal, _NOT_OPENED, now) if rehearsal.state == State.OPENING else _close(rehearsal, now)


def _fail(rehearsal: Rehearsal, finding: dict[str, str], now: dt.datetime) -> AfterCommit:
    return _end(rehearsal, State.FAILED, now, finding=finding, facts=rehearsal.facts)


def _close(rehearsal: Rehearsal, now: dt.datetime) -> AfterCommit:
    return _end(rehearsal, State.DONE, now)


def _end(rehearsal: Rehearsal, to: State, now: dt.datetime, **changes: Any) -> AfterCommit:
    """End the rehearsal and tell the listener to close, even if it never answered. The server's answer stays as it is."""
    _move(rehearsal, to, finished_at=now, **changes)
    server = Q(device__kind=Device.Kind.SERVER)
    rehearsal.checks.filter(~server, answered_at__isnull=True).update(action="")
    if rehearsal.after_id is not None:
        return AfterCommit()  # nothing was opened
    rehearsal.checks.filter(server).update(action="close", body="", signature="", sent_at=None)
    return AfterCommit(rehearse={rehearsal.pk})


def _move(rehearsal: Rehearsal, to: State, **changes: Any) -> None:
    """Change its state and these fields. Raises states.IllegalMove for a move that the table does not allow, and StaleState
    if somebody else was first."""
    old = rehearsal.state
    states.advance(State, old, to)
    if Rehearsal.objects.filter(pk=rehearsal.pk, state=old).update(state=to.value, **changes) != 1:
        raise StaleState(f"{rehearsal} is no longer {old}")
    for name, value in {"state": to.value, **changes}.items():
        setattr(rehearsal, name, value)


def waiting(agent_ids: Collection[str], now: dt.datetime, *, unsent_only: bool) -> list[TerminalCheck]:
    """The probes that these agents have to get and that are not too old. unsent_only: without those that were sent before."""
    found = TerminalCheck.objects.filter(agent__in=agent_ids, rehearsal__created_at__gt=now - probes.LIFE).exclude(body="")
    found = found.filter(Q(answered_at__isnull=True) | Q(action="close"))
    if unsent_only:
        found = found.filter(sent_at__isnull=True)
    return list(found.order_by("pk"))


def mark_sent(ids: Collection[int], now: dt.datetime) -> None:
    """Write down that the probes of these checks were sent."""
    with transaction.atomic():
        TerminalCheck.objects.filter(pk__in=ids, sent_at__isnull=True).update(sent_at=now)


_NOT_OPENED = {
    "code": "no_answer",
    "message": "The server's agent did not answer in time, so no terminal could be tested.",
    "remedy": "Check that the agent runs on the server, then rehearse again.",
}
_NO_PORTS = {
    "code": "bad_answer",
    "message": "The server's agent answered without the ports of its shadow listener.",
    "remedy": "Check that the agent on the server has the same version as the dashboard.",
}
