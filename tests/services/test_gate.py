"""No approval without a rehearsal that is young enough, with this certificate, and good for everybody who takes part."""

import datetime as dt
from typing import Any

import pytest

from fleet.models import Cutover, Rehearsal, TerminalCheck
from fleet.services.cutovers import actions
from fleet.services.errors import Conflict
from tests.factories import NOW, make_club, make_cutover, make_device, make_user

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
BAD = {"code": "untrusted_root", "message": "m", "remedy": "r"}


def planned(terminals: int = 2, hours: int | None = 72, **changes: Any) -> Cutover:
    club, *_ = make_club(terminals, rehearsal_hours=hours)
    return make_cutover(club, **changes)


def rehearse(cutover: Cutover, at: dt.datetime = NOW - HOUR, **changes: Any) -> Rehearsal:
    values = {"thumbprint": "AB" * 20, "state": "done", "finished_at": at, "deadline_at": at} | changes
    rehearsal = Rehearsal.objects.create(site=cutover.site, **values)
    facts = {"thumbprint": "AB" * 20}
    seats = [TerminalCheck(rehearsal=rehearsal, device=d, answered_at=at, facts=facts) for d in cutover.site.devices.all()]
    TerminalCheck.objects.bulk_create(seats)
    return rehearsal


def start(cutover: Cutover) -> str:
    actions.act(make_user(), cutover.pk, "start", NOW)
    return Cutover.objects.get(pk=cutover.pk).state


def test_a_site_without_this_policy_asks_for_none() -> None:
    assert start(planned(hours=None)) == "arming"


def test_a_good_young_rehearsal_opens_the_gate() -> None:
    cutover = planned()
    rehearse(cutover)
    assert start(cutover) == "arming"


def test_none_at_all() -> None:
    with pytest.raises(Conflict, match="no terminal has tried"):
        start(planned())


def test_one_that_failed_or_goes_on_does_not_count() -> None:
    cutover = planned()
    rehearse(cutover, state="failed")
    rehearse(cutover, state="asking")
    with pytest.raises(Conflict, match="no terminal has tried"):
        start(cutover)


@pytest.mark.parametrize(("age", "good"), [(72, True), (73, False)])
def test_its_age_counts(age: int, good: bool) -> None:
    cutover = planned()
    rehearse(cutover, NOW - age * HOUR)
    if good:
        assert start(cutover) == "arming"
    else:
        with pytest.raises(Conflict, match="73 h"):
            start(cutover)


def test_its_certificate_counts() -> None:
    cutover = planned()
    rehearse(cutover, thumbprint="CD" * 20)
    with pytest.raises(Conflict, match="the rehearsal used CDCD"):
        start(cutover)


@pytest.mark.parametrize("seat", [{"finding": BAD}, {"answered_at": None}])
def test_a_terminal_that_is_not_ready_is_named_and_may_be_excluded(seat: dict[str, Any]) -> None:
    cutover = planned()
    rehearse(cutover).checks.filter(device__name="T02").update(**seat)
    with pytest.raises(Conflict, match="not ready: T02"):
        start(cutover)
    Cutover.objects.filter(pk=cutover.pk).update(exclude=["T02"])
    assert start(cutover) == "arming"


def test_a_terminal_that_was_added_since_is_not_ready() -> None:
    cutover = planned()
    rehearse(cutover)
    make_device(cutover.site, name="New till")
    with pytest.raises(Conflict, match="New till"):
        start(cutover)


def test_many_are_counted_not_listed() -> None:
    cutover = planned(9)
    rehearse(cutover).checks.update(finding=BAD)
    with pytest.raises(Conflict, match="T01: m; T02: m; T03: m; T04: m; T05: m and 4 more"):
        start(cutover)


def test_approving_asks_the_same() -> None:
    cutover = planned(state="submitted")
    with pytest.raises(Conflict, match="no terminal has tried"):
        actions.act(make_user(), cutover.pk, "approve", NOW)


def test_the_way_back_and_the_rest_of_a_site_need_none() -> None:
    back = planned(from_scheme="https", to_scheme="http")
    back.site.devices.update(scheme="https")
    assert start(back) == "arming"
    rest = planned()
    rest.site.devices.filter(kind="server").update(scheme="https")
    assert start(rest) == "arming"
