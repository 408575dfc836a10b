"""The results of many trials as a table."""

from collections import Counter
from collections.abc import Sequence

from fleet.preflight.cost.quantiles import quantile
from tests.faults.invariants import WORDS
from tests.faults.trial import Result


def table(results: Sequence[Result], restarts: int) -> str:
    """All figures, with what they prove. restarts: of demos."""
    count = len(results)
    failed = [r for r in results if r.violations]
    lines = [f"trials {count}, failed {len(failed)}, demo restarted {restarts} times", ""]
    for sort, words in WORDS.items():
        lines.append(f"{words:<32}{sum(any(v.kind == sort for v in r.violations) for r in results):>6}")
    lines += ["", bound(count, len(failed)), "", f"{'ended as':<32}" + _counted(Counter(r.end for r in results))]
    lines.append(f"{'recovery, all':<32}" + _figures(results))
    kinds = sorted({kind for r in results for kind in r.plan.kinds})
    lines += ["", f"{'by kind of fault':<18}{'trials':>8}{'failed':>8}   recovery"]
    for kind in kinds:
        those = [r for r in results if kind in r.plan.kinds]
        lines.append(f"{kind:<18}{len(those):>8}{sum(bool(r.violations) for r in those):>8}   {_figures(those)}")
    return "\n".join(lines)


def bound(count: int, failed: int) -> str:
    """What zero failures in `count` independent trials say about the true rate, by the rule of three."""
    if not count or failed:
        return f"{failed} of {count} failed: no bound can be given"
    return f"0 of {count} failed: with 95 % confidence fewer than {300 / count:.2g} % do (3/n)"


def _figures(results: Sequence[Result]) -> str:
    values = sorted(r.recovery_s for r in results if r.recovery_s is not None)
    if not values:
        return "–"
    return f"p50 {quantile(values, 0.5):.1f} s, p99 {quantile(values, 0.99):.1f} s, max {values[-1]:.1f} s"


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counter.most_common())
