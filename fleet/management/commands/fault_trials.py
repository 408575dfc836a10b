"""`manage.py fault_trials`: random faults against a whole site in the lab, judged from outside."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from fleet.management.faults import summary
from fleet.management.faults.campaign import Campaign
from fleet.management.faults.trial import Result


class Command(BaseCommand):
    """See the module."""

    help = "Run random trials: processes killed, networks cut, databases locked; check that nobody is stranded."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Trial i is a function of seed, i and the number of terminals."""
        parser.add_argument("--trials", type=int, default=30, help="how many (default 30)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same trials (default 1)")
        parser.add_argument("--terminals", type=int, default=10, help="of the site (default 10)")
        parser.add_argument("--dir", default=str(settings.BASE_DIR / "var" / "faults"), help="demo and failures are kept here")
        parser.add_argument("--only", type=int, default=None, metavar="I", help="only this trial, to run a failed one again")
        parser.add_argument("--first", type=int, default=0, metavar="I", help="number of the first trial (default 0)")
        parser.add_argument("--long", action="store_true", help="also keep the dashboard down for 45 to 90 s")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 on any violation."""
        first, count = options["first"], options["trials"]
        numbers = range(first, first + count) if options["only"] is None else [options["only"]]
        folder = Path(options["dir"]).resolve()

        def again(number: int) -> str:
            words = f"--seed {options['seed']} --terminals {options['terminals']}{' --long' if options['long'] else ''}"
            return f"python manage.py fault_trials {words} --only {number}"

        campaign = Campaign(
            folder, seed=options["seed"], terminals=options["terminals"], long=options["long"], again=again
        )  # fmt: skip
        with tqdm(total=len(numbers), unit="trial", disable=None) as bar:

            def told(result: Result) -> None:
                bar.update()
                failed = sum(bool(r.violations) for r in campaign.results)
                bar.set_postfix_str(f"{failed} failed, {campaign.restarts} restarts")
                self._tell(bar, result, again(result.plan.number), folder)

            results = campaign.run(numbers, told)
        self.stdout.write("\n" + summary.table(results, campaign.restarts))
        sys.exit(1 if any(r.violations for r in results) else 0)

    def _tell(self, bar: "tqdm[Any]", result: Result, again: str, folder: Path) -> None:
        """Without a bar one line per trial; with one, only what is wrong."""
        number = result.plan.number
        if bar.disable:
            recovery = "–" if result.recovery_s is None else f"{result.recovery_s:.1f} s"
            kinds = ", ".join(result.plan.kinds)
            self.stdout.write(
                f"{number}: {result.plan.way}, {kinds}: {result.end}, recovery {recovery}, {result.seconds:.0f} s"
            )
        for violation in result.violations:
            bar.write(f"  trial {number}: {violation.kind}: {violation.text}")
        if result.violations:
            bar.write(f"  kept in {folder / 'failures' / str(number)}; again: {again}")
