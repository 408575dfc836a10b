"""PATCH /servers/{id}, and answers about a server by hand."""

from typing import Any

import pytest

from fleet.api import responses
from fleet.models import Device, Role
from tests.api.conftest import Api, fields
from tests.factories import NOW, make_club, make_cutover, make_run, make_user


@pytest.fixture
def server(db: None) -> Any:
    return make_club(1)[1]


def test_a_server_is_marked_and_unmarked_and_given_a_port(api: Api, server: Any) -> None:
    path = f"/servers/{server.pk}"
    changed = api("PATCH", path, {"by_hand": True, "port": 4711}).json()
    responses.Server.model_validate(changed)
    assert (changed["by_hand"], changed["port"]) == (True, 4711)
    assert changed == api.get("/servers")["items"][0]
    assert api("PATCH", path, {}).json() == changed
    assert api("PATCH", path, {"by_hand": False}).json()["by_hand"] is False
    assert Device.objects.get(pk=server.pk).port == 4711


def test_a_server_without_an_agent_is_not_by_hand_by_itself(api: Api, server: Any) -> None:
    server.agent.delete()
    assert api.get("/servers")["items"][0]["by_hand"] is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *[({"by_hand": value}, "by_hand") for value in (None, 1, "yes", [])],
        *[({"port": value}, "port") for value in (None, 0, 65_536, -1, "10101", 1.5, True)],
        ({"name": "x"}, "name"),
    ],
)
def test_bad_changes_name_their_field(api: Api, server: Any, changes: Any, field: str) -> None:
    assert fields(api("PATCH", f"/servers/{server.pk}", changes)) == [field]
    assert Device.objects.get(pk=server.pk).by_hand is False


def test_a_terminal_is_no_server(api: Api, server: Any) -> None:
    terminal = server.site.devices.get(kind="terminal")
    assert api("PATCH", f"/servers/{terminal.pk}", {"by_hand": True}).status_code == 404
    assert api("PATCH", "/servers/999", {"by_hand": True}).status_code == 404


def test_only_an_admin_marks_it(server: Any) -> None:
    assert Api(make_user("ben", Role.APPROVER))("PATCH", f"/servers/{server.pk}", {"by_hand": True}).status_code == 403


def test_an_answer_about_the_server_needs_its_scheme(api: Api, server: Any) -> None:
    cutover = make_cutover(server.site, state="cutting_server", started_at=NOW)
    make_run(cutover, server, "switching", by_hand=True, touched=True, proof="person", asked_action="switch", asked_epoch=1)
    make_run(cutover, server.site.devices.get(kind="terminal"), "armed")
    path, said = f"/cutovers/{cutover.pk}/by_hand", {"terminal": "netpos", "result": "done"}
    assert fields(api("POST", path, said)) == ["scheme"]
    assert api("POST", path, said | {"scheme": "http"}).status_code == 409
    answer = api("POST", path, said | {"scheme": "https"}).json()
    run = answer["device_runs"][0]
    assert (run["device"], run["state"], run["by_hand"], run["answered_by"]) == ("netpos", "verified", True, "ada")


def test_a_plan_for_it_without_a_thumbprint_is_422(api: Api, server: Any) -> None:
    api("PATCH", f"/servers/{server.pk}", {"by_hand": True})
    assert fields(api("POST", "/cutovers", {"site": server.site_id})) == ["certificate_thumbprint"]
    assert api("POST", "/cutovers", {"site": server.site_id, "certificate_thumbprint": "AB" * 20}).status_code == 201
