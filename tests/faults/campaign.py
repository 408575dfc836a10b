"""Many trials, on one demo or on several at the same time. A demo that is not as before is started anew."""

import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from agents.lab.dialects import named as dialects
from tests.faults import plan
from tests.faults.keep import keep
from tests.faults.site import Site
from tests.faults.trial import Result, Trial


@dataclass(slots=True)
class Campaign:
    """Runs trials and collects their results."""

    folder: Path  # for the demo of each job, and failures/ with what is kept of failed trials
    seed: int
    terminals: int
    again: Callable[[int], str]  # the command that runs the trial with this number again
    told: Callable[[Result], None]  # is called after each trial, by one thread at a time
    switches: dict[str, bool] = field(default_factory=dict)  # of plan.make()
    postgres: str | None = None  # see Site
    dialect: str = dialects.DEFAULT
    touch: str = "live"
    results: list[Result] = field(default_factory=list)
    restarts: int = 0  # of demos, because they were not as before
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, numbers: Iterable[int], jobs: int = 1) -> list[Result]:
        """Run these trials, `jobs` at the same time. Returns the results in the order of their numbers. Raises SiteFailed
        if a demo does not start."""
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in numbers:
            todo.put(number)
        with ThreadPoolExecutor(jobs) as pool:
            works = [pool.submit(self._work, todo, job) for job in range(min(jobs, todo.qsize()))]
            try:
                for work in works:
                    work.result()
            finally:
                self._stop.set()  # after Ctrl-C, or a demo that does not start, the others end after their trial
        return sorted(self.results, key=lambda r: r.plan.number)

    def _work(self, todo: "queue.SimpleQueue[int]", job: int) -> None:
        site = Site(self.folder / f"site{job}", self.terminals, postgres=self.postgres, dialect=self.dialect, touch=self.touch)
        try:
            site.start()
            while not self._stop.is_set():
                try:
                    number = todo.get_nowait()
                except queue.Empty:
                    return
                self._one(site, number, more=not todo.empty())
        finally:
            site.stop()

    def _one(self, site: Site, number: int, *, more: bool) -> None:
        planned = plan.make(self.seed, number, self.terminals, caches=self.touch == "caches", **self.switches)
        trial = Trial(site, planned)
        result = trial.run()
        back = not result.violations and trial.bring_back()
        if result.violations:
            keep(site, result, self.folder / "failures" / str(number), self.again(number))
        with self._lock:
            self.results.append(result)
            self.told(result)
        if more and not back:
            site.restart()
            self.restarts += 1
