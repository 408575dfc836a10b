"""The domain with one guard removed: a change to the source of one module, compiled beside the real one."""

import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fleet.cutover import by_hand, plan, reports, rollback
from fleet.cutover.states import Cutover
from tests.cutover.guards import by_hand as by_hand_guards
from tests.cutover.guards import plan as plan_guards
from tests.cutover.guards import reports as reports_guards
from tests.cutover.guards import rollback as rollback_guards
from tests.cutover.model import Rules, Setting


@dataclass(frozen=True)
class Mutation:
    """name: what the guard that is gone was good for; site: where the loss shows; swaps: pairs of text before
    and after, the first of which must occur exactly once in the module's source."""

    name: str
    module: ModuleType
    site: Setting
    swaps: tuple[tuple[str, str], ...]

    def rules(self) -> Rules:
        """The domain with this mutation."""
        source = inspect.getsource(self.module)
        for old, new in self.swaps:
            assert source.count(old) == 1, f"the text to replace occurs {source.count(old)} times: {old}"
            source = source.replace(old, new)
        mutant: Any = ModuleType(f"mutated.{self.module.__name__}")
        exec(compile(source, f"<{self.name}>", "exec"), mutant.__dict__)
        if self.module is plan:
            return Rules(plan=mutant)
        if self.module is reports:
            return Rules(reports=mutant)
        if self.module is by_hand:
            return Rules(by_hand=mutant)
        return Rules(plan=_plan_with(mutant), rollback=mutant)


def _plan_with(mutant: ModuleType) -> ModuleType:
    """The plan, going back by the mutated rules."""
    copy: Any = ModuleType("mutated.plan")
    exec(compile(inspect.getsource(plan), "<plan>", "exec"), copy.__dict__)
    copy.rollback = mutant
    copy._RULES[Cutover.ROLLING_BACK] = mutant.next_steps  # type: ignore[attr-defined]
    return copy


GUARDS = (
    (plan, plan_guards.GUARDS),
    (plan, by_hand_guards.PLAN_GUARDS),
    (rollback, rollback_guards.GUARDS),
    (rollback, by_hand_guards.ROLLBACK_GUARDS),
    (reports, reports_guards.GUARDS),
    (by_hand, by_hand_guards.GUARDS),
)
MUTATIONS = [Mutation(name, module, site, tuple(swaps)) for module, guards in GUARDS for name, site, swaps in guards]
