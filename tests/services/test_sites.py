"""What a site asks of rehearsals."""

from typing import Any

import pytest

from fleet.models import Role
from fleet.services.devices import sites
from fleet.services.errors import Forbidden, Invalid, NotFound
from tests.factories import make_site, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("hours", "every"), [(None, 0), (1, 1), (sites.MOST_HOURS, sites.MOST_HOURS)])
def test_it_is_kept(hours: int | None, every: int) -> None:
    site = make_site()
    sites.set_policy(make_user(), site.pk, rehearsal_hours=hours, rehearse_every_hours=every)
    site.refresh_from_db()
    assert (site.rehearsal_hours, site.rehearse_every_hours) == (hours, every)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"rehearsal_hours": 0}, ["rehearsal_hours"]),
        ({"rehearse_every_hours": -1}, ["rehearse_every_hours"]),
        ({"rehearsal_hours": 10**9, "rehearse_every_hours": 10**9}, ["rehearsal_hours", "rehearse_every_hours"]),
    ],
)
def test_every_wrong_field_is_named_and_nothing_is_kept(changes: dict[str, Any], fields: list[str]) -> None:
    site = make_site(rehearsal_hours=72)
    with pytest.raises(Invalid) as caught:
        sites.set_policy(make_user(), site.pk, **{"rehearsal_hours": 5, "rehearse_every_hours": 5} | changes)
    assert [field for field, _ in caught.value.errors] == fields
    site.refresh_from_db()
    assert (site.rehearsal_hours, site.rehearse_every_hours) == (72, 0)


def test_only_an_admin_and_only_a_site_that_is_there() -> None:
    site = make_site()
    with pytest.raises(Forbidden):
        sites.set_policy(make_user(role=Role.APPROVER), site.pk, rehearsal_hours=1, rehearse_every_hours=0)
    with pytest.raises(NotFound):
        sites.set_policy(make_user(), 999_999, rehearsal_hours=1, rehearse_every_hours=0)
