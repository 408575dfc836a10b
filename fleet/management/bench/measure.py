"""Measures one site: its cutover, its rollback and its pages."""

import http.cookiejar
import json
import statistics
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from fleet.management.bench import floor
from fleet.management.demo.site import DemoSite, SiteFailed
from fleet.preflight.cost.quantiles import quantile

REST_S = 300.0  # how long a cutover may take to end
PAGE_ROUNDS = 20  # requests for each page


def percentiles(values: list[float], points: tuple[int, ...] = (50, 95, 99)) -> dict[str, float]:
    """{"p50": …, "max": …} of these values, rounded to 0.1; {} for an empty list. points: in percent."""
    if not values:
        return {}
    ordered = sorted(values)
    found = {f"p{p}": round(quantile(ordered, p / 100), 1) for p in points}
    return found | {"max": round(ordered[-1], 1)}


def cutover(site: DemoSite, scratch: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Move the site to HTTPS and back, and return a row of figures for each of the two (see _row). scratch: a folder for
    temporary files. Raises SiteFailed if one of them does not succeed."""
    number = site.client.post("/cutovers", {"site": site.facts["site"]})["id"]
    t0 = time.time()
    forward = _timed(site, number, "start", "completed")
    down_ms = _down_ms(site.lab / "server" / "access.jsonl", t0)
    end = site.client.get(f"/cutovers/{number}")
    outages = [float(r["outage_ms"]) for r in end["device_runs"] if r["kind"] == "terminal"]
    floor_ms = floor.ms_per_terminal(site, scratch)
    t1 = time.time()
    back = _timed(site, number, "roll_back", "rolled_back")
    back_down_ms = _down_ms(site.lab / "server" / "access.jsonl", t1)
    return _row(site, forward, down_ms, outages, floor_ms), _row(site, back, back_down_ms, [], floor_ms)


def pages(site: DemoSite) -> list[dict[str, Any]]:
    """How long an admin's pages take, in milliseconds, and how large they are, in kilobytes."""
    browser = _logged_in(site)
    found = []
    for page in ("/", "/cutovers/", "/cutovers/plan/", "/cutovers/1/"):
        times, size = [], 0
        for _ in range(PAGE_ROUNDS):
            begun = time.monotonic()
            with browser.open(site.facts["url"] + page, timeout=30) as answer:
                size = len(answer.read())
            times.append((time.monotonic() - begun) * 1000)
        ms = percentiles(times, (50, 95))
        found.append(
            {"page": page, "terminals": len(site.names), "ms": {k: ms[k] for k in ("p50", "p95")}, "kb": round(size / 1024, 1)}
        )
    return found


def _timed(site: DemoSite, number: int, verb: str, wanted: str) -> float:
    begun = time.monotonic()
    site.client.post(f"/cutovers/{number}/{verb}")
    rest = ("completed", "rolled_back", "needs_person", "paused", "cancelled")

    def at_rest() -> str | None:
        state = (site.cutover(number) or {}).get("state")
        return state if state in rest and (verb == "start" or state != "completed") else None

    state = site.wait(at_rest, REST_S, f"cutover {number} to rest")
    if state != wanted:
        raise SiteFailed(f"cutover {number} is {state}, not {wanted}")
    return time.monotonic() - begun


def _row(site: DemoSite, seconds: float, down_ms: float, outages: list[float], floor_ms: float) -> dict[str, Any]:
    each = seconds * 1000 / len(site.names)
    return {
        "terminals": len(site.names),
        "seconds": round(seconds, 2),
        "ms_per_terminal": round(each, 1),
        "server_down_ms": round(down_ms),
        "outage_ms": percentiles(outages),
        "floor_ms_per_terminal": round(floor_ms, 2),
        "ratio_to_floor": round(each / floor_ms, 1),
    }


def _down_ms(log: Path, since: float) -> float:
    """Milliseconds between the server's last answer before the stop and its first after it, by its own log. since: Unix
    time; earlier stops do not count."""
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    stops = [r["t"] for r in rows if r["event"] == "stop" and r["t"] > since]
    answers = [r["t"] for r in rows if r["event"] == "request"]
    before = [t for t in answers if t <= stops[0]]
    after = [t for t in answers if t > stops[0]]
    return float(min(after) - max(before)) * 1000


def _logged_in(site: DemoSite) -> urllib.request.OpenerDirector:
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar))
    login = site.facts["url"] + "/login/"
    browser.open(login, timeout=30).read()
    token = next(c.value for c in jar if c.name == "csrftoken")
    form = {"username": site.facts["admin_user"], "password": site.facts["admin_password"], "csrfmiddlewaretoken": token}
    browser.open(login, urllib.parse.urlencode(form).encode(), timeout=30).read()
    return browser


def median(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The row whose `seconds` are the median."""
    middle = statistics.median_low([r["seconds"] for r in rows])
    return next(r for r in rows if r["seconds"] == middle)
