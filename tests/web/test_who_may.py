"""Every page asks who is there; changing things is for admins."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from fleet.models import Device, EnrolmentToken
from fleet.web.urls import urlpatterns
from tests.factories import make_club, make_cutover, make_device, make_site

OPEN = {"login", "logout"}
ARGS = {
    "terminal": [2],
    "server": [1],
    "revoke": ["x"],
    "token": [2],
    "by_hand": [1, 2],
    "by_hand_now": [1, 2],
    "act": [1, "start"],
    "confirm": [1, "roll_back"],
    "site_part": [1, "learn"],
}


def _address(name: str) -> str:
    route = next(str(p.pattern) for p in urlpatterns if p.name == name)
    return reverse(name, args=ARGS.get(name, [1] if "<int:pk>" in route else []))


NAMES = sorted({p.name for p in urlpatterns} - OPEN)


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_sees_nothing(name, db):
    make_cutover(make_club(1)[0])
    for response in (Client().get(_address(name)), Client().post(_address(name))):
        assert response.status_code in (302, 401, 405)
        assert response.status_code != 302 or response["Location"].startswith("/login/")


@pytest.mark.parametrize("name", [n for n in NAMES if n != "events"])
def test_somebody_without_a_role_is_told_to_ask_for_one(name, nobody):
    make_cutover(make_club(1)[0])
    statuses = {nobody.get(_address(name)).status_code, nobody.post(_address(name)).status_code}
    assert statuses <= {403, 405}


@pytest.mark.parametrize(
    "name", ["fleet", "site", "cutovers", "cutover", "report", "terminal", "server", "agents", "audit", "audit_csv"]
)
def test_an_auditor_may_look_and_finds_nothing_to_press(name, auditor):
    site, server, (terminal,) = make_club(1)
    ARGS["terminal"], ARGS["server"] = [terminal.pk], [server.pk]
    cutover = make_cutover(site)
    address = _address(name).replace("/1/", f"/{cutover.pk}/") if name in ("cutover", "report") else _address(name)
    response = auditor.get(address)
    assert response.status_code == 200
    buttons = re.findall(r"<button[^>]*>([^<]*)", response.content.decode())
    assert set(buttons) <= {"Log out", "Apply"}


@pytest.mark.parametrize("name", ["plan", "import", "preview"])
@pytest.mark.parametrize("role", ["auditor", "approver"])
def test_pages_that_change_things_are_for_admins(name, role, request):
    assert request.getfixturevalue(role).get(_address(name)).status_code == 403


def test_an_auditor_cannot_act(auditor):
    cutover = make_cutover(make_club(1)[0])
    assert "may not start" in auditor.post(reverse("act", args=[cutover.pk, "start"]), follow=True).content.decode()
    cutover.refresh_from_db()
    assert cutover.state == "draft"


def test_an_auditor_cannot_rename_a_terminal(auditor):
    terminal = make_device(make_site(), name="Bar 1")
    assert auditor.post(reverse("terminal", args=[terminal.pk]), {"name": "x"}).status_code == 403
    assert Device.objects.get(pk=terminal.pk).name == "Bar 1"


def test_an_approver_cannot_make_tokens_or_revoke(approver):
    terminal = make_device(make_site())
    assert approver.post(reverse("token", args=[terminal.pk])).status_code == 403
    assert approver.post(reverse("revoke", args=[terminal.agent.pk])).status_code == 403
    assert not EnrolmentToken.objects.exists()


def test_logging_in_and_out(db):
    from tests.factories import PASSWORD, make_user

    make_user("ada")
    client = Client()
    assert "Wrong user name or password" in client.post("/login/", {"username": "ada", "password": "wrong"}).content.decode()
    assert client.post("/login/", {"username": "ada", "password": PASSWORD})["Location"] == "/"
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302
