"""What a proof shows, and what it does not, stands on the plan before it is approved, and on the report after it."""

import re

import pytest

from tests.factories import make_club, make_cutover, make_probe, make_run, make_step, make_user

pytestmark = pytest.mark.django_db

WEAKER = "It does not show that a member can be looked up"
LOOKUP = "as probe profile 1 says"


@pytest.fixture
def admin(client):
    client.force_login(make_user())
    return client


def text(response):
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.mark.parametrize("address", ["/cutovers/plan/", "/cutovers/plan/preview/"])
def test_the_plan_says_what_its_proofs_will_not_show(admin, address):
    site, _, _ = make_club(2)
    assert WEAKER in text(admin.get(address, {"site": site.pk}))
    make_probe(site)
    shown = text(admin.get(address, {"site": site.pk}))
    assert LOOKUP in shown
    assert WEAKER not in shown


@pytest.mark.parametrize("page", ["", "print/", "report/"])
def test_a_cutover_says_by_what_it_proves(admin, page):
    site, _, _ = make_club(2)
    cutover = make_cutover(site, state="submitted")
    assert WEAKER in text(admin.get(f"/cutovers/{cutover.pk}/{page}"))
    version = make_probe(site)
    assert LOOKUP in text(admin.get(f"/cutovers/{cutover.pk}/{page}"))
    make_probe(site, number=2)
    cutover.state, cutover.probe = "completed", version
    cutover.save()
    assert LOOKUP in text(admin.get(f"/cutovers/{cutover.pk}/{page}")), "it keeps the version that it was approved with"


def test_the_report_names_each_terminals_proof(admin):
    site, _, terminals = make_club(3)
    cutover = make_cutover(site, state="completed")
    for terminal, proof in zip(terminals, ("application", "transport", "person"), strict=True):
        make_run(cutover, terminal, "verified", proof=proof, by_hand=proof == "person")
    shown = text(admin.get(f"/cutovers/{cutover.pk}/report/"))
    assert [word in shown for word in (" a lookup ", " transport ", "a person&#x27;s word")] == [True] * 3
    rows = admin.get(f"/cutovers/{cutover.pk}/report.csv").content.decode().splitlines()
    assert [row.split(",")[rows[0].split(",").index("proof")] for row in rows[1:]] == ["application", "transport", "person"]


def test_no_page_calls_a_transport_proof_a_lookup(admin):
    site, server, terminals = make_club(2)
    cutover = make_cutover(site, state="completed")
    make_run(cutover, server, "verified")
    for terminal in terminals:
        run = make_run(cutover, terminal, "verified", proof="transport")
        make_step(run, "member_lookup", evidence={"proof": "transport", "status": 405})
    terminal = f"/terminals/{terminals[0].pk}/"
    for address in ("/cutovers/plan/", f"/cutovers/{cutover.pk}/", f"/cutovers/{cutover.pk}/report/", terminal):
        shown = text(admin.get(address, {"site": site.pk}))
        assert "Member lookup" not in shown, address
    assert "Ask the server again" in text(admin.get(terminal))
    assert "Verify: TCP, TLS, response" in text(admin.get(f"/cutovers/{cutover.pk}/report/"))
