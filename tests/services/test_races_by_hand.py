"""Many persons at once: one answer counts, and a rollback at the same moment is never taken for what was answered."""

from fleet.services.cutovers import by_hand
from fleet.services.errors import Conflict
from tests.factories import make_device
from tests.services.fleet_sim import check_chain, dump, states
from tests.services.test_races import ROUNDS, THREADS, club, pool, presses, pytestmark, together, user, won

__all__ = ["pool", "pytestmark", "user"]  # fixtures


def waiting(user):
    """Z1 waits for a person; the other terminals are done."""
    fleet = club(user)
    make_device(fleet.site, name="Z1", agent=False)
    cutover = fleet.plan(on_threshold="pause")
    fleet.act(cutover, "start")
    fleet.work()
    assert states(cutover)["Z1"] == "switching", dump(cutover)
    return fleet, cutover


def answers(fleet, cutover, result, scheme):
    return lambda: by_hand.answer(fleet.user, cutover.pk, "Z1", result, fleet.now, scheme=scheme)


def test_many_done_at_once_verify_once(user, pool):
    for _ in range(ROUNDS):
        fleet, cutover = waiting(user)
        results = together(pool, *[answers(fleet, cutover, "done", "https")] * THREADS)
        assert won(results) == THREADS
        assert cutover.transitions.filter(new="verified", device_name="Z1").count() == 1
        check_chain(cutover)


def test_done_and_a_rollback_at_once_leave_no_terminal_behind(user, pool):
    for _ in range(ROUNDS):
        fleet, cutover = waiting(user)
        rolled, *done = together(
            pool, presses(fleet, cutover, "roll_back", fleet.now), *[answers(fleet, cutover, "done", "https")] * 4
        )
        assert not isinstance(rolled, Conflict)
        assert all("turned around" in str(r) for r in done if isinstance(r, Conflict))
        fleet.work()
        assert states(cutover)["Z1"] == "undoing", dump(cutover)
        fleet.follow(answers(fleet, cutover, "done", "http")())
        fleet.work()
        cutover.refresh_from_db()
        assert cutover.state == "rolled_back", dump(cutover)
        check_chain(cutover)
