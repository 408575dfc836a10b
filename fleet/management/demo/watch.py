"""Starts one cutover and shows it in the console, with a progress bar and its result."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from fleet.management.demo.client import Client

REST = ("completed", "rolled_back", "cancelled", "needs_person")
LIMIT_S = 600
PROOFS = {
    "application": "by a lookup in the site's own dialect",
    "transport": "by a transport proof",
    "person": "by a person",
}


def run_cutover(client: Client, site: int, alive: Callable[[], None], say: Callable[[str], None]) -> int:
    """Start a cutover of this site now, show its progress and how it ended. alive: is called again and again meanwhile;
    say: prints a line. Returns the exit code, which is 0 only if every terminal was verified over HTTPS."""
    begun = time.monotonic()
    cutover = client.post("/cutovers", {"site": site})
    client.post(f"/cutovers/{cutover['id']}/start")
    end = _follow(client, cutover["id"], alive, say)
    terminals = [r for r in end["device_runs"] if r["kind"] == "terminal"]
    good = [r for r in terminals if r["state"] == "verified"]
    say(f"Cutover {end['id']} is {end['state']} after {time.monotonic() - begun:.1f} s: {end.get('reason') or ''}")
    say(f"{len(good)} of {len(terminals)} terminals verified over HTTPS")
    for proof, count in sorted(Counter(r["proof"] for r in good).items()):
        say(f"  {count} {PROOFS[proof]}")
    outages = sorted(r["outage_ms"] for r in good if r["outage_ms"] is not None)
    if outages:
        say(f"Outage per terminal: median {outages[len(outages) // 2] / 1000:.2f} s, worst {outages[-1] / 1000:.2f} s")
    for run in end["device_runs"]:
        if finding := run["finding"]:
            say(f"  {run['device']} ({run['state']}): {finding['message']} {finding['remedy']}")
    if terminals and len(good) == len(terminals) and end["state"] == "completed":
        return 0
    for line in reversed(_why(client, end["id"])):
        say(f"  {line}")
    return 1


def _follow(client: Client, cutover_id: int, alive: Callable[[], None], say: Callable[[str], None]) -> dict[str, Any]:
    """Wait until the cutover has ended or waits for a person, and return it. Where the output is not a console, it prints
    a line for each change of state instead of a bar."""
    end, last = time.monotonic() + LIMIT_S, ""
    with tqdm(bar_format="{desc:<22} {bar} {n_fmt}/{total_fmt} terminals [{elapsed}]", disable=None) as bar:
        while True:
            now: dict[str, Any] = client.get(f"/cutovers/{cutover_id}")
            terminals = [r for r in now["device_runs"] if r["kind"] == "terminal"]
            bar.total, bar.n = len(terminals), sum(r["state"] in ("verified", "restored") for r in terminals)
            bar.set_description_str(now["state"].replace("_", " "))
            if bar.disable and now["state"] != last:
                say(f"{now['state'].replace('_', ' ')}: {bar.n}/{bar.total} terminals done")
            last = now["state"]
            if last in (*REST, "paused") or time.monotonic() > end:
                return now
            alive()
            time.sleep(0.1)


def _why(client: Client, cutover_id: int) -> list[str]:
    """The last problems from the log. After a rollback the device runs themselves do not show them any more."""
    log = client.get(f"/cutovers/{cutover_id}/transitions")["items"]
    bad = [t for t in log if t["to"] in ("failed", "unreachable", "undo_failed", "rolling_back", "paused", "needs_person")]
    return [f"{t['device'] or 'cutover'} became {t['to'].replace('_', ' ')}: {t['reason']}" for t in reversed(bad)][:10]
