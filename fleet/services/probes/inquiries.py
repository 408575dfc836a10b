"""The life of an inquiry: a person asks one device, its agent answers once or, while it records, several times. What an
agent says is a claim: it is bounded here, and nothing is done with it before a person has looked."""

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from agents import protocol
from agents.probes import validator
from agents.probes.inquiry import MAX_ADOPTED, MAX_LISTEN_S, MAX_PROBES
from agents.probes.profile import ProbeError
from fleet.cutover import states
from fleet.models import Agent, Cutover, Device, Inquiry, Role, Site, role_of
from fleet.services import events
from fleet.services.after_commit import AfterCommit
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound
from fleet.services.probes import versions
from fleet.services.sanitize import MAX_FACTS_BYTES, countable, fit, fit_finding

KEPT = 20  # inquiries of a site
SHORTEST_S = 10  # of a recording
MOST_SENDS = 3  # of one inquiry, each on another connection
LIFE = dt.timedelta(seconds=60)  # how long an agent may take, beside the time for which it listens
GRACE = dt.timedelta(seconds=15)  # the dashboard waits so much longer: the agent ends first
LONGEST = LIFE + GRACE + dt.timedelta(seconds=MAX_LISTEN_S)
_BUSY = states.ACTIVE - {states.Cutover.SCHEDULED}
Action = Inquiry.Action


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks of one device."""

    action: str  # of Inquiry.Action
    device_id: int
    texts: Sequence[str] | None = None  # check: probe profiles (TOML, "" for a transport proof); None: the one in use
    seconds: int = 120  # record
    terminal_id: int | None = None  # record: the terminal that is learnt from; None: the device itself, if it is one
    settings: Sequence[tuple[str, str]] = field(default=())  # adopt: pairs of field and value


def start(user: Any, site_id: int, wanted: Wanted, now: dt.datetime) -> tuple[Inquiry, AfterCommit]:
    """Ask this device. Returns the inquiry with what is to be done after the commit. Raises Forbidden, NotFound, Invalid
    with every wrong field, and Conflict with the reason if the device cannot be asked now."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin asks a device")
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        raise NotFound("there is no such site")
    device = site.devices.filter(pk=wanted.device_id).first()
    if device is None:
        raise Invalid(("device", "is no device of this site"))
    asked = _asked(site, device, wanted)
    agent = _agent(site, device)
    life = LIFE + GRACE + dt.timedelta(seconds=asked.get("seconds", 0))
    try:
        with transaction.atomic():
            inquiry = Inquiry.objects.create(
                site=site, device=device, agent=agent, action=wanted.action, requested_by=user, created_at=now,
                expires_at=now + life, **asked,
            )  # fmt: skip
            if wanted.action == Action.ADOPT:
                words = ", ".join(f"{field} = {value}" for field, value in wanted.settings)
                events.note(device, "settings_confirmed", f"confirmed for its agent: {words}", now, actor=user.get_username())
            old = site.inquiries.filter(ended_at__isnull=False).order_by("-pk").values_list("pk", flat=True)[KEPT:]
            Inquiry.objects.filter(pk__in=list(old)).delete()
    except IntegrityError as error:
        raise Conflict(f"{device.name} is being asked already: wait until that has ended, or stop it") from error
    return inquiry, AfterCommit(inquire={inquiry.pk})


