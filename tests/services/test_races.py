"""Many at once: a guarded update and one constraint let exactly one win.

make test plays 4 rounds with 10 threads; TILLWAY_ROUNDS=200 TILLWAY_THREADS=50 plays the whole of it."""

import datetime as dt
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from fleet.cutover.waves import Wave
from fleet.models import Cutover, DeviceRun
from fleet.services.cutovers import actions, reports, sweeps
from fleet.services.errors import Conflict
from tests.factories import NOW, make_club, make_user
from tests.services.fleet_sim import SimFleet, check_chain, dump, states

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("TILLWAY_ROUNDS", "4"))
THREADS = int(os.environ.get("TILLWAY_THREADS", "10"))
LATER = NOW + dt.timedelta(hours=2)


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def pool():
    """Threads that live for the whole test, each with its own connection."""
    with ThreadPoolExecutor(THREADS) as threads:
        yield threads
        barrier = threading.Barrier(THREADS)
        list(threads.map(lambda _: (barrier.wait(), connection.close()), range(THREADS)))


def together(pool, *functions):
    """Each of these in a thread of its own, all beginning at the same moment; what each returned, or its Conflict."""
    barrier = threading.Barrier(len(functions))

    def run(function):
        barrier.wait()
        try:
            return function()
        except Conflict as error:
            return error

    return list(pool.map(run, functions))


@transaction.atomic
def club(user, terminals=2):
    """A site of its own for one round."""
    site, _, _ = make_club(terminals)
    return SimFleet.of(site, user)


def presses(fleet, cutover, verb, now=NOW):
    """A person who presses a button, to be called in a thread."""
    return lambda: actions.act(fleet.user, cutover.pk, verb, now)


def arrive(fleet, batches):
    """Each batch of reports, to be delivered in a thread of its own."""
    return [lambda batch=batch: reports.take(batch, fleet.now) for batch in batches]


def won(results):
    """How many were let through."""
    return sum(not isinstance(r, Conflict) for r in results)


@transaction.atomic
def in_the_middle(user):
    """A cutover whose server and terminals are all told to switch, and what they are about to report."""
    fleet = club(user, 3)
    cutover = fleet.plan(waves=[Wave(percent=100)])
    fleet.act(cutover, "start")
    for name in ("netpos", "T01", "T02", "T03", "netpos"):
        fleet.serve(fleet[name].device.agent.pk)
        fleet.tick()
    deliver, on_the_way = fleet.deliver, []
    fleet.deliver = on_the_way.append
    for agent in fleet.agents:
        fleet.serve(agent)
    fleet.deliver = deliver
    assert len(on_the_way) == 3, dump(cutover)
    return fleet, cutover, on_the_way


@transaction.atomic
def work(fleet):
    """Everybody ends what there is to do, in one commit."""
    fleet.work()


def ends_rolled_back(fleet, cutover):
    """Whoever was first, the site is as before."""
    work(fleet)
    check_chain(cutover)
    assert cutover.state == "rolled_back", dump(cutover)
    assert {a.scheme for a in fleet.agents.values()} == {"http"}


def test_of_many_starts_of_different_cutovers_exactly_one_wins(user, pool):
    for _ in range(ROUNDS):
        fleet = club(user)
        drafts = [fleet.plan() for _ in range(THREADS)]
        assert won(together(pool, *(presses(fleet, d, "start") for d in drafts))) == 1
        assert Cutover.objects.filter(site=fleet.site).exclude(state="draft").count() == 1
        assert DeviceRun.objects.filter(cutover__site=fleet.site).count() == 3


def test_of_many_starts_of_one_cutover_exactly_one_wins(user, pool):
    for _ in range(ROUNDS):
        fleet = club(user)
        draft = fleet.plan()
        assert won(together(pool, *[presses(fleet, draft, "start")] * THREADS)) == 1
        assert draft.transitions.filter(new="scheduled").count() == 1
        assert draft.runs.count() == 3
        check_chain(draft)


def test_many_ticks_at_once_open_a_window_once(user, pool):
    fleet = club(user)
    cutover = fleet.plan(starts_at=LATER)
    fleet.act(cutover, "start")
    results = together(pool, *[lambda: sweeps.tick(LATER)] * THREADS)
    assert cutover.transitions.filter(new="arming").count() == 1
    assert sum(len(after.dispatch) for after in results) >= 1
    check_chain(cutover)


def test_many_dispatches_of_one_chunk_write_each_instruction_once(user, pool):
    fleet = club(user, 4)
    cutover = fleet.plan()
    after = actions.act(user, cutover.pk, "start", NOW)
    together(pool, *[lambda: fleet.follow(after)] * THREADS)
    assert cutover.instructions.count() == 5


def test_many_deliveries_of_the_same_reports_at_once_have_one_effect(user, pool):
    fleet, cutover, on_the_way = in_the_middle(user)
    everything = [pair for batch in on_the_way for pair in batch]
    together(pool, *[lambda: reports.take(everything, fleet.now)] * THREADS)
    assert cutover.transitions.filter(new="verified", run__kind="terminal").count() == 3, dump(cutover)
    work(fleet)
    check_chain(cutover)
    assert cutover.state == "completed", dump(cutover)


def test_a_rollback_among_reports_leaves_the_site_as_before(user, pool):
    for _ in range(ROUNDS):
        fleet, cutover, on_the_way = in_the_middle(user)
        results = together(pool, presses(fleet, cutover, "roll_back", fleet.now), *arrive(fleet, on_the_way))
        assert won(results) == len(results)
        ends_rolled_back(fleet, cutover)


def test_a_pause_among_ticks_and_reports_pauses_and_what_was_under_way_ends(user, pool):
    for _ in range(ROUNDS):
        fleet, cutover, on_the_way = in_the_middle(user)
        ticks = [lambda now=fleet.now: sweeps.tick(now)] * 4
        functions = [presses(fleet, cutover, "pause", fleet.now), *ticks, *arrive(fleet, on_the_way)]
        paused = won(together(pool, *functions)[:1])
        work(fleet)
        cutover.refresh_from_db()
        check_chain(cutover)
        # All of the reports may have been in before the button was: then there was nothing left to pause.
        assert cutover.state == ("paused" if paused else "completed"), dump(cutover)
        assert cutover.runs.filter(kind="terminal", state="verified").count() == 3, states(cutover)


def test_of_a_resume_and_a_rollback_at_once_the_rollback_always_happens(user, pool):
    for _ in range(ROUNDS):
        fleet, cutover, _ = in_the_middle(user)
        fleet.act(cutover, "pause")
        results = together(pool, presses(fleet, cutover, "resume", fleet.now), presses(fleet, cutover, "roll_back", fleet.now))
        assert not isinstance(results[1], Conflict)
        ends_rolled_back(fleet, cutover)


def test_of_a_cancel_and_an_opening_window_exactly_one_happens(user, pool):
    for _ in range(ROUNDS):
        fleet = club(user)
        cutover = fleet.plan(starts_at=LATER)
        fleet.act(cutover, "start")
        cancel, *_ = together(pool, presses(fleet, cutover, "cancel", LATER), *[lambda: sweeps.tick(LATER)] * 3)
        news = set(cutover.transitions.filter(run=None).values_list("new", flat=True))
        assert ("cancelled" in news) is not ("arming" in news), news
        assert isinstance(cancel, Conflict) is ("arming" in news)
        assert cutover.instructions.count() == 0
        check_chain(cutover)
