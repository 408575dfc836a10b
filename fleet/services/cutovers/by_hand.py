"""What a person says about a device that has no agent: it was set and works, or it does not work. It is a terminal, or the
server."""

import datetime as dt
import ipaddress
from typing import Any, cast, get_args

from django.db import transaction

from fleet.cutover import by_hand as rules
from fleet.cutover import states
from fleet.cutover.snapshot import Direction
from fleet.cutover.states import Run
from fleet.device_facts.facts import SeenRequest
from fleet.device_facts.parse import parse_check
from fleet.models import Cutover, Device, DeviceRun, Rehearsal, Role, TerminalCheck, role_of
from fleet.services.after_commit import AfterCommit
from fleet.services.clock import to_ms
from fleet.services.cutovers import cut_off, participants, second_lookup
from fleet.services.cutovers.engine import LockedCutover
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound
from fleet.services.text import why_not

MAX_NOTE = 200  # characters
RESULTS: tuple[rules.Result, ...] = get_args(rules.Result)
SCHEMES = ("http", "https")


def answer(
    user: Any, cutover_id: int, terminal: str, result: str, now: dt.datetime, *, note: str = "", scheme: str | None = None
) -> AfterCommit:
    """Take a person's answer about one device by hand, and return what is to be done after the commit. terminal: its name,
    or that of the server; result: "done" or "does_not_work"; note: what was seen, in one line; scheme: what the person was
    asked to set, so that an answer that comes after the cutover turned around is refused; None where it is not known. About
    the server it must be known, because every terminal follows that answer.

    An answer that says what is known already changes nothing. Raises Forbidden, NotFound, Invalid with every wrong field, and
    Conflict where the answer does not count now."""
    if not may(role_of(user)):
        raise Forbidden("only an admin or an approver may answer for a device by hand")
    note = note.strip()
    if errors := _check(result, note, scheme):
        raise Invalid(*errors)
    with transaction.atomic():
        try:
            locked = LockedCutover(cutover_id, now)
        except Cutover.DoesNotExist:
            raise NotFound("there is no such cutover") from None
        run = next((r for r in locked.runs.values() if r.device.name == terminal), None)
        if run is None:
            raise NotFound(f"no terminal or server {terminal[:100]!r} takes part in this cutover")
        if run.kind == "server" and run.by_hand and scheme is None:
            raise Invalid(("scheme", "is needed in an answer about the server: what it was set to, http or https"))
        _take(locked, run, user, result, note, scheme)
        return locked.settle()


def may(role: Role | None) -> bool:
    """Whether this role may answer."""
    return role in (Role.ADMIN, Role.APPROVER)


def direction(cutover: Cutover) -> Direction:
    """The way that the cutover goes now."""
    return "back" if cutover.direction == "back" else "forward"


def wanted(cutover: Cutover) -> str:
    """The scheme that a device of this cutover is to have now."""
    return rules.wanted(direction(cutover), cutover.to_scheme)  # type: ignore[arg-type]


def waits(cutover: Cutover, run: DeviceRun) -> bool:
    """Whether this device waits for a person now."""
    return run.by_hand and rules.waits(states.Cutover(cutover.state), direction(cutover), Run(run.state))


def recognise(agent_id: str, now: dt.datetime) -> AfterCommit:
    """The server's agent has sent an inventory. Where it has seen the address of a terminal by hand connect over TLS after a
    person said that this terminal works, there is more than the person's word: its proof becomes "transport"."""
    after = AfterCommit()
    server = Device.objects.filter(agent=agent_id, kind=Device.Kind.SERVER).first()
    waiting = _believed(server) if server else []
    seen = server.seen_over_tls if server and waiting else None
    if seen is None:
        return after
    for run in waiting:
        row = seen.of(run.device.address)
        if row and _is_later(row, run) and _is_its_own(run.device):
            with transaction.atomic():
                after.add(_upgrade(run, now))
    return after


def _is_later(row: SeenRequest, run: DeviceRun) -> bool:
    """Whether the server has answered over TLS since the person did."""
    return row.scheme == "https" and row.at_ms is not None and row.at_ms > to_ms(cast(dt.datetime, run.answered_at))


