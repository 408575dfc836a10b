"""What the live page shows of a cutover, as plain values: the templates only lay them out."""

import contextlib
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Case, Q, Value, When

from agents.catalogue import SERVER_STEPS, TERMINAL_STEPS, StepInfo, info
from fleet.cutover.states import WITH_FINDING
from fleet.cutover.states import Run as R
from fleet.models import Cutover, DeviceRun, StepRun, Transition
from fleet.services import clock
from fleet.web import labels
from fleet.web.labels import Pill

TABLE_ROWS = 500  # a longer table helps nobody; the grid above it has every terminal
LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class StepMark:
    """One step of the catalogue as it stands for one device."""

    title: str
    shape: str
    word: str
    took: str


@dataclass(frozen=True, slots=True)
class Row:
    """One terminal: its cell in the grid and its row in the table. cut_off: how long it was without a lookup that worked,
    "" where the outage says it; since: since when it is, while that lasts."""

    id: int
    name: str
    device_id: int
    state: str
    pill: Pill
    doing: str
    finding: dict[str, str] | None
    marks: str
    marks_said: str
    outage: str
    cut_off: str
    since: dt.datetime | None

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
    # By cutover where it is most of them: a list of 10,000 ids is no query.
    wanted = StepRun.objects.filter(run__cutover=cutover, run__kind="terminal")
    if len(runs) < 200:
        wanted = StepRun.objects.filter(run__in=[r.pk for r in runs])
    for step in wanted.only("run_id", "name", "direction", "took_ms"):
        steps[step.run_id].append(step)
    return [_row(cutover, run, marks(TERMINAL_STEPS, run, steps[run.pk])) for run in runs]


def _row(cutover: Cutover, run: DeviceRun, steps: list[StepMark]) -> Row:
    return Row(
        id=run.pk,
        name=run.device.name,
        device_id=run.device_id,
        state=run.state,
        pill=labels.run_pill(run.state, cutover.to_scheme, cut_off=run.cut_off_since is not None),
        doing=step_title(run.step) if run.state in (R.SWITCHING, R.UNDOING) else "",
        finding=run.finding,
        marks="".join(m.shape for m in steps),
        marks_said=", ".join(f"{m.title}: {m.word}" for m in steps),
        outage=labels.seconds(run.outage_ms),
        cut_off=cut_off_of(run),
        since=since_of(cutover, run),
    )


def cut_off_of(run: DeviceRun) -> str:
    """How long it was cut off, once that is over and where the outage does not say the same."""
    return labels.seconds(run.cut_off_ms) if run.cut_off_ms not in (None, run.outage_ms) else ""


def since_of(cutover: Cutover, run: DeviceRun) -> dt.datetime | None:
    """Since when it has had no lookup that worked, while that lasts."""
    if run.cut_off_since is not None:
        return run.cut_off_since
    # From the server's last answer on, before anybody has said so of this terminal.
    if run.state != R.SWITCHING or run.outage_ms is not None or cutover.last_answer_ms is None:
        return None
    with contextlib.suppress(ValueError):  # no time of the calendar
        return clock.from_ms(cutover.last_answer_ms)
    return None


def marks(catalogue: Iterable[StepInfo], run: DeviceRun, steps: Iterable[StepRun]) -> list[StepMark]:
    """Each step of the catalogue: what was last done about it."""
    last = {step.name: step for step in steps}
    out = []
    for known in catalogue:
        step = last.get(known.name)
        took = labels.seconds(step.took_ms) if step else ""
        if run.step == known.name and run.state in (R.SWITCHING, R.UNDOING):
            out.append(StepMark(known.title, "◐", "under way", ""))
        elif step is None:
            out.append(StepMark(known.title, "·", "not yet", ""))
        elif step.direction == "back":
            out.append(StepMark(known.title, "↩", "undone", took))
        else:
            out.append(StepMark(known.title, "✓", "done", took))
    return out


def server_marks(run: DeviceRun | None) -> list[StepMark]:
    """The server's steps, each with how long it took."""
    return marks(SERVER_STEPS, run, run.steps.all()) if run else []


def step_title(name: str) -> str:
    """The catalogue's words for a step; the bare name for one that this version does not know."""
    try:
        return info(name).title
    except KeyError:
        return name


def lines(cutover: Cutover, after: int, up_to: int) -> list[Line]:
    """What happened after one version and up to another, newest first."""
    found = Transition.objects.filter(cutover=cutover, version__gt=after, version__lte=up_to).order_by("-id")[:LOG_LINES]
    return [Line(t.pk, t.at, _said(t, cutover)) for t in found]


def _said(t: Transition, cutover: Cutover) -> str:
    pill = labels.pill_of(t.new, of_device=t.run_id is not None, to_scheme=cutover.to_scheme)
    word = f"{t.device_name} · {pill.word}" if t.run_id is not None else pill.word
    by = "" if t.actor in ("plan", t.device_name) else f" ({t.actor})"
    says_more = t.reason and t.reason != pill.word.lower()
    return f"{word}: {t.reason}{by}" if says_more else f"{word}{by}"


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
