"""What HTTPS costs at this site, from what its own terminals measured in rehearsals. They measure lookups in turn: at the
live port over HTTP, and at the shadow listener without and with TLS. Both of the latter contain the shadow listener's own
time, so their difference is what TLS adds. Added to the time at the live port, it predicts what lookups will take."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.protocol import LOOKUP_KINDS
from fleet.device_facts.facts import CheckFacts, ListenerFacts
from fleet.preflight.cost.quantiles import Estimate, estimate, fewest, quantile

# By how a lookup is made, the kinds to compare: (live, shadow without TLS, shadow with TLS).
WAYS = {
    "new": ("http_new", "plain_new", "https_new"),
    "resumed": ("http_new", "plain_new", "https_resumed"),
    "kept": ("http_kept", "plain_kept", "https_kept"),
}
P50, P95 = 0.5, 0.95
# The share of predicted intervals that may miss the later measurement.
ALPHA = 0.05
# The same for the claim that there is a difference. It is stricter: the claim is made for three ways, by two quantiles each.
_CLAIM = 0.01
FEWEST = fewest(P95, ALPHA)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of lookup over the whole site."""

    name: str
    count: int  # measurements
    p50: float | None  # milliseconds
    p95: float | None  # milliseconds
    size: float | None  # bytes of one lookup, both directions; None where no terminal told it


@dataclass(frozen=True, slots=True)
class Change:
    """What HTTPS does to lookups that are made in this way. Milliseconds."""

    way: str  # a key of WAYS
    p50: Estimate  # change of the typical lookup, 99 % confidence
    # change of the slow lookups as it will be measured afterwards, 95 % confidence; includes the chance in both measurements
    p95: Estimate
    live_p95: float  # over HTTP today
    predicted: Estimate  # p95 over HTTPS
    typical_differs: bool  # False: the measurements fit no difference at p50 as well
    slow_differs: bool  # the same at p95

    @property
    def told_apart(self) -> bool:
        """Whether there is a difference at all."""
        return self.typical_differs or self.slow_differs


@dataclass(frozen=True, slots=True)
class Cost:
    """All that is known."""

    terminals: int  # how many measured, each counted once
    runs: int  # in how many rehearsals
    kinds: tuple[Kind, ...]
    changes: tuple[Change, ...]
    cpu_full_ms: float | None  # the server's processor time for one handshake; None on Windows, where http.sys does it
    cpu_resumed_ms: float | None  # the same for a resumed session

    def kind(self, name: str) -> Kind:
        """One kind of lookup. name: one of LOOKUP_KINDS."""
        return self.kinds[LOOKUP_KINDS.index(name)]

    @property
    def enough(self) -> bool:
        """Whether there are enough measurements for an upper limit of p95; with fewer only a lower limit can be given."""
        return all(kind.count >= FEWEST for kind in self.kinds if kind.count)


@dataclass(frozen=True, slots=True)
class Load:
    """A day at this site. The two ends of each pair are the best case (one connection kept) and the worst (a new one for
    each lookup)."""

    lookups: int
    bytes_http: tuple[float, float]  # bytes of lookups over HTTP
    bytes_https: tuple[float, float]  # the same over HTTPS
    cpu_s: tuple[float, float] | None  # processor seconds that TLS costs the server; None where it was not measured


@dataclass(frozen=True, slots=True)
class Asked:
    """What one terminal measured in one rehearsal."""

    terminal: str  # its name
    rehearsal: int  # its id
    facts: CheckFacts


def cost_of(checks: Iterable[Asked], server: ListenerFacts) -> Cost | None:
    """The cost, from what the terminals measured and what the server told. None without any measurement."""
    asked = list(checks)
    values = {kind: sorted(ms for one in asked for ms in one.facts.samples.get(kind, ())) for kind in LOOKUP_KINDS}
    if not any(values.values()):
        return None
    measured = [one for one in asked if any(one.facts.samples.get(kind) for kind in LOOKUP_KINDS)]
    return Cost(
        terminals=len({one.terminal for one in measured}),
        runs=len({one.rehearsal for one in measured}),
        kinds=tuple(_kind(kind, values[kind], asked) for kind in LOOKUP_KINDS),
        changes=tuple(change for way, kinds in WAYS.items() if (change := _change(way, *(values[k] for k in kinds)))),
        cpu_full_ms=server.cpu_full_ms,
        cpu_resumed_ms=server.cpu_resumed_ms,
    )


def load_of(cost: Cost, lookups_per_hour: int, hours: int) -> Load | None:
    """A day of `hours` hours with `lookups_per_hour` lookups in each. None where the bytes were not measured."""
    sizes = [cost.kind(name).size for name in ("http_kept", "http_new", "https_kept", "https_new")]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    lookups = lookups_per_hour * hours
    http_kept, http_new, https_kept, https_new = (size * lookups for size in known)
    cpu_s = (0.0, cost.cpu_full_ms * lookups / 1000) if cost.cpu_full_ms is not None else None
    return Load(lookups, (http_kept, http_new), (https_kept, https_new), cpu_s)


def _kind(name: str, ordered: list[float], asked: Sequence[Asked]) -> Kind:
    sizes = [size for one in asked if (size := one.facts.sizes.get(name)) is not None]
    size = statistics.median(sizes) if sizes else None
    if not ordered:
        return Kind(name, 0, None, None, size)
    return Kind(name, len(ordered), quantile(ordered, P50), quantile(ordered, P95), size)


def _change(way: str, live: list[float], plain: list[float], tls: list[float]) -> Change | None:
    if not (live and plain and tls):
        return None
    p50 = estimate(tls, P50, _CLAIM) - estimate(plain, P50, _CLAIM)
    claim = estimate(tls, P95, _CLAIM) - estimate(plain, P95, _CLAIM)
    # Both figures that will be compared are measured as well, today's HTTP and the later HTTPS: add their uncertainty.
    now, later = estimate(live, P95, ALPHA), estimate(tls, P95, ALPHA)
    change = later - estimate(plain, P95, ALPHA) + now.noise() + later.noise()
    slow = not (claim.holds_zero or change.holds_zero)
    return Change(way, p50, change, now.value, change.moved(now.value), typical_differs=not p50.holds_zero, slow_differs=slow)