def _believed(server: Device) -> list[DeviceRun]:
    """The runs of this site's terminals that are on HTTPS by a person's word alone, and whose address is known."""
    found = DeviceRun.objects.filter(
        kind="terminal", by_hand=True, state=Run.VERIFIED, proof="person", answered_at__isnull=False,
        cutover__to_scheme="https", cutover__site=server.site_id,
    )  # fmt: skip
    return list(found.exclude(device__address="").select_related("device"))


def _is_its_own(device: Device) -> bool:
    """Whether this address can only be this terminal: no other device has it, and it is not the machine itself."""
    if ipaddress.ip_address(device.address).is_loopback:
        return False
    if Device.objects.filter(address=device.address).exclude(pk=device.pk).exists():
        return False
    last = Rehearsal.objects.filter(site=device.site_id, state=states.Rehearsal.DONE).order_by("-pk").first()
    checks = TerminalCheck.objects.filter(rehearsal=last).exclude(device=device) if last else TerminalCheck.objects.none()
    return all(parse_check(facts).own_address != device.address for facts in checks.values_list("facts", flat=True))


def _upgrade(run: DeviceRun, now: dt.datetime) -> AfterCommit:
    locked = LockedCutover(run.cutover_id, now)
    same = {"pk": run.pk, "state": Run.VERIFIED, "proof": "person", "answered_at": run.answered_at}
    if DeviceRun.objects.filter(**same).exists():  # nobody has answered anew meanwhile
        _keep(locked, locked.runs[run.pk], proof="transport")
    return locked.after


def _check(result: str, note: str, scheme: str | None) -> list[tuple[str, str]]:
    errors = []
    if result not in RESULTS:
        errors.append(("result", f"must be one of: {', '.join(RESULTS)}"))
    if why := why_not(note, longest=MAX_NOTE):
        errors.append(("note", why))
    if scheme is not None and scheme not in SCHEMES:
        errors.append(("scheme", f"must be one of: {', '.join(SCHEMES)}"))
    return errors


def _take(locked: LockedCutover, run: DeviceRun, user: Any, result: str, note: str, scheme: str | None) -> None:
    cutover, name = locked.cutover, run.device.name
    if not run.by_hand:
        raise Conflict(f"{name} is not done by hand: its agent reports by itself")
    if cutover.state in states.BEFORE_WINDOW or cutover.state == states.Cutover.CANCELLED:
        raise Conflict(f"the cutover is {cutover.state}: leave {name} as it is")
    if participants.is_superseded(cutover):
        raise Conflict(f"a later cutover of this site has started: answer for {name} there")
    try:
        verdict = rules.judge(
            states.Cutover(cutover.state), direction(cutover), Run(run.state),
            result=result, told=scheme, to_scheme=cutover.to_scheme, note=note,  # type: ignore[arg-type]
            server=run.kind == "server",
        )  # fmt: skip
    except rules.Refused as refusal:
        raise Conflict(f"{name}: {refusal}") from refusal
    if verdict is None:
        return
    was = run.state
    if result == "done":
        if run.kind == "terminal":
            _note_times(locked, run)
        Device.objects.filter(pk=run.device_id).update(scheme=wanted(cutover))
    locked.move_run(run, verdict.to, verdict.reason, actor=user.get_username(), finding=verdict.finding)
    if was == Run.VERIFIED:
        second_lookup.cut_off_again(locked, run)
    _keep(locked, run, answered_by=user, answered_at=locked.now, answer_note=note, proof="person")


def _note_times(locked: LockedCutover, run: DeviceRun) -> None:
    """It works from now on: nobody knows better since when. A way back never changes the outage."""
    now_ms, begun = to_ms(locked.now), locked.cutover.last_answer_ms
    cut_off.end(locked, run, now_ms)
    if locked.cutover.direction != "back":
        _keep(locked, run, outage_ms=max(0, now_ms - begun) if begun is not None else 0)


def _keep(locked: LockedCutover, run: DeviceRun, **changes: Any) -> None:
    DeviceRun.objects.filter(pk=run.pk).update(**changes, version=locked.touch())
    for name, value in changes.items():
        setattr(run, name, value)
