"""The price of HTTPS: the interval holds what it promises, and nothing is claimed where nothing is."""

import random
from typing import Any

import pytest

from agents.protocol import LOOKUP_KINDS
from fleet.device_facts.facts import CheckFacts, ListenerFacts
from fleet.device_facts.parse import parse_check, parse_listener
from fleet.preflight.cost.measured import FEWEST, WAYS, Asked, Cost, cost_of, load_of
from fleet.preflight.cost.quantiles import Estimate, estimate, quantile
from fleet.preflight.site.advice import Answers, advise

SEEDS = 200
TILLS, ROUNDS = 30, 8
_BASES = [random.Random(1).uniform(2, 12) for _ in range(TILLS)]


def measurements(seed: int, added: float, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Tills that are unlike each other: each with its own usual time, some spread, and now and then a long wait."""
    rng = random.Random(seed)

    def once(kind: str, base: float) -> float:
        wait = rng.expovariate(1 / 20) if rng.random() < 0.04 else 0.0
        return (
            base * rng.lognormvariate(0, 0.3) + wait + 0.4 * (not kind.startswith("http_")) + added * kind.startswith("https")
        )

    return [{"samples": {kind: [once(kind, base) for _ in range(rounds)] for kind in LOOKUP_KINDS}} for base in _BASES]


def cost(given: list[dict[str, Any]], server: Any = None) -> Cost:
    """Their price, which there is."""
    found = cost_of([Asked(f"T{number}", 1, parse_check(facts)) for number, facts in enumerate(given)], parse_listener(server))
    assert found is not None
    return found


def test_what_is_measured_afterwards_lies_in_the_interval_on_nine_of_ten_nights() -> None:
    inside = 0
    for seed in range(SEEDS):
        before, after = cost(measurements(seed, 3.0)), cost(measurements(seed + 5000, 3.0))
        change = before.changes[0]
        real, live = after.kind("https_new").p95, before.kind("http_new").p95
        assert real is not None
        assert live is not None
        assert change.p95.low is not None
        assert change.p95.high is not None
        inside += change.p95.low <= real - live <= change.p95.high
    assert inside >= 0.9 * SEEDS


def test_http_against_http_claims_a_difference_on_five_nights_of_a_hundred_at_most() -> None:
    claimed = sum(any(change.told_apart for change in cost(measurements(seed, 0.0)).changes) for seed in range(SEEDS))
    assert claimed <= 0.05 * SEEDS


def test_three_milliseconds_more_are_noticed() -> None:
    assert sum(cost(measurements(seed, 3.0)).changes[0].told_apart for seed in range(50)) >= 45


def test_the_listeners_own_way_does_not_count() -> None:
    given = [{"samples": {"http_new": [10.0] * 100, "plain_new": [14.0] * 100, "https_new": [16.0] * 100}}]
    (change,) = cost(given).changes
    assert (change.way, change.p95.value, change.live_p95, change.predicted.value) == ("new", 2.0, 10.0, 12.0)
    assert (change.p95.low, change.p95.high, change.told_apart) == (2.0, 2.0, True)


def test_few_measurements_have_no_upper_limit_and_say_so() -> None:
    few = cost([{"samples": {kind: [1.0 + n for n in range(FEWEST - 1)] for kind in LOOKUP_KINDS}}])
    assert not few.enough
    assert {change.p95.high for change in few.changes} == {None}
    enough = cost([{"samples": {kind: [1.0 + n for n in range(FEWEST)] for kind in LOOKUP_KINDS}}])
    assert enough.enough
    assert all(change.p95.high is not None for change in enough.changes)


def test_a_terminal_counts_once_however_often_it_measured() -> None:
    facts = parse_check({"samples": {kind: [5.0] for kind in LOOKUP_KINDS}})
    asked = [Asked(f"T{till}", run, facts) for run in range(2) for till in range(24)]
    found = cost_of([*asked, Asked("T99", 7, CheckFacts())], ListenerFacts())
    assert found is not None
    assert (found.terminals, found.runs, found.kind("http_new").count) == (24, 2, 48)


def test_an_interval_that_holds_zero_is_never_called_a_difference_of_the_slow_lookups() -> None:
    """The typical lookup takes 3 ms more, and now and then one takes so long that p95 says nothing."""
    wild = {
        kind: [5.0 + 3.0 * kind.startswith("https") + (place % 9 == 0) * 40.0 * (place % 4) for place in range(120)]
        for kind in LOOKUP_KINDS
    }
    change = cost([{"samples": wild}]).changes[0]
    assert (change.p95.holds_zero, change.typical_differs, change.slow_differs) == (True, True, False)
    for seed in range(50):
        for added in (0.0, 0.5, 3.0):
            for change in cost(measurements(seed, added, rounds=2)).changes:
                assert not (change.slow_differs and change.p95.holds_zero)


def test_every_way_is_told_when_it_was_measured() -> None:
    assert [change.way for change in cost(measurements(1, 1.0)).changes] == list(WAYS)
    assert cost_of([], ListenerFacts()) is None
    assert cost_of([Asked("T1", 1, parse_check({"samples": {}}))], ListenerFacts()) is None


def test_bytes_and_processor_time_make_a_day() -> None:
    sizes = {"http_new": 600, "http_kept": 500, "https_new": 4600, "https_kept": 560, "https_resumed": 1200}
    found = cost([{"samples": {"http_new": [1.0]}, "bytes": sizes}] * 3, {"cpu_ms": {"full": 2.5, "resumed": 0.5}})
    load = load_of(found, 1000, 12)
    assert load is not None
    assert (load.lookups, load.bytes_http, load.bytes_https) == (12_000, (6_000_000, 7_200_000), (6_720_000, 55_200_000))
    assert load.cpu_s == (0.0, 30.0)
    assert load_of(cost([{"samples": {"http_new": [1.0]}}]), 1000, 12) is None


def test_processor_time_that_nobody_measured_is_not_none_at_all() -> None:
    sizes = dict.fromkeys(LOOKUP_KINDS, 600)
    found = cost([{"samples": {"http_new": [1.0]}, "bytes": sizes}], {"port": 50001, "chain": []})
    assert (found.cpu_full_ms, found.cpu_resumed_ms) == (None, None)
    load = load_of(found, 1000, 12)
    assert load is not None
    assert (load.cpu_s, load.bytes_http) == (None, (7_200_000, 7_200_000))


@pytest.mark.parametrize("value", [None, "x", -1, True, 1e999, float("nan"), [], {}, 10**400, [["x"]], {"http_new": "x"}])
def test_what_agents_send_instead_of_numbers_is_passed_over(value: Any) -> None:
    good = {"samples": {kind: [5.0] for kind in LOOKUP_KINDS}}
    bad = [{"samples": value, "bytes": value}, {"samples": {"http_new": value, "https_new": [value]}}, value]
    assert cost([good, *bad], {"cpu_ms": value}).kind("https_new").count == 1


def test_a_till_cannot_outweigh_the_others() -> None:
    assert cost([{"samples": {"http_new": [1.0] * 10_000}}]).kind("http_new").count == 100


def test_a_quantile_is_a_measured_value() -> None:
    assert quantile([1.0], 0.95) == 1.0
    assert quantile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert quantile([float(n) for n in range(1, 101)], 0.5) == 50.0


def test_the_interval_of_a_quantile_holds_it_as_often_as_it_says() -> None:
    rng = random.Random(7)
    held = 0
    for _ in range(1000):
        found = estimate(sorted(rng.random() for _ in range(120)), 0.95, 0.05)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.95 <= found.high
    assert held >= 950 - 25


def test_limits_add_as_sides_of_a_right_angle() -> None:
    found = Estimate(10.0, 7.0, 13.0) - Estimate(4.0, 0.0, 8.0)
    assert (found.value, found.low, found.high) == (6.0, 1.0, 11.0)
    assert (Estimate(1.0, None, 2.0) + Estimate(1.0, 0.0, 2.0)).low is None


LAN = ["10.0.0.11", "10.0.0.12", "10.0.0.5"]
SAYS = {"needed": "HTTPS is needed", "advised": "HTTPS is advised", "optional": "The network does not require HTTPS"}


@pytest.mark.parametrize(
    ("answers", "addresses", "need", "reason"),
    [
        (Answers(same_lan=True, wifi_apart=True), LAN, "optional", "10.0.0.0/24"),
        (Answers(same_lan=True, wifi_apart=True), [*LAN, "192.168.7.4"], "optional", "2 private networks"),
        (Answers(same_lan=True), LAN, "needed", "Guests"),
        (Answers(vpn=True), LAN, "advised", "VPN"),
        (Answers(), LAN, "needed", "Others use the network"),
        (Answers(same_lan=True, wifi_apart=True), ["8.8.8.8", *LAN], "needed", "public addresses: 8.8.8.8"),
        (Answers(same_lan=True, wifi_apart=True), ["127.0.0.1", None, "x", "::1"], "optional", "No agent has reported"),
        (Answers(same_lan=True, wifi_apart=True), ["fd00::1", "::ffff:10.0.0.1"], "optional", "2 private networks"),
    ],
)
def test_the_advice_has_its_reasons(answers: Answers, addresses: list[str | None], need: str, reason: str) -> None:
    advice = advise(answers, addresses)
    assert advice.need == need
    assert reason in " ".join(advice.reasons)
    assert advice.says.startswith(SAYS[need])