def stop(user: Any, inquiry_id: int, now: dt.datetime) -> AfterCommit:
    """End a recording now; what was seen until then is proposed. Does nothing if it has ended. Raises Forbidden, NotFound,
    and Conflict for an inquiry that is no recording."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin stops a recording")
    inquiry = Inquiry.objects.filter(pk=inquiry_id).first()
    if inquiry is None:
        raise NotFound("there is no such inquiry")
    if inquiry.action != Action.RECORD:
        raise Conflict("only a recording can be stopped: the others end within a minute")
    with transaction.atomic():
        open_ = Inquiry.objects.filter(pk=inquiry_id, ended_at__isnull=True, stopping_at__isnull=True)
        changed = open_.update(stopping_at=now, body="", signature="", sent_at=None, sends=0)
    return AfterCommit(inquire={inquiry_id}) if changed else AfterCommit()


def take(batch: Sequence[tuple[str, protocol.Inquired]], now: dt.datetime) -> AfterCommit:
    """Store these pairs of agent id and answer. Answers that nobody asked for, that come too late, or that are older than
    the one that is stored, are dropped."""
    with transaction.atomic():
        for agent, answer in batch:
            _take(agent, answer, now)
    return AfterCommit()


def tick(now: dt.datetime) -> AfterCommit:
    """End inquiries whose time is over, and find those that are not written yet: the broker lost the task or a worker
    died."""
    over = Q(expires_at__lte=now) | Q(created_at__gt=now + LONGEST)  # or the clock was set back
    due = Inquiry.objects.filter(over, ended_at__isnull=True)
    if due.exists():
        with transaction.atomic():
            due.update(ended_at=now, finding=_NO_ANSWER)
    return AfterCommit(inquire=set(unwritten().values_list("pk", flat=True)))


def unwritten() -> Any:
    """The inquiries that wait for a worker."""
    return Inquiry.objects.filter(body="", ended_at__isnull=True, agent__isnull=False)


def waiting(agent_ids: Collection[str], now: dt.datetime, *, unsent_only: bool) -> list[Inquiry]:
    """What these agents have to get. unsent_only: without what was sent before. A recording that an agent has begun is not
    sent again: after a restart it would begin another one, on another port. Nothing is sent for ever: an agent of an older
    version does not know the message, and ends its connection each time."""
    found = Inquiry.objects.filter(agent__in=agent_ids, ended_at__isnull=True, expires_at__gt=now, sends__lt=MOST_SENDS)
    found = found.exclude(body="")
    if unsent_only:
        found = found.filter(sent_at__isnull=True)
    else:
        found = found.filter(Q(answered_at__isnull=True) | Q(stopping_at__isnull=False))
    return list(found.order_by("pk"))


def mark_sent(ids: Collection[int], now: dt.datetime) -> None:
    """Write down that these inquiries were sent."""
    with transaction.atomic():
        Inquiry.objects.filter(pk__in=ids).update(sends=F("sends") + 1)
        Inquiry.objects.filter(pk__in=ids, sent_at__isnull=True).update(sent_at=now)


# --- beginning ----------------------------------------------------------------------------------------


def _asked(site: Site, device: Device, wanted: Wanted) -> dict[str, Any]:
    """The columns of what is asked. Raises Invalid and Conflict."""
    match wanted.action:
        case Action.CHECK:
            return {"probes": _probes(site, wanted.texts)}
        case Action.RECORD:
            return _recording(site, device, wanted)
        case Action.FIND:
            return {}
        case Action.ADOPT:
            return {"confirmed": _confirmed(device, wanted.settings)}
    raise Invalid(("action", f"must be one of: {', '.join(Action.values)}"))


def _probes(site: Site, texts: Sequence[str] | None) -> list[dict[str, Any]]:
    version = versions.current(site)
    if texts is None:
        return [_in_use(version)]
    if not 1 <= len(texts) <= MAX_PROBES:
        raise Invalid(("probe", f"give 1 to {MAX_PROBES} profiles"))
    errors: list[tuple[str, str]] = []
    for text in texts:
        try:
            if text:
                validator.parse(text.encode("utf-8", "surrogatepass"))
        except ProbeError as error:
            errors += [("probe", line) for line in error.errors]
    if errors:
        raise Invalid(*errors)
    used = _in_use(version)
    return [used if text == used["text"] else {"number": None, "text": text} for text in texts]


def _in_use(version: Any) -> dict[str, Any]:
    return {"number": version.number if version else None, "text": versions.text_of(version)}


def _recording(site: Site, device: Device, wanted: Wanted) -> dict[str, Any]:
    if not SHORTEST_S <= wanted.seconds <= MAX_LISTEN_S:
        raise Invalid(("seconds", f"must be a whole number from {SHORTEST_S} to {MAX_LISTEN_S}"))
    own = device.pk if device.kind == Device.Kind.TERMINAL else None
    terminal = site.devices.filter(pk=wanted.terminal_id or own or 0, kind=Device.Kind.TERMINAL).first()
    if terminal is None and (wanted.terminal_id or own):
        raise Invalid(("terminal", "is no terminal of this site"))
    if own and terminal is not None and terminal.pk != own:
        raise Invalid(("terminal", "has another device than the one that listens; let the server listen for it"))
    if "https" in (device.scheme, terminal.scheme if terminal else ""):
        raise Conflict(
            "what is encrypted cannot be recorded, and this device speaks HTTPS: record before the site moves, or write the "
            "profile by hand"
        )
    was = {"was_host": terminal.host, "was_port": terminal.port} if terminal else {}
    return {"seconds": wanted.seconds, "terminal": terminal, **was}


def _confirmed(device: Device, settings: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Only what this device has proposed in its newest search. Its agent looks once more before it takes it."""
    newest = device.inquiries.filter(action=Action.FIND, ended_at__isnull=False).order_by("-pk").first()
    proposed = {(one.field, one.value) for one in newest.found if one.state == "new"} if newest else set()
    if not 1 <= len(settings) <= MAX_ADOPTED or len({name for name, _ in settings}) < len(settings):
        raise Invalid(("settings", "confirm one value for each setting"))
    if any(pair not in proposed for pair in settings):
        raise Invalid(("settings", "was not found by this device's agent: look again"))
    return [{"field": name, "value": value} for name, value in settings]


