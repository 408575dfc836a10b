"""Many at once: a guarded update and one constraint let exactly one win."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from fleet.models import Cutover
from fleet.services import actions, sweeps
from fleet.services.errors import Conflict
from tests.factories import NOW, make_club
from tests.services.fleet_sim import SimFleet

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8


def together(function):
    """function(i) in many threads that begin at the same moment; what each returned or raised."""
    barrier = threading.Barrier(AT_ONCE)

    def run(i):
        try:
            barrier.wait()
            return function(i)
        except Conflict as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def test_of_many_starts_of_different_cutovers_exactly_one_wins():
    site, _, _ = make_club(2)
    fleet = SimFleet.of(site)
    drafts = [fleet.plan() for _ in range(AT_ONCE)]
    results = together(lambda i: actions.act(fleet.user, drafts[i].pk, "start", NOW))
    assert sum(not isinstance(r, Conflict) for r in results) == 1
    assert Cutover.objects.exclude(state="draft").count() == 1


def test_of_many_starts_of_one_cutover_exactly_one_wins():
    site, _, _ = make_club(2)
    fleet = SimFleet.of(site)
    draft = fleet.plan()
    results = together(lambda i: actions.act(fleet.user, draft.pk, "start", NOW))
    assert sum(not isinstance(r, Conflict) for r in results) == 1
    assert draft.transitions.filter(new="scheduled").count() == 1


def test_many_ticks_at_once_open_a_window_once():
    site, _, _ = make_club(2)
    fleet = SimFleet.of(site)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    Cutover.objects.filter(pk=cutover.pk).update(state="scheduled")
    cutover.transitions.all().delete()
    together(lambda i: sweeps.tick(NOW))
    assert cutover.transitions.filter(new="arming").count() == 1


def test_many_dispatches_of_one_chunk_write_each_instruction_once():
    site, _, _ = make_club(4)
    fleet = SimFleet.of(site)
    cutover = fleet.plan()
    _, after = actions.act(fleet.user, cutover.pk, "start", NOW)
    together(lambda i: fleet.follow(after))
    assert cutover.instructions.count() == 5
