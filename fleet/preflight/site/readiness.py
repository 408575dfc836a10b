"""The result of readiness: items, and the verdict that they make."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fleet.preflight.site.codes import LEVELS, Level, rule_of

Verdict = Literal["ready", "warnings", "blocked", "unknown"]
NEVER = "never_rehearsed"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing found."""

    code: str
    severity: Level
    device: str | None  # whose; None for the site as a whole
    message: str  # for an admin, with the values
    remedy: str
    title: str  # the heading under which items of this code stand


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer about one site."""

    verdict: Verdict
    items: tuple[Item, ...]  # errors first

    def of(self, *levels: Level) -> tuple[Item, ...]:
        """The items of these levels."""
        return tuple(item for item in self.items if item.severity in levels)

    def count(self, level: Level) -> int:
        """How many items are of this level."""
        return sum(item.severity == level for item in self.items)


def item(code: str, message: str, device: str | None = None, level: Level | None = None) -> Item:
    """An item with its code's remedy, and with its code's level unless another is given."""
    rule = rule_of(code)
    return Item(code, level or rule.level, device, message, rule.remedy, rule.title)


def conclude(found: Iterable[Item], rehearsed: bool) -> Readiness:
    """The verdict: blocked by any error other than the missing rehearsal; unknown without a rehearsal."""
    items = tuple(sorted(dict.fromkeys(found), key=lambda one: LEVELS.index(one.severity)))
    levels = {one.severity for one in items if one.code != NEVER}
    if "error" in levels:
        return Readiness("blocked", items)
    if not rehearsed:
        return Readiness("unknown", items)
    return Readiness("warnings" if "warning" in levels else "ready", items)
