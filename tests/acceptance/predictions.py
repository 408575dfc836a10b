"""Is what a rehearsal predicts what HTTPS becomes? `python -m tests.acceptance.predictions --runs 20`: whole demo sites,
each rehearsed, moved and measured once more. Prints for each run, and way of asking, the predicted interval of the p95
and what it became; and whether HTTP against HTTP is taken for a difference, which it must not be."""

import argparse
import json
import sqlite3
from typing import Any

from fleet.device_facts.facts import ListenerFacts
from fleet.device_facts.parse import parse_check
from fleet.preflight.cost.measured import Asked, Cost, cost_of
from tests.acceptance.site import DemoSite


def main() -> int:
    """0 when at least nine of ten predictions hold, in each way, and no difference is claimed where there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--terminals", type=int, default=12)
    options = parser.parse_args()
    held: dict[str, list[bool]] = {}
    claims = 0
    for run in range(options.runs):
        with DemoSite(options.terminals, seed=run + 1) as site:
            before, after, facts = _one(site)
        claims += _claims(facts)
        for change in before.changes:
            became = after.kind(f"https_{change.way}").p95
            low, high = change.predicted.low, change.predicted.high
            inside = became is not None and (low is None or low <= became) and (high is None or became <= high)
            held.setdefault(change.way, []).append(inside)
            limits = " to ".join("?" if limit is None else f"{limit:.1f}" for limit in (low, high))
            print(
                f"run {run}, {change.way}: predicted {limits} ms, became {became:.1f} ms: {'in' if inside else 'OUT'}",
                flush=True,
            )
    for way, results in held.items():
        print(f"{way}: {sum(results)} of {len(results)} inside")
    print(f"HTTP against HTTP: a difference was claimed in {claims} of {options.runs} runs")
    return 0 if claims == 0 and all(sum(r) * 10 >= len(r) * 9 for r in held.values()) else 1


def _one(site: DemoSite) -> tuple[Cost, Cost, list[Any]]:
    """The costs before and after, and what the terminals measured before."""
    number = site.client.post(f"/sites/{site.facts['site']}/rehearsals")["id"]
    site.wait(lambda: site.client.get(f"/rehearsals/{number}")["state"] == "done", 90, "the rehearsal")
    facts = _answers(site, "rehearsal_id = ?", number)
    end = site.rest(site.begin())
    assert end["state"] == "completed", end["reason"]
    path = f"/sites/{site.facts['site']}/rehearsals"
    site.wait(lambda: [r for r in site.client.get(path)["items"] if r["after"] and r["state"] == "done"], 90, "the rest")
    before, after = _cost(facts), _cost(_answers(site, "rehearsal_id <> ?", number))
    assert before is not None, site.client.get(f"/rehearsals/{number}")
    assert after is not None, site.client.get(f"/rehearsals/{site.client.get(path)['items'][0]['id']}")
    return before, after, facts


def _answers(site: DemoSite, where: str, number: int) -> list[Any]:
    """The terminals' facts, from the demo's own database: the API does not give single measurements."""
    with sqlite3.connect(f"file:{site.folder / 'tillway.sqlite3'}?mode=ro", uri=True) as database:
        rows = database.execute(f"SELECT facts FROM fleet_terminalcheck WHERE action = 'ask' AND {where}", (number,))
        return [json.loads(row[0]) for row in rows]


def _cost(facts: list[Any]) -> Cost | None:
    asked = [Asked(f"T{number}", 1, parse_check(told)) for number, told in enumerate(facts)]
    return cost_of(asked, ListenerFacts())


def _claims(facts: list[Any]) -> bool:
    """Whether two halves of the same measurements, both over HTTP, are told apart in any way of asking."""
    halves = []
    for told in facts:
        samples = told.get("samples", {})
        split = {k: v for kind in ("new", "kept") for k, v in _halves(kind, samples.get(f"plain_{kind}", [])).items()}
        halves.append({"samples": {**split, "http_new": samples.get("http_new"), "http_kept": samples.get("http_kept")}})
    cost = _cost(halves)
    return cost is not None and any(change.told_apart for change in cost.changes)


def _halves(kind: str, values: list[float]) -> dict[str, list[float]]:
    return {f"plain_{kind}": values[::2], f"https_{kind}": values[1::2]}


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet.settings")
    django.setup()
    raise SystemExit(main())
