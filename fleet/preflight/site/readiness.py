"""What readiness has to say: items, and the verdict that is made of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fleet.preflight.site.codes import LEVELS, Level, rule_of

Verdict = Literal["ready", "warnings", "blocked", "unknown"]
NEVER = "never_rehearsed"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing found. device: whose, None for the site as a whole; message: in an admin's words, with the values;
    title: the heading under which items of this code stand."""

    code: str
    severity: Level
    device: str | None
    message: str
    remedy: str
    title: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer about one site. items: the gravest first."""

    verdict: Verdict
    items: tuple[Item, ...]

    def of(self, *levels: Level) -> tuple[Item, ...]:
        """The items of these levels."""
        return tuple(item for item in self.items if item.severity in levels)

    def count(self, level: Level) -> int:
        """How many items are of this level."""
        return sum(item.severity == level for item in self.items)


def item(code: str, message: str, device: str | None = None, level: Level | None = None) -> Item:
    """An item with its code's level, where no other is given, and remedy."""
    rule = rule_of(code)
    return Item(code, level or rule.level, device, message, rule.remedy, rule.title)


def conclude(found: Iterable[Item], rehearsed: bool) -> Readiness:
    """The verdict: blocked by any error that is not just the missing rehearsal; unknown without one."""
    items = tuple(sorted(dict.fromkeys(found), key=lambda one: LEVELS.index(one.severity)))
    levels = {one.severity for one in items if one.code != NEVER}
    if "error" in levels:
        return Readiness("blocked", items)
    if not rehearsed:
        return Readiness("unknown", items)
    return Readiness("warnings" if "warning" in levels else "ready", items)
