"""Other programs' reservations on the service's port, and a till made read-only a moment ago: found by a rehearsal now,
refused at arming while everybody is served, or moved and put back byte for byte."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.site import DemoSite
from tests.acceptance.test_rehearsal import readiness, rehearse

pytestmark = pytest.mark.lab

ACCOUNTS = "D:" + "".join(f"(A;;GX;;;S-1-5-21-1004336348-1177238915-682003330-{1000 + n})" for n in range(45))
EVERYONE = "D:(A;;GX;;;WD)"


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(2) as running:
        yield running


def tables(site: DemoSite) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((site.lab / "server/httpsys.json").read_bytes())
    return {name: sorted(rows, key=json.dumps) for name, rows in found.items()}


def plant(site: DemoSite, *rows: tuple[str, str]) -> dict[str, Any]:
    """These beside the service's own, and the tables as they are then."""
    path, port = site.lab / "server/httpsys.json", site.facts["netpos_port"]
    there = json.loads(path.read_bytes())
    own = [row for row in there["urlacl"] if row["url"] == f"http://+:{port}/" or f":{port}/" not in row["url"]]
    there["urlacl"] = [*own, *({"url": url.format(port=port), "sddl": sddl} for url, sddl in rows)]
    path.write_text(json.dumps(there))
    return tables(site)


def stops(site: DemoSite) -> int:
    return sum('"stop"' in line for line in (site.lab / "server/access.jsonl").read_text().splitlines())


def errors(site: DemoSite) -> set[tuple[str, str | None]]:
    return {(item["code"], item["device"]) for item in readiness(site)["items"] if item["severity"] == "error"}


def test_a_rehearsal_finds_what_changed_a_moment_ago(site: DemoSite) -> None:
    till = site.names[0]
    assert rehearse(site)[0]["state"] == "done"
    assert ("settings_not_writable", till) not in errors(site)
    site.take_effect({"terminals": {till: {"read_only_settings": True}}})
    rehearse(site)
    assert ("settings_not_writable", till) in errors(site)
    site.take_effect({})
    rehearse(site)
    assert errors(site) == set()


def test_a_reservation_that_cannot_move_is_named_and_the_service_runs_on(site: DemoSite) -> None:
    before, stopped = plant(site, ("http://+:{port}/menu=1/", EVERYONE)), stops(site)
    rehearse(site)
    assert {code for code, _ in errors(site)} == {"reservation_refused"}
    number = site.begin()
    assert site.rest(number)["state"] in ("rolled_back", "cancelled")
    assert (tables(site), stops(site)) == (before, stopped)
    reasons = [row["reason"] for row in site.client.get(f"/cutovers/{number}/transitions")["items"]]
    assert [reason for reason in reasons if "/menu=1/ could not be moved and brought back" in reason], reasons
    assert site.all_ok("http")


def test_what_can_move_moves_and_comes_back_byte_for_byte(site: DemoSite) -> None:
    port = site.facts["netpos_port"]
    planted = (("http://+:{port}/menu{{7C21}}/", EVERYONE), ("http://till_1:{port}/Küche und Bar/", ACCOUNTS))
    before = plant(site, *planted)
    number = site.begin()
    assert site.rest(number)["state"] == "completed"
    urls = {row["url"] for row in tables(site)["urlacl"] if f":{port}/" in row["url"]}
    assert urls == {f"https://+:{port}/", f"https://+:{port}/menu{{7C21}}/", f"https://till_1:{port}/Küche und Bar/"}
    site.client.post(f"/cutovers/{number}/roll_back")
    site.wait(lambda: (now := site.cutover(number)) and now["state"] == "rolled_back", 90, "the rollback to end")
    assert tables(site) == before
