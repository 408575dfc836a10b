"""The test member number that every proof asks for."""

import pytest

from fleet.models import Event, Role
from fleet.services.devices import sites
from fleet.services.errors import Forbidden, Invalid, NotFound
from tests.factories import NOW, make_club, make_user

pytestmark = pytest.mark.django_db


def test_an_admin_changes_it_and_it_is_noted_once():
    club, *_ = make_club(member="1001")
    for _ in range(2):
        sites.set_member(make_user(), club.pk, "T-7", NOW)
    club.refresh_from_db()
    assert club.member == "T-7"
    assert Event.objects.get(code="member_changed").text.endswith(": 1001, now T-7")


@pytest.mark.parametrize("member", ["", "x" * 33, "1 2", "1\n", "\u202e1", "\ud800"])
def test_what_is_no_number_is_refused(member):
    club, *_ = make_club(member="1001")
    with pytest.raises(Invalid, match=r"^member: "):
        sites.set_member(make_user(), club.pk, member, NOW)


def test_who_may_change_it():
    club, *_ = make_club()
    with pytest.raises(Forbidden):
        sites.set_member(make_user(role=Role.APPROVER), club.pk, "1", NOW)
    with pytest.raises(NotFound):
        sites.set_member(make_user(), 9999, "1", NOW)
