"""What the live page shows of a cutover, as plain values: the templates only lay them out."""

import contextlib
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Case, Q, Value, When

from fleet.cutover.states import WITH_FINDING
from fleet.cutover.states import Run as R
from fleet.models import Cutover, DeviceRun, StepRun, Transition
from fleet.services import clock
from fleet.services.cutovers.run_steps import steps_of
from fleet.web import labels
from fleet.web.device_steps import StepMark, cut_off_of, marks, proves_transport, step_title
from fleet.web.labels import Pill

TABLE_ROWS = 500  # a longer table is hard to read; the grid above it shows every terminal
LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One terminal's row in the table."""

    id: int
    name: str
    device_id: int
    state: str
    pill: Pill
    doing: str  # the step that is under way, or ""
    finding: dict[str, str] | None
    marks: str  # a sign for each step; for a terminal by hand, which has none, the words
    marks_said: str  # the same in words, for screen readers
    outage: str
    cut_off: str  # how long it was without a lookup that worked; "" where the outage says it
    since: dt.datetime | None  # since when it has been without one, while that lasts
    by_hand: bool  # a person sets it

    @property
    def since_ms(self) -> int | None:
        return clock.to_ms(self.since) if self.since else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the event log."""

    id: int
    at: dt.datetime
    text: str


def rows(cutover: Cutover, runs: Sequence[DeviceRun]) -> list[Row]:
    """These terminals' rows, with their steps in one query."""
    steps: dict[int, list[StepRun]] = defaultdict(list)
    # For many terminals the query names the cutover: a query with a list of 10,000 ids is too slow.
    wanted = StepRun.objects.filter(run__cutover=cutover, run__kind="terminal")
    if len(runs) < 200:
        wanted = StepRun.objects.filter(run__in=[r.pk for r in runs])
    for step in wanted.only("run_id", "name", "direction", "took_ms"):
        steps[step.run_id].append(step)
    return [_row(cutover, run, marks(steps_of(run, "switch"), run, steps[run.pk])) for run in runs]


def _row(cutover: Cutover, run: DeviceRun, steps: list[StepMark]) -> Row:
    return Row(
        id=run.pk,
        name=run.device.name,
        device_id=run.device_id,
        state=run.state,
        pill=labels.run_pill(run.state, cutover.to_scheme, cut_off=run.cut_off_since is not None),
        doing=_doing(run),
        finding=run.finding,
        marks="by hand" if run.by_hand else "".join(m.shape for m in steps),
        marks_said="" if run.by_hand else ", ".join(f"{m.title}: {m.word}" for m in steps),
        outage=labels.seconds(run.outage_ms),
        cut_off=cut_off_of(run),
        since=since_of(cutover, run),
        by_hand=run.by_hand,
    )


def _doing(run: DeviceRun) -> str:
    if run.state not in (R.SWITCHING, R.UNDOING):
        return ""
    return "by hand: waiting for a person" if run.by_hand else step_title(run.step, transport=proves_transport(run))


def since_of(cutover: Cutover, run: DeviceRun) -> dt.datetime | None:
    """Since when no lookup has worked; None where lookups work."""
    if run.cut_off_since is not None:
        return run.cut_off_since
    # While it switches, it counts from the server's last answer: the terminal itself has not reported yet.
    if run.state != R.SWITCHING or run.outage_ms is not None or cutover.last_answer_ms is None:
        return None
    with contextlib.suppress(ValueError):  # no time of the calendar
        return clock.from_ms(cutover.last_answer_ms)
    return None


def lines(cutover: Cutover, after: int, up_to: int) -> list[Line]:
    """What happened after one version and up to another, newest first."""
    found = Transition.objects.filter(cutover=cutover, version__gt=after, version__lte=up_to).order_by("-id")[:LOG_LINES]
    return [Line(t.pk, t.at, _said(t, cutover)) for t in found]


def _said(t: Transition, cutover: Cutover) -> str:
    pill = labels.pill_of(t.new, of_device=t.run_id is not None, to_scheme=cutover.to_scheme)
    word = f"{t.device_name} · {pill.word}" if t.run_id is not None else pill.word
    by = "" if t.actor in ("plan", t.device_name) else f" ({t.actor})"
    reason = labels.reason_beside(pill, t.reason)
    return f"{word}: {reason}{by}" if reason else f"{word}{by}"


def in_table(cutover: Cutover) -> list[DeviceRun]:
    """Which terminals get a row: all, or, where they are too many, first those that need a look."""
    trouble = Q(state__in=WITH_FINDING) | Q(cut_off_since__isnull=False)
    had = Q(finding__isnull=False)
    first = Case(
        When(trouble, then=Value(0)), When(had, then=Value(1)), When(state=R.SWITCHING, then=Value(2)), default=Value(3)
    )
    runs = cutover.runs.filter(kind="terminal").select_related("device")
    chosen = list(runs.order_by(first, "device__name", "pk")[:TABLE_ROWS])
    return sorted(chosen, key=lambda r: (r.device.name, r.pk)) if len(chosen) < TABLE_ROWS else chosen


def slowest(cutover: Cutover) -> DeviceRun | None:
    """The terminal whose time to switch is over first."""
    switching = cutover.runs.filter(kind="terminal", state=R.SWITCHING, deadline_at__isnull=False)
    return switching.select_related("device").order_by("deadline_at", "device__name").first()


def cells(cutover: Cutover, newer_than: int | None = None) -> Iterator[tuple[int, str, str, int, dt.datetime | None]]:
    """(id of the run, terminal's name, state, terminal's id, cut off since) for each terminal, or for each that changed after
    this version."""
    runs = cutover.runs.filter(kind="terminal")
    if newer_than is not None:
        runs = runs.filter(version__gt=newer_than)
    yield from runs.values_list("pk", "device__name", "state", "device_id", "cut_off_since")


def changed(cutover: Cutover, newer_than: int) -> list[DeviceRun]:
    """The terminals that changed after this version, at most as many as the table shows."""
    runs = cutover.runs.filter(kind="terminal", version__gt=newer_than).select_related("device")
    return list(runs[:TABLE_ROWS])
