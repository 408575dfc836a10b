"""`python -m tests.faults table`: lets a process die at every named point, forward and back, once and twice in a row."""

import argparse
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from tests.faults.site import Site
from tests.faults.table import Row, Table, cases

HELP = "Kill at every point of `points`, on every way that passes it, once and twice in a row."
HOME = Path(__file__).resolve().parents[3] / "var" / "fault-table"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options, which can choose a part of the table."""
    parser.add_argument("--terminals", type=int, default=3, help="of the site (default 3)")
    parser.add_argument("--dir", default=str(HOME), help="the demo is kept here")
    parser.add_argument("--postgres", metavar="URL", help="of a PostgreSQL server: a database for the demo is made there")
    parser.add_argument("--match", default="", help="only points whose name contains this")
    parser.add_argument("--touch", choices=("live", "caches"), default="live", help="caches: with the points of its restart")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2], help="deaths in a row (default 1 2)")


def run(options: argparse.Namespace) -> int:
    """The exit code: 0 if every line is good, else 1."""
    every = cases(options.times, restarts=options.touch == "caches")
    todo = [case for case in every if options.match in case.point.name]
    site = Site(Path(options.dir).resolve(), options.terminals, postgres=options.postgres, touch=options.touch)
    with tqdm(total=len(todo), unit="case", disable=None) as bar:

        def told(row: Row) -> None:
            bar.update()
            if bar.disable or not (row.good and row.undisturbed):
                bar.write(_line(row))

        try:
            site.start()
            rows = Table(site, told).run(todo)
        finally:
            site.stop()
    good = sum(row.good for row in rows)
    twice = Counter(row.deaths for row in rows if row.case.times == 2)
    alike = sum(row.good and row.undisturbed for row in rows)
    print(f"\n{good} of {len(rows)} good; {alike} of them ended as if nothing had happened")
    print(f"Of those that were to die twice, {twice[2]} did, and {twice[1]} came by that point only once")
    return 0 if good == len(rows) else 1


def _line(row: Row) -> str:
    case = row.case
    wrong = "; ".join([*(f"{v.kind}: {v.text}" for v in row.violations), row.reason])
    mark = ("ok   " if row.undisturbed else "other") if row.good else "BAD  "
    return f"{mark} {case.name:<40} {case.way:<8} {row.deaths} of {case.times} deaths  {row.end:<12} {wrong}"
