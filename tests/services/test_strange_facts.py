"""Whatever JSON an agent sends as its facts: the services answer, or refuse with an error of their own."""

import contextlib
import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.models import Device, Rehearsal
from fleet.services import certificates
from fleet.services.attention import listing
from fleet.services.cutovers import second_lookup
from fleet.services.errors import ServiceError
from fleet.services.readiness import assess_site
from fleet.services.rehearsals import lifecycle, measured, probes
from tests.factories import NOW, make_club, make_cutover, make_run, make_user

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)

STRANGE: list[Any] = [
    {},
    [],
    "told",
    7,
    True,
    {"certificates": ["x"]},
    {"certificates": [[]]},
    {"certificates": 5},
    {"certificates": True},
    {"certificates": "none"},
    {"certificates": {"thumbprint": "AB" * 20}},
    {"certificates": [{"thumbprint": {}, "names": 5, "not_after": []}]},
    {
        "certificates": [
            {"thumbprint": "AB" * 20, "names": [None, 7], "has_key": True, "not_after": "9999-12-31T23:59:59-23:59"}
        ]
    },
    {"scheme": ["http"], "host": 7, "port": "x", "seen": [1], "chain": 5, "samples": [], "services": [3], "peers": {"a": 1}},
    {"scheme": {}, "seen": {"T01": 5}, "samples": {"https_new": "x"}, "chain": [5, "x"], "cpu_ms": 5, "service": 7},
]


@pytest.mark.parametrize("facts", STRANGE, ids=str)
def test_no_reader_of_a_devices_facts_fails(facts: Any) -> None:
    club, server, _ = make_club(1)
    Device.objects.update(facts=facts, inventory_at=NOW)
    server.refresh_from_db()
    assess_site(club, NOW)
    certificates.why_unfit(club, "AB" * 20, (NOW, NOW + HOUR), NOW)
    with contextlib.suppress(ServiceError):
        certificates.newest(server, NOW)
    Device.objects.filter(pk=server.pk).update(scheme="https")
    listing.of(make_user(), NOW)


@pytest.mark.parametrize("facts", STRANGE, ids=str)
def test_a_rehearsal_of_a_named_certificate_begins_or_is_refused(facts: Any) -> None:
    club, server, _ = make_club(1)
    Device.objects.filter(pk=server.pk).update(facts=facts)
    with contextlib.suppress(ServiceError):
        lifecycle.start(make_user(), club.pk, "AB" * 20, NOW)


@pytest.mark.parametrize("facts", STRANGE, ids=str)
def test_a_rehearsals_answers_may_be_anything(facts: Any) -> None:
    club, *_ = make_club(1)
    rehearsal, _ = lifecycle.start(make_user(), club.pk, "AB" * 20, NOW)
    rehearsal.checks.update(facts=facts, answered_at=NOW)
    Rehearsal.objects.update(facts=facts, state="asking")
    rehearsal.checks.update(action="ask")
    probes.write(rehearsal.pk, NOW)
    Rehearsal.objects.update(state="done", finished_at=NOW)
    assess_site(club, NOW)
    rehearsal.refresh_from_db()
    measured.cost(club, rehearsal, measured.terminal_checks(rehearsal))


@pytest.mark.parametrize("facts", STRANGE, ids=str)
def test_a_second_lookup_is_judged_whatever_the_inventories_say(facts: Any) -> None:
    club, _, (terminal,) = make_club(1)
    run = make_run(make_cutover(club, state="running"), terminal, "verified", changed_at=NOW - HOUR)
    Device.objects.update(facts=facts, inventory_at=NOW)
    locked: Any = SimpleNamespace(cutover=run.cutover)
    run.device.refresh_from_db()
    found = second_lookup.contradiction(locked, run)
    assert found is None or found.code == "contradiction"
