"""What the live page shows of a cutover, as plain values: the templates only lay them out."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, Min, Value, When

from agents.catalogue import SERVER_STEPS, TERMINAL_STEPS, StepInfo, info
from fleet.cutover.states import COUNTS_AS_FAILED, WITH_FINDING
from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R
from fleet.models import Cutover, DeviceRun, StepRun, Transition
from fleet.web import words
from fleet.web.words import Look

TABLE_ROWS = 500  # a longer table helps nobody; the grid above it has every terminal
LOG_LINES = 200
OPEN = (R.PENDING, R.ARMED, R.SWITCHING)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts over the terminals. by_state has every state that occurs; limit: how many of the wave that
    is open may fail; eta_s: from the pace so far, None while there is none."""

    total: int
    by_state: dict[str, int]
    wave: int | None
    waves: int
    limit: int | None
    median_ms: int | None
    worst_ms: int | None
    eta_s: float | None

    def of(self, *states: str) -> int:
        """How many are in one of these states."""
        return sum(self.by_state.get(s, 0) for s in states)

    @property
    def failed(self) -> int:
        return self.of(*COUNTS_AS_FAILED)


@dataclass(frozen=True, slots=True)
class StepMark:
    """One step of the catalogue as it stands for one device."""

    title: str
    shape: str
    word: str
    took: str


@dataclass(frozen=True, slots=True)
class Row:
    """One terminal: its cell in the grid and its row in the table."""

    id: int
    name: str
    device_id: int
    state: str
    look: Look
    doing: str
    finding: dict[str, str] | None
    marks: str
    marks_said: str
    outage: str
    since_ms: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the event log."""

    id: int
    at: dt.datetime
    text: str


def numbers(cutover: Cutover, now: dt.datetime) -> Numbers:
    """Counted in the database: a viewer costs the same with 10 terminals as with 10,000."""
    terminals = cutover.runs.filter(kind="terminal")
    by_state = dict(terminals.order_by().values_list("state").annotate(n=Count("pk")))
    wave = terminals.filter(state__in=OPEN).aggregate(w=Min("wave"))["w"] if cutover.direction == "forward" else None
    measured = terminals.filter(outage_ms__isnull=False).order_by("outage_ms").values_list("outage_ms", flat=True)
    count = measured.count()
    return Numbers(
        total=sum(by_state.values()),
        by_state=by_state,
        wave=wave,
        waves=len(cutover.limits),
        limit=cutover.limits[wave] if wave is not None and wave < len(cutover.limits) else None,
        median_ms=measured[(count - 1) // 2] if count else None,
        worst_ms=measured[count - 1] if count else None,
        eta_s=_eta(cutover, by_state, now),
    )


def _eta(cutover: Cutover, by_state: dict[str, int], now: dt.datetime) -> float | None:
    back = cutover.state == C.ROLLING_BACK
    if not back and cutover.state != C.SWITCHING:
        return None
    done = by_state.get(R.RESTORED if back else R.VERIFIED, 0)
    left = by_state.get(R.UNDOING, 0) if back else sum(by_state.get(s, 0) for s in OPEN)
    server = cutover.runs.filter(kind="server", state__in=[R.VERIFIED, R.RESTORED]).first()
    if not done or not left or server is None:
        return None
    return left * max(0.5, (now - server.changed_at).total_seconds()) / done


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
    switching = run.state == R.SWITCHING
    return Row(
        id=run.pk,
        name=run.device.name,
        device_id=run.device_id,
        state=run.state,
        look=words.run_look(run.state, cutover.to_scheme),
        doing=step_title(run.step) if run.state in (R.SWITCHING, R.UNDOING) else "",
        finding=run.finding,
        marks="".join(m.shape for m in steps),
        marks_said=", ".join(f"{m.title}: {m.word}" for m in steps),
        outage=words.seconds(run.outage_ms),
        since_ms=cutover.last_answer_ms if switching and run.outage_ms is None else None,
    )


def marks(catalogue: Iterable[StepInfo], run: DeviceRun, steps: Iterable[StepRun]) -> list[StepMark]:
    """Each step of the catalogue: what was last done about it."""
    last = {step.name: step for step in steps}
    out = []
    for known in catalogue:
        step = last.get(known.name)
        took = words.seconds(step.took_ms) if step else ""
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
    if t.run_id is None:
        word = words.CUTOVER_LOOKS[C(t.new)].word
    else:
        word = f"{t.device_name} · {words.run_look(t.new, cutover.to_scheme).word}"
    by = "" if t.actor in ("plan", t.device_name) else f" ({t.actor})"
    return f"{word}: {t.reason}{by}" if t.reason else f"{word}{by}"


def in_table(cutover: Cutover) -> list[DeviceRun]:
    """Which terminals get a row: all, or, where they are too many, first those that need a look."""
    first = Case(When(state__in=WITH_FINDING, then=Value(0)), When(state=R.SWITCHING, then=Value(1)), default=Value(2))
    runs = cutover.runs.filter(kind="terminal").select_related("device")
    chosen = list(runs.order_by(first, "device__name", "pk")[:TABLE_ROWS])
    return sorted(chosen, key=lambda r: (r.device.name, r.pk)) if len(chosen) < TABLE_ROWS else chosen


def planned(cutover: Cutover) -> int:
    """Before there are device runs: how many terminals would take part."""
    return cutover.site.devices.filter(kind="terminal").exclude(name__in=cutover.exclude).count()
