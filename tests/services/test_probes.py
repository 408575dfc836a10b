"""A site's probe profile: its versions, and how it comes into what the agents are told."""

import pytest
from django.db import IntegrityError

from agents.probes import validator
from agents.protocol import parse_instruction, parse_rehearsal
from fleet.models import Event, Instruction, ProbeVersion, Rehearsal, Role, TerminalCheck
from fleet.services import readiness
from fleet.services.errors import Forbidden, Invalid, NotFound
from fleet.services.probes import versions
from fleet.services.rehearsals import lifecycle, probes
from tests.factories import NOW, PROBE, make_club, make_probe, make_user
from tests.services.fleet_sim import SimFleet

pytestmark = pytest.mark.django_db

OTHER = PROBE.replace("/member/", "/members/")


@pytest.fixture
def club():
    return make_club(2)


def test_versions_are_counted_and_the_newest_is_in_use(club):
    site, admin = club[0], make_user()
    assert versions.current(site) is None
    first = versions.save(admin, site.pk, PROBE, NOW)
    again = versions.save(admin, site.pk, PROBE, NOW)
    second = versions.save(admin, site.pk, OTHER, NOW, versions.Source.RECORDED)
    assert [one.version.number for one in (first, again, second)] == [1, 1, 2]
    assert versions.current(site) == second.version
    versions.remove(admin, site.pk, NOW)
    versions.remove(admin, site.pk, NOW)
    assert versions.current(site) is None
    assert list(site.probes.values_list("number", "source")) == [(1, "uploaded"), (2, "recorded"), (3, "removed")]
    assert Event.objects.filter(code="probe_changed").count() == 3
    assert versions.save(admin, site.pk, OTHER, NOW).version.number == 4


def test_every_mistake_of_a_profile_is_told_and_nothing_is_kept(club):
    site = club[0]
    wrong = PROBE.replace('"GET"', '"BREW"').replace("/list", "http://other.example/list")
    with pytest.raises(Invalid) as told:
        versions.save(make_user(), site.pk, wrong, NOW)
    assert [field for field, _ in told.value.errors] == ["probe"] * 3
    for text in ("", "\0", "\ud800", "x" * 20_000, "[interfaces]\n" + "a = " + "[" * 3000):
        with pytest.raises(Invalid):
            versions.save(make_user(), site.pk, text, NOW)
    assert not ProbeVersion.objects.exists()


def test_only_an_admin_changes_the_profile_of_a_site_that_exists(club):
    for role in (Role.APPROVER, Role.AUDITOR, None):
        with pytest.raises(Forbidden):
            versions.save(make_user(role=role), club[0].pk, PROBE, NOW)
        with pytest.raises(Forbidden):
            versions.remove(make_user(role=role), club[0].pk, NOW)
    with pytest.raises(NotFound):
        versions.save(make_user(), 10**9, PROBE, NOW)


def test_a_profile_that_is_too_large_when_it_is_written_out_is_refused(club):
    lines = "body = '''" + "\n" * 7_500 + "'''\nexpect"
    text = PROBE.replace('"GET"', '"POST"').replace("expect", lines)
    validator.parse(text.encode())
    with pytest.raises(Invalid, match="written out"):
        versions.save(make_user(), club[0].pk, text, NOW)


def test_instructions_carry_the_profile_and_the_path_that_the_service_reserved(club):
    site, server, _ = club
    server.facts |= {"urlacl": [{"url": "http://+:80/x/", "sddl": ""}, {"url": "http://+:10101/NetPOS/", "sddl": ""}]}
    server.save()
    make_probe(site)
    fleet = SimFleet.of(site)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    told = parse_instruction(Instruction.objects.first().body)
    assert validator.parse(told.probe.encode()).profile == validator.parse(PROBE.encode()).profile
    assert told.transport_path == "/NetPOS/"


def test_a_cutover_keeps_the_profile_that_it_was_scheduled_with(club):
    site = club[0]
    first = make_probe(site)
    fleet = SimFleet.of(site)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    versions.save(make_user(), site.pk, OTHER, fleet.now)
    fleet.work()
    cutover.refresh_from_db()
    assert (cutover.state, cutover.probe) == ("completed", first)
    assert all("/members/" not in row.body for row in Instruction.objects.all())


def test_without_a_profile_instructions_ask_for_a_transport_proof(club):
    fleet = SimFleet.of(club[0])
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    told = parse_instruction(Instruction.objects.first().body)
    assert (told.probe, told.transport_path) == ("", "/")


def test_a_rehearsal_carries_the_profile_and_keeps_it(club):
    site = club[0]
    version = make_probe(site)
    rehearsal, _ = lifecycle.begin(site, "", NOW)
    versions.save(make_user(), site.pk, OTHER, NOW)
    probes.write(rehearsal.pk, NOW)
    told = parse_rehearsal(TerminalCheck.objects.exclude(body="").first().body)
    assert Rehearsal.objects.get().probe == version
    assert validator.parse(told.probe.encode()).profile.member.path == "/member/{member}"


@pytest.mark.parametrize(
    "url", ["http://+:10101//evil.example/", "http://+:10101/{member}", "http://+:10101/a b/", "http://+:10101/" + "x" * 300]
)
def test_a_path_that_no_request_can_have_is_not_asked_for(club, url):
    server = club[1]
    server.facts |= {"urlacl": [{"url": url, "sddl": ""}]}
    assert versions.transport_path(server) == "/"


def test_a_version_is_never_counted_twice(club):
    make_probe(club[0])
    with pytest.raises(IntegrityError):
        make_probe(club[0], number=1)


def test_a_rehearsal_by_another_profile_does_not_count(club):
    site = club[0]
    first = make_probe(site)
    Rehearsal.objects.create(
        site=site, probe=first, thumbprint="AB" * 20, state="done", created_at=NOW, deadline_at=NOW, finished_at=NOW
    )

    def codes():
        return {one.code for one in readiness.assess_site(site, NOW).items}

    assert "rehearsal_other_probe" not in codes()
    versions.save(make_user(), site.pk, OTHER, NOW)
    assert "rehearsal_other_probe" in codes()
    versions.save(make_user(), site.pk, first.text, NOW)
    assert "rehearsal_other_probe" not in codes(), "the same text asks in the same way"
