"""Every behaviour by name. One program may have several; of those with an answer, the last one counts."""

from tests.faults.hostile import hellos, manners, noise, numbers
from tests.faults.hostile.hellos import HUGE, number, proof
from tests.faults.hostile.till import Behaviour, Response
from tests.faults.hostile.voice import Words


def _https(facts: Words) -> Words:
    return {**facts, "scheme": "https"}


_ALL = (
    # In its first message: how far the dashboard's database must be.
    Behaviour("hello_epoch_before_start", "an epoch that poisons what is signed later", (number("epoch", HUGE - 1),)),
    Behaviour("hello_epoch_max", "in the outage: an epoch beyond which nobody can count", (number("epoch", HUGE),), late=True),
    Behaviour("hello_seq_max", "a sequence number beyond which nobody can count", (number("seq", HUGE),)),
    Behaviour(
        "hello_odd_numbers",
        "numbers that are none",
        tuple(number(field, value) for field in ("epoch", "version") for value in (-1, 2**63, 2**200, "7", True, None, 1e308)),
    ),
    Behaviour("hello_far_ahead", "small enough to be counted", (number("epoch", 10**9), number("seq", 10**9))),
    Behaviour(
        "forged_proofs",
        "instructions as proof that the dashboard never gave it",
        tuple(map(proof, (hellos.own_key, hellos.device_key, hellos.of_another, hellos.altered, hellos.no_instruction))),
    ),
    # Reports that nobody asked for.
    Behaviour("step_took_huge", "steps that took thirty thousand years", attack=numbers.step_took_huge),
    Behaviour("at_ms_huge", "times beyond the end of time", attack=numbers.at_ms_huge, answer=manners.done_far_away),
    Behaviour("foreign_reports", "it speaks for others and of other cutovers", attack=numbers.foreign_reports),
    Behaviour("odd_numbers", "what JSON allows and no column holds", attack=numbers.odd_numbers),
    Behaviour("last_report", "the last number that a report can have", attack=numbers.last_report),
    # Too much.
    Behaviour("flood", "20,000 reports with 40 MB of evidence", beside=noise.flood),
    Behaviour("flood_inventory", "the largest inventories, as many as go", attack=noise.flood_facts),
    Behaviour("garbage", "bytes, huge messages, deep JSON, codes that a terminal obeys", attack=noise.garbage),
    Behaviour("silent_connect", "many connections on which nothing is said", attack=noise.silent),
    # How it answers.
    Behaviour("fails", "it says that it cannot switch", answer=manners.fails),
    Behaviour("done_without_doing", "done, without a step", answer=manners.done_without_doing),
    Behaviour(
        "done_with_forged_evidence", "evidence that does not fit", answer=manners.done_with_forged_evidence, facts=_https
    ),
    Behaviour("says_https_inventory_says_http", "the best evidence, and an honest inventory", answer=manners.well_forged),
    Behaviour("lies_in_everything", "the best evidence, and an inventory that fits", answer=manners.well_forged, facts=_https),
    Behaviour("refuses_everything", "no instruction is good enough", answer=manners.refuses_everything),
    Behaviour("undo_failed_always", "it cannot go back", answer=manners.undo_failed_always),
    Behaviour("flip_flop", "verified, then as before, then verified …", answer=manners.flip_flop),
    Behaviour("says_nothing", "it is there and never answers", answer=manners.says_nothing),
    # Its honest agent goes on running.
    Behaviour("clone", "a second program with the same identity"),
)

BY_NAME: dict[str, Behaviour] = {behaviour.name: behaviour for behaviour in _ALL}
CLONE = "clone"
# Behaviours for random trials, where the honest agent comes back later. Not the clone: after it, a person must enrol the
# device again.
TRIED = tuple(name for name in BY_NAME if name != CLONE)


def manner(chosen: list[Behaviour]) -> Response:
    """How a program with these behaviours answers instructions. If none of them says it, it fails."""
    return next((b.answer for b in reversed(chosen) if b.answer), manners.fails)
