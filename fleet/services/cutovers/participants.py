"""Which devices take part in a cutover, and how the domain sees them."""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db.models import F, Q

from agents.protocol import Finding
from fleet.cutover import forecast, states, waves
from fleet.cutover.snapshot import RunView, Snapshot
from fleet.models import Cutover, Device, DeviceRun, StepRun
from fleet.services import by_hand as by_hands
from fleet.services.cutovers.timings import timings
from fleet.services.probes.versions import proof_kind


def make_runs(cutover: Cutover) -> None:
    """Make one device run for the server and for each terminal that is not excluded. The terminals are dealt to the waves
    in order of name. This is called again when the window opens, so that new terminals take part, and those that have got an
    agent meanwhile are not done by hand."""
    devices = cutover.site.devices.select_related("agent").order_by("name", "id")
    server = devices.filter(kind=Device.Kind.SERVER)
    terminals = list(devices.filter(kind=Device.Kind.TERMINAL).exclude(name__in=cutover.exclude))
    layout = waves.lay_out(len(terminals), [waves.Wave(**w) for w in cutover.waves])
    runs = [_server(cutover, d) for d in server]
    runs += [_terminal(cutover, d, wave) for d, wave in zip(terminals, layout.numbers, strict=True)]
    cutover.runs.exclude(device_id__in=[r.device_id for r in runs]).delete()
    DeviceRun.objects.bulk_create(
        runs,
        update_conflicts=True,
        unique_fields=["cutover", "device"],
        update_fields=["wave", "by_hand", "proof"],
        batch_size=500,
    )
    cutover.limits = list(layout.limits)
    cutover.save(update_fields=["limits"])


def _server(cutover: Cutover, device: Device) -> DeviceRun:
    by_hand = bool(by_hands.why(device))
    return DeviceRun(cutover=cutover, device=device, kind=device.kind, by_hand=by_hand, proof="person" if by_hand else "")


def _terminal(cutover: Cutover, device: Device, wave: int) -> DeviceRun:
    by_hand = bool(by_hands.why(device))
    proof = "person" if by_hand else proof_kind(cutover.probe_id)
    return DeviceRun(cutover=cutover, device=device, kind=device.kind, wave=wave, by_hand=by_hand, proof=proof)


def snapshot(cutover: Cutover, runs: Iterable[DeviceRun], now: dt.datetime) -> Snapshot | None:
    """The cutover as the domain sees it, or None while it has no run for a server."""
    views = [_view(cutover, run, now) for run in runs]
    server = next((v for v in views if v.kind == "server"), None)
    if server is None:
        return None
    terminals = tuple(v for v in views if v.kind == "terminal")
    opening = cutover.state == states.Cutover.SCHEDULED and now >= cutover.starts_at
    return Snapshot(
        state=states.Cutover(cutover.state),
        direction="back" if cutover.direction == "back" else "forward",
        to_scheme="https" if cutover.to_scheme == "https" else "http",
        starts_at=cutover.starts_at,
        ends_at=cutover.ends_at,
        no_return_at=cutover.no_return_at or cutover.ends_at,
        on_window_close=cutover.on_window_close,  # type: ignore[arg-type]
        on_threshold=cutover.on_threshold,  # type: ignore[arg-type]
        server=server,
        terminals=terminals,
        limits=tuple(cutover.limits),
        paused_from=states.Cutover(cutover.paused_from) if cutover.paused_from else None,
        waived=frozenset(cutover.waived),
        window_waived=cutover.window_waived,
        server_checked=cutover.server_checked,
        forward_s=_forward_s(cutover, terminals) if opening else 0.0,
        superseded=cutover.state in states.AT_REST and is_superseded(cutover),
        server_back=server.state is states.Run.UNDO_FAILED and _answers_as_before(cutover, server.id),
    )


def _forward_s(cutover: Cutover, terminals: Sequence[RunView]) -> float:
    return forecast.forward_s(len(terminals), timings(cutover), sum(view.by_hand for view in terminals))


def _answers_as_before(cutover: Cutover, server_run: int) -> bool:
    """Whether the last report about stopping the service says that it was undone: the service was started again, and a
    lookup in the old scheme proved it."""
    last = StepRun.objects.filter(run=server_run, name="stop_service").order_by("-seq", "-id").first()
    return last is not None and last.direction == "back" and last.evidence.get("scheme") == cutover.from_scheme


def is_superseded(cutover: Cutover) -> bool:
    """Whether another cutover of the site is active, or was started after this one."""
    later = Q(state__in=states.ACTIVE)
    if cutover.started_at:
        later |= started_after(cutover.epoch)
    return Cutover.objects.filter(later, site=cutover.site_id).exclude(pk=cutover.pk).exists()


def started_after(epoch: int | F) -> Q:
    """Cutovers that were started after the one with this epoch. It compares epochs and not times, because the clock may
    have been set back in between."""
    return Q(epoch__gt=epoch, started_at__isnull=False)


def _view(cutover: Cutover, run: DeviceRun, now: dt.datetime) -> RunView:
    asked = run.asked_action if run.asked_action and run.asked_epoch == cutover.epoch else None
    return RunView(
        id=run.pk,
        name=run.device.name,
        kind="server" if run.kind == Device.Kind.SERVER else "terminal",
        state=states.Run(run.state),
        wave=run.wave,
        asked=asked,  # type: ignore[arg-type]
        touched=run.touched,
        deadline=run.deadline_at,
        finding=_finding(run),
        confirm_due=run.confirm_at is not None and now >= run.confirm_at,
        by_hand=run.by_hand,
    )


def _finding(run: DeviceRun) -> Finding | None:
    return Finding(**run.finding) if run.finding else None
