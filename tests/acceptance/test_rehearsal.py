"""A rehearsal as a reseller scripts it: every terminal tests the certificate, nothing is changed anywhere,
live lookups unharmed.

TILLWAY_REHEARSED=200 rehearses as many terminals (bar: 10 s); `make test` takes fewer."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.site import DemoSite

pytestmark = pytest.mark.lab

TERMINALS = int(os.environ.get("TILLWAY_REHEARSED", "16"))
BAR_S = 10.0
LOGS = (".jsonl", ".log")


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(TERMINALS) as running:
        yield running


def disk(folder: Path) -> dict[str, bytes]:
    """Every byte of server and terminals, agents' state and all, but for the logs that the simulators write."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in LOGS and path.name != "faults.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def rehearse(site: DemoSite) -> tuple[dict[str, Any], float]:
    """A rehearsal at its end, and the seconds that it took."""
    begun = time.monotonic()
    number = site.client.post(f"/sites/{site.facts['site']}/rehearsals")["id"]

    def ended() -> dict[str, Any] | None:
        now = site.client.get(f"/rehearsals/{number}")
        return now if now["state"] in ("done", "failed") else None

    return site.wait(ended, 60, "the rehearsal to end"), time.monotonic() - begun


def readiness(site: DemoSite) -> dict[str, Any]:
    found: dict[str, Any] = site.client.get(f"/sites/{site.facts['site']}/readiness")
    return found


def lookups(site: DemoSite, since: float) -> list[dict[str, Any]]:
    """What the tills themselves have looked up since then."""
    lines = [line for name in site.names for line in (site.lab / "terminals" / name / "lookups.jsonl").read_text().splitlines()]
    return [row for line in lines if line.endswith("}") and (row := json.loads(line))["t"] >= since]


def test_every_terminal_is_ready_nothing_has_changed_and_nobody_was_disturbed(
    site: DemoSite, record_testsuite_property: Any
) -> None:
    before, since = disk(site.lab), time.time()
    rehearsal, took_s = rehearse(site)
    assert rehearsal["state"] == "done", rehearsal
    assert {seat["device"]: seat["ready"] for seat in rehearsal["seats"]} == dict.fromkeys(site.names, True)
    assert disk(site.lab) == before
    own = lookups(site, since)
    assert own
    assert all(row["ok"] for row in own)
    found = readiness(site)
    assert found["verdict"] == "ready", [i for i in found["items"] if i["severity"] in ("error", "warning")]
    if TERMINALS >= 200:  # a figure for a machine that does nothing else; other tests run beside this one
        assert took_s <= BAR_S
    record_testsuite_property(f"rehearsal of {TERMINALS} terminals", f"{took_s:.2f} s, {len(own)} live lookups, all answered")


def test_who_could_not_be_moved_is_named_with_the_reason(site: DemoSite) -> None:
    lame, away, early = site.names[:3]
    site.take_effect(
        {"terminals": {lame: {"untrusted_root": True}, away: {"offline": True}, early: {"clock_skew_s": -70_000_000}}}
    )
    try:
        rehearsal, _ = rehearse(site)
        findings = {s["device"]: s["finding"]["code"] for s in rehearsal["seats"] if s["finding"]}
        assert findings == {lame: "untrusted_root", early: "cert_not_yet_valid"}
        assert {s["device"] for s in rehearsal["seats"] if s["ready"] is None} == {away}
        errors = {(item["device"], item["code"]) for item in readiness(site)["items"] if item["severity"] == "error"}
        assert {(lame, "untrusted_root"), (away, "seat_no_answer"), (early, "clock_outside_validity")} <= errors
        assert {device for device, _ in errors} == {lame, away, early}
    finally:
        site.take_effect({})


def test_after_the_cutover_the_terminals_measure_what_it_became(site: DemoSite) -> None:
    end = site.rest(site.begin())
    assert end["state"] == "completed", end["reason"]

    def measured() -> Any:
        page = site.client.get(f"/sites/{site.facts['site']}/rehearsals")
        done = [r for r in page["items"] if r["after"] == end["id"] and r["state"] == "done"]
        return done[0] if done else None

    found = site.wait(measured, 60, "the terminals to measure")
    assert found["counts"] == {"ready": TERMINALS, "not_ready": 0, "no_answer": 0}
