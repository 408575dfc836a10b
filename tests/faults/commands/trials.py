"""`python -m tests.faults trials`: random faults at a whole site in the lab, judged from outside."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from agents.lab.dialects import named as dialects
from tests.faults import disk, summary
from tests.faults.campaign import Campaign
from tests.faults.trial import Result

HELP = "Run random trials: processes killed, networks cut, databases locked; check that nobody is stranded."
HOME = Path(__file__).resolve().parents[3] / "var" / "faults"
SWITCHES = ("long", "full_disk", "restored")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options. Seed, number and terminals together determine a trial."""
    parser.add_argument("--trials", type=int, default=30, help="how many (default 30)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same trials (default 1)")
    parser.add_argument("--terminals", type=int, default=10, help="of each site (default 10)")
    parser.add_argument("--dialect", choices=dialects.NAMES, default=dialects.DEFAULT, help="what server and terminals speak")
    parser.add_argument("--touch", choices=("live", "caches"), default="live", help="caches: Touch is restarted")
    parser.add_argument("--jobs", type=int, default=1, help="sites at a time (default 1)")
    parser.add_argument("--dir", default=str(HOME), help="demos and failures are kept here")
    parser.add_argument("--only", type=int, default=None, metavar="I", help="only this trial, to run a failed one again")
    parser.add_argument("--first", type=int, default=0, metavar="I", help="number of the first trial (default 0)")
    parser.add_argument("--long", action="store_true", help="also keep the dashboard down for 45 to 90 s")
    parser.add_argument(
        "--full-disk", action="store_true", help="also fill the disk; --dir must lie on a small file system of its own"
    )
    parser.add_argument("--restored", action="store_true", help="also put an older copy of the database in its place")
    parser.add_argument("--postgres", metavar="URL", help="of a PostgreSQL server: a database for each demo is made there")


def run(options: argparse.Namespace) -> int:
    """The exit code: 1 for any violation, 2 if the options do not fit together."""
    folder = Path(options.dir).resolve()
    if wrong := _refused(options, folder):
        print(wrong, file=sys.stderr)
        return 2
    numbers = range(options.first, options.first + options.trials) if options.only is None else [options.only]
    campaign = _campaign(options, folder, numbers)
    print("\n" + summary.table(campaign.results, campaign.restarts))
    return 1 if len(campaign.results) < len(numbers) or any(r.violations for r in campaign.results) else 0


def _refused(options: argparse.Namespace, folder: Path) -> str:
    """Why these options are not possible, or "" if they are."""
    if options.restored and options.postgres:
        return "--restored: copies are made of the embedded database only, so not with --postgres"
    if options.full_disk:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            disk.check(folder)
        except disk.NotSmall as error:
            return f"--full-disk: {error}"
    return ""


def _campaign(options: argparse.Namespace, folder: Path, numbers: Sequence[int]) -> Campaign:
    """Run these trials and return the campaign with its results."""
    words = f"--seed {options.seed} --terminals {options.terminals} --dialect {options.dialect} --touch {options.touch}"
    words += "".join(f" --{switch.replace('_', '-')}" for switch in SWITCHES if getattr(options, switch))

    def again(number: int) -> str:
        return f"python -m tests.faults trials {words} --only {number}"

    with tqdm(total=len(numbers), unit="trial", disable=None) as bar:

        def told(result: Result) -> None:
            bar.update()
            bar.set_postfix_str(f"{sum(bool(r.violations) for r in campaign.results)} failed")
            for line in _lines(result, again(result.plan.number), folder, plain=bool(bar.disable)):
                bar.write(line)

        campaign = Campaign(folder, options.seed, options.terminals, again, told)
        campaign.postgres, campaign.dialect, campaign.touch = options.postgres, options.dialect, options.touch
        campaign.switches = {switch: getattr(options, switch) for switch in SWITCHES}
        try:
            campaign.run(numbers, options.jobs)
        except KeyboardInterrupt:
            bar.write("ended early")
    return campaign


def _lines(result: Result, again: str, folder: Path, *, plain: bool) -> list[str]:
    """What is wrong in this trial. plain: also a line for a good trial, because there is no progress bar."""
    number = result.plan.number
    lines = []
    if plain:
        recovery = "–" if result.recovery_s is None else f"{result.recovery_s:.1f} s"
        kinds = ", ".join(result.plan.kinds)
        lines.append(f"{number}: {result.plan.way}, {kinds}: {result.end}, recovery {recovery}, {result.seconds:.0f} s")
    lines += [f"  trial {number}: {v.kind}: {v.text}" for v in result.violations]
    if result.violations:
        lines.append(f"  kept in {folder / 'failures' / str(number)}; again: {again}")
    return lines