def _agent(site: Site, device: Device) -> Agent:
    agent = Agent.objects.admitted().filter(device=device).first()
    if agent is None:
        raise Conflict(f"{device.name} has no agent: enrol it on the Agents page")
    if not agent.connected:
        raise Conflict(f"the agent of {device.name} is not in contact: check that device, then try again")
    if cutover := Cutover.objects.filter(site=site, state__in=_BUSY).first():
        raise Conflict(f"cutover {cutover.pk} of this site is {cutover.state}: ask when it has ended")
    return agent


# --- answers ------------------------------------------------------------------------------------------


def _take(agent_id: str, answer: protocol.Inquired, now: dt.datetime) -> None:
    """Keep one answer if somebody waits for it."""
    facts = fit(answer.facts)  # first, because json.dumps fails for what is nested too deep
    if not countable(answer.inquiry, answer.n) or len(json.dumps(facts)) > MAX_FACTS_BYTES:
        return
    asked = Inquiry.objects.filter(pk=answer.inquiry, ended_at__isnull=True, expires_at__gt=now)
    asked = asked.filter(agent__in=Agent.objects.admitted().filter(pk=agent_id))
    if answer.action == "stop":  # it has nothing to stop, because its agent was started again
        asked.filter(stopping_at__isnull=False).update(ended_at=now, finding=_finding(answer.finding) or _NO_ANSWER)
        return
    ends = answer.done or answer.action != "record" or answer.finding is not None
    asked.filter(action=answer.action, heard__lt=answer.n).update(
        facts=facts, finding=_finding(answer.finding), heard=answer.n, answered_at=now, ended_at=now if ends else None
    )


def _finding(finding: protocol.Finding | None) -> dict[str, str] | None:
    return None if finding is None else asdict(fit_finding(finding))


_NO_ANSWER = {
    "code": "no_answer",
    "message": "The agent did not answer in time.",
    "remedy": "Check that it is in contact, and that it has the same version as the dashboard; then ask again.",
}
