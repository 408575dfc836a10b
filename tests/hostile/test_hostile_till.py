"""One till of the site lies, with the real identity of its agent, over real TLS. Nothing of that may hurt the others.

TILLWAY_HOSTILE=each tries every behaviour in a night of its own (some minutes); `make test` combines them."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.acceptance.site import DemoSite
from tests.faults.hostile.behaviours import BY_NAME, CLONE
from tests.faults.hostile.impostor import Impostor, taken
from tests.faults.hostile.noise import MARK
from tests.hostile.person import Person
from tests.hostile.scenario import Scenario, longest_silence

pytestmark = pytest.mark.lab

HONEST = 5
SLACK_S = 5.0  # beyond twice the ordinary: a machine that other tests run on
MAY_GROW = 10 * 1024 * 1024
CLONE_FOUND_S = 30.0
LONGEST_MS = 600_000  # of an outage: no night here is longer
FEW = 10  # turns of a night
MANY = 1_000_000  # instructions, or reports, of one agent in the life of this site

NUMBERS = (
    "hello_epoch_before_start", "hello_epoch_max", "hello_seq_max", "hello_odd_numbers", "hello_far_ahead", "forged_proofs",
    "step_took_huge", "at_ms_huge", "foreign_reports", "odd_numbers", "last_report",
)  # fmt: skip
NOISE = ("flood", "flood_inventory", "garbage", "silent_connect")
LIARS = ("done_without_doing", "done_with_forged_evidence", "says_https_inventory_says_http", "flip_flop")
OTHERS = ("refuses_everything", "undo_failed_always", "fails", "says_nothing")
# lies_in_everything is what docs/reliability.md says that a till can still fake.
ALONE = tuple((name,) for name in (*NUMBERS, *NOISE, *LIARS, *OTHERS))
TOGETHER = (NUMBERS, NOISE)
EACH = os.environ.get("TILLWAY_HOSTILE") == "each"
POSTGRES = os.environ.get("DATABASE_URL", "").startswith("postgres")


def test_every_behaviour_is_tried():
    assert {*NUMBERS, *NOISE, *LIARS, *OTHERS, CLONE, "lies_in_everything"} == set(BY_NAME)


@dataclass
class House:
    """The site, and how long its tills are without an answer when a canary does not trust the certificate."""

    site: DemoSite
    ordinary_s: float = 0.0
    clean: bool = False

    def ready(self) -> DemoSite:
        """The site as it was in the beginning; anew, where a night before left it otherwise."""
        if not self.clean:
            self.site.stop()
            self.site.start()
            self.ordinary_s = self._ordinary_rollback()
        self.clean = False
        return self.site

    def judge(self, scenario: Scenario) -> None:
        """What must hold whatever a till does."""
        assert scenario.end["state"] in ("completed", "rolled_back", "needs_person"), scenario.end
        if scenario.end["state"] == "completed":
            states = {name: scenario.run_of(name)["state"] for name in scenario.honest}
            assert set(states.values()) == {"verified"}, states
        assert scenario.bad == []
        for key in ("outage_ms", "cut_off_ms"):
            told = [run[key] for run in scenario.end["device_runs"] if run.get(key) is not None]
            assert all(0 <= ms < LONGEST_MS for ms in told), scenario.end
        bound = 2 * self.ordinary_s + SLACK_S
        assert max(scenario.down.values()) <= bound, (scenario.down, self.ordinary_s)
        assert scenario.grown < MAY_GROW
        assert scenario.epochs < FEW
        assert scenario.counted < MANY
        assert scenario.warning is None
        assert "Traceback" not in scenario.logs, scenario.logs[-3000:]
        self.clean = True

    def _ordinary_rollback(self) -> float:
        site, since = self.site, time.time()
        canary = site.names[0]
        site.take_effect({"terminals": {canary: {"untrusted_root": True}}})
        end = site.rest(site.begin())
        site.take_effect({})
        assert end["state"] == "rolled_back", end
        site.wait(lambda: site.all_ok("http"), 30, "every till to be served over http again")
        return max(longest_silence(site, name, since) for name in site.names[1:])


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    terminals = HONEST + (1 if EACH or POSTGRES else len(LIARS))
    with DemoSite(terminals, postgres=os.environ["DATABASE_URL"] if POSTGRES else None) as site:
        house = House(site)
        house.ordinary_s = house._ordinary_rollback()
        house.clean = True
        yield house


@pytest.mark.parametrize("behaviours", ALONE if EACH else TOGETHER, ids="+".join)
def test_what_one_till_says_and_does_costs_the_others_nothing(house: House, behaviours: Sequence[str]) -> None:
    site = house.ready()
    scenario = Scenario(site, {site.names[2]: behaviours}, {"waves": [{"percent": 100, "max_failed": 1}]})
    scenario.run()
    house.judge(scenario)
    if "garbage" in behaviours:
        _nothing_unescaped(scenario.logs)


@pytest.mark.skipif(EACH or POSTGRES, reason="each in a night of its own, or on SQLite")
def test_who_says_done_without_doing_is_not_verified(house: House) -> None:
    site = house.ready()
    liars = {name: [behaviour] for name, behaviour in zip(site.names[1:], LIARS, strict=False)}
    scenario = Scenario(site, liars, {"waves": [{"percent": 100, "max_failed": len(LIARS)}]})
    scenario.run()
    house.judge(scenario)


@pytest.mark.skipif(POSTGRES, reason="on SQLite")
@pytest.mark.parametrize(("behaviour", "end"), [("fails", "rolled_back"), ("refuses_everything", "needs_person")])
def test_a_canary_that_does_not_go_is_the_cause_by_name(house: House, behaviour: str, end: str) -> None:
    """Who refuses everything also refuses to undo what it never did, so a person has to look at it."""
    site = house.ready()
    canary = site.names[0]
    scenario = Scenario(site, {canary: [behaviour]})
    scenario.run()
    house.judge(scenario)
    assert scenario.end["state"] == end
    assert scenario.end["cause"]["devices"] == [canary]
    assert scenario.end["cause"]["code"]


def test_after_all_of_it_an_ordinary_night_goes_well(house: House) -> None:
    site = house.ready()
    scenario = Scenario(site, {})
    scenario.run()
    house.judge(scenario)
    assert scenario.end["state"] == "completed"
    assert scenario.end["counts"] == {"verified": len(site.names)}


def test_two_programs_with_one_identity_are_both_cut_off(house: House) -> None:
    site = house.ready()
    name = site.names[2]
    person = Person(site)

    def found() -> bool:
        alarms = [item for item in person.attention() if item["code"] == "identity_used_twice"]
        return [item["device"] for item in alarms] == [name]

    with taken([Impostor(site, name, [CLONE])]):
        site.wait(found, CLONE_FOUND_S, "the second program to be found")
        device = next(item for item in person.rest("GET", f"/terminals?q={name}").data["items"] if item["name"] == name)
        site.wait(lambda: not _connected(person, device["id"]), 5, "both to be cut off")
        assert "identity_used_twice" in person.page("/audit/").text
        end = site.rest(site.begin())
    assert end["state"] == "completed", end
    assert end["counts"] == {"verified": len(site.names) - 1, "late": 1}
    assert not _connected(person, device["id"]), "whoever is left of the two is not let in again by itself"


def _connected(person: Person, device: int) -> bool:
    return bool(person.rest("GET", f"/terminals/{device}").data["agent"]["connected"])


def _nothing_unescaped(logs: str) -> None:
    """No byte of a stranger reaches a log as it is, and no more than 200 of them."""
    odd = {character for character in logs if not character.isprintable() and character != "\n"}
    assert not odd, [line for line in logs.splitlines() if odd & set(line)][:3]
    lines = [line for line in logs.splitlines() if MARK in line]
    assert all(len(line) < 400 for line in lines), max(lines, key=len)[:600]
