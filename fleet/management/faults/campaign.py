"""Many trials on one demo, which is started anew on any doubt."""

from collections.abc import Callable, Iterable
from pathlib import Path

from fleet.management.faults import plan
from fleet.management.faults.keep import keep
from fleet.management.faults.site import Site
from fleet.management.faults.trial import Result, Trial


class Campaign:
    """folder: the demo, and failures/ with what each failed trial left; again(number): the command for it."""

    def __init__(self, folder: Path, *, seed: int, terminals: int, long: bool, again: Callable[[int], str]) -> None:
        self.folder, self.seed, self.terminals, self.long, self.again = folder, seed, terminals, long, again
        self.site = Site(folder, terminals)
        self.results: list[Result] = []
        self.restarts = 0

    def run(self, numbers: Iterable[int], told: Callable[[Result], None]) -> list[Result]:
        """Run these trials; told() after each."""
        try:
            self.site.start()
            for number in numbers:
                result = self._one(number)
                self.results.append(result)
                told(result)
        finally:
            self.site.stop()
        return self.results

    def _one(self, number: int) -> Result:
        trial = Trial(self.site, plan.make(self.seed, number, self.terminals, long=self.long))
        result = trial.run()
        if not result.violations and trial.bring_back():
            return result
        keep(self.site, result, self.folder / "failures" / str(number), self.again(number))
        self.site.restart()
        self.restarts += 1
        return result
