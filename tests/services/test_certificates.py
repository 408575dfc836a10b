"""The certificate that a plan would bind, from what the server's agent has told and what a rehearsal has shown."""

import datetime as dt

import pytest

from fleet.models import Device
from fleet.services import certificates
from tests.factories import NOW, certificate
from tests.preflight.test_own_errors import made, rsa
from tests.rehearsed import HOUR, make_rehearsed

pytestmark = pytest.mark.django_db
WINDOW = (NOW, NOW + HOUR)


def test_a_rehearsed_certificate_is_fit():
    club, rehearsal = make_rehearsed()
    for thumbprint in ("", rehearsal.thumbprint, rehearsal.thumbprint.lower()):
        assert certificates.why_unfit(club, thumbprint, WINDOW, NOW) is None


def test_a_rehearsal_shows_that_its_key_is_too_weak():
    club, rehearsal = make_rehearsed()
    row, pem = made(rsa.generate_private_key(65537, 1024))
    rehearsal.thumbprint, rehearsal.facts = row.thumbprint, rehearsal.facts | {"chain": [pem]}
    rehearsal.save()
    kept = certificate(thumbprint=row.thumbprint, not_after=(NOW + dt.timedelta(hours=2)).isoformat())
    Device.objects.filter(site=club, kind="server").update(facts={"certificates": [kept]})
    assert "1024 bits" in (certificates.why_unfit(club, row.thumbprint, WINDOW, NOW) or "")
    why = certificates.why_unfit(club, "", WINDOW, NOW) or ""
    assert why.startswith(f"is set to the newest valid one, and CN=netpos.club.example ({row.thumbprint[:8]}…) is not fit:")


@pytest.mark.parametrize("facts", [{}, [], {"certificates": None}, {"certificates": "none"}])
def test_nothing_known_is_nothing_wrong(facts):
    club, _ = make_rehearsed(1)
    Device.objects.filter(site=club, kind="server").update(facts=facts)
    assert certificates.why_unfit(club, "AB" * 20, WINDOW, NOW) is None


def test_a_site_without_a_server_has_no_store():
    club, _ = make_rehearsed(1)
    Device.objects.filter(site=club, kind="server").delete()
    assert certificates.why_unfit(club, "AB" * 20, WINDOW, NOW) is None
