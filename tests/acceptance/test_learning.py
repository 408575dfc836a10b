"""From a terminal that is pointed at an agent to a probe profile in use, over REST, with real agents, gateway and worker."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from agents.lab.dialects import named
from agents.probes import validator
from fleet.management.demo.client import ApiError
from tests.acceptance.learning import pointed_at, refresh_interface_list, settings_of
from tests.acceptance.site import DemoSite

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", params=["rest", "soap"])
def site(request: pytest.FixtureRequest) -> Iterator[DemoSite]:
    """Without the probe profile that a demo begins with."""
    with DemoSite(2, dialect=request.param) as running:
        running.client.delete(f"/sites/{running.facts['site']}/probe")
        yield running


def devices(site: DemoSite) -> dict[str, int]:
    """Ids by name, once every agent is in contact."""

    def all_here() -> dict[str, int] | None:
        items = [*site.client.get("/servers")["items"], *site.client.get("/terminals")["items"]]
        here = all(item["agent"] and item["agent"]["connected"] and item["scheme"] for item in items)
        return {item["name"]: item["id"] for item in items} if here else None

    return site.wait(all_here, 60, "every agent to be in contact")


def ask(site: DemoSite, **body: Any) -> int:
    return int(site.client.post(f"/sites/{site.facts['site']}/inquiries", body)["id"])


def follow(site: DemoSite, number: int, what: str, done: Any) -> dict[str, Any]:
    """The inquiry, once this is true of it."""

    def now() -> dict[str, Any] | None:
        found = site.client.get(f"/inquiries/{number}")
        assert found["finding"] is None, found["finding"]
        return found if done(found) else None

    return site.wait(now, 30, what)


@pytest.mark.parametrize("listener", ["terminal", "server"])
def test_a_terminal_is_learnt_from_and_its_profile_is_used(site: DemoSite, listener: str) -> None:
    ids, name = devices(site), site.names[0]
    settings = settings_of(site, name)
    before = settings.read_bytes()
    device = ids[name] if listener == "terminal" else site.facts["server"]
    number = ask(site, action="record", device=device, terminal=ids[name], seconds=120)
    port = follow(site, number, "the agent to listen", lambda found: found["recorded"]["port"])["recorded"]["port"]
    with pointed_at(settings, "127.0.0.1", port):
        # The running terminal looks members up by itself, about twice a second.
        follow(site, number, "two lookups to be seen", lambda found: found["recorded"]["count"] >= 3)
        refresh_interface_list(site, name, port)
    site.client.post(f"/inquiries/{number}/stop")
    recorded = follow(site, number, "the end", lambda found: found["done"])["recorded"]
    assert all(one["status"] == 200 for one in recorded["exchanges"])
    assert recorded["left"] is False
    proposal = recorded["proposal"]
    assert proposal["missing"] == []
    assert any("differed in this number only" in row["reason"] for row in proposal["reasons"])
    shipped = named.of(site.dialect).profile()
    assert validator.parse(proposal["text"].encode()).profile == validator.parse(shipped.encode()).profile
    assert settings.read_bytes() == before

    tried = {who: ask(site, action="check", device=pk, probe=proposal["text"]) for who, pk in ids.items()}
    for who, inquiry in tried.items():
        (checked,) = follow(site, inquiry, f"{who} to try it", lambda found: found["done"])["checked"]
        assert (checked["good"], checked["proof"], checked["scheme"]) == (True, "application", "http"), who
    used = site.client.put(f"/sites/{site.facts['site']}/probe", {"text": proposal["text"]})
    assert (used["proof"], used["text"]) == ("application", proposal["text"])


def test_what_the_server_needs_is_found_and_a_stranger_is_not_confirmed(site: DemoSite) -> None:
    devices(site)
    number = ask(site, action="find", device=site.facts["server"])
    found = follow(site, number, "the server to look", lambda one: one["done"])["found"]
    assert [one["field"] for one in found] == ["service", "monitor", "settings", "port", "reservation"]
    port = str(site.facts["netpos_port"])
    assert [one["value"] for one in found if one["field"] in ("service", "monitor", "port")] == [
        "NetPOSNet", "SwiftPOSServicesMonitor", port,
    ]  # fmt: skip
    assert re.search(r"/server/NetPOSSettings\.xml$", found[2]["value"])
    assert port in found[4]["value"]
    with pytest.raises(ApiError, match="was not found by this device"):
        ask(site, action="adopt", device=site.facts["server"], settings=[{"field": "service", "value": "Spooler"}])
    assert not (site.lab / "server" / "found.toml").exists()
