"""GET /sites and GET /servers."""

from typing import Any

from fleet.api import responses
from tests.api.conftest import Api
from tests.factories import certificate, make_club, make_cutover, make_device, make_site


def test_a_site_tells_what_hangs_on_it(api: Api) -> None:
    site, server, _ = make_club(3, name="Club B")
    empty = make_site(name="Club A", two_persons=True)
    make_cutover(site, state="completed")
    active = make_cutover(site, state="paused")
    found = api.get("/sites")
    responses.Sites.model_validate(found)
    assert found["count"] == 2
    assert [s["name"] for s in found["items"]] == ["Club A", "Club B"]
    assert found["items"][0] == {
        "id": empty.pk, "name": "Club A", "zone": "Australia/Sydney", "member": "1001", "server": None,
        "terminals": 0, "two_persons": True, "active_cutover": None,
    }  # fmt: skip
    second = found["items"][1]
    assert (second["server"], second["terminals"], second["active_cutover"]) == (server.pk, 3, active.pk)


def test_a_server_shows_its_certificates(api: Api) -> None:
    make_club()
    found = api.get("/servers")
    responses.Servers.model_validate(found)
    assert found["items"][0]["state"] == "idle"
    assert found["items"][0]["certificates"][0]["thumbprint"] == "AB" * 20


def test_a_certificate_is_told_as_the_agent_told_it(api: Api) -> None:
    told = certificate(names=["netpos.club.example", "10.0.0.5"], has_key=None)
    make_device(make_site(), "server", facts={"certificates": [told | {"readable": True, "machine_key": True}]})
    assert api.get("/servers")["items"][0]["certificates"] == [told]


def test_a_value_of_another_type_is_null(api: Api) -> None:
    strange = certificate(subject=5, names="x", not_before="soon", not_after=7, has_key="yes", issuer=["CN=x"])
    make_device(make_site(), "server", facts={"certificates": [strange]})
    (found,) = api.get("/servers")["items"][0]["certificates"]
    nothing = dict.fromkeys(("subject", "issuer", "not_before", "not_after", "has_key"))
    assert found == nothing | {"thumbprint": "AB" * 20, "names": []}


def test_what_an_agent_invents_does_no_harm(api: Api) -> None:
    for facts in [{}, [], {"certificates": "none"}, {"certificates": [5, {"thumbprint": "AA", "password": "1234"}]}]:
        make_device(make_site(), "server", facts=facts)
    found = api("GET", "/servers")
    assert b"1234" not in found.content
    assert [len(s["certificates"]) for s in found.json()["items"]] == [0, 0, 0, 1]


def test_many_cost_the_same_queries(api: Api, django_assert_max_num_queries: Any) -> None:
    for _ in range(12):
        make_club(2)
    with django_assert_max_num_queries(4):
        assert api.get("/sites")["count"] == 12
    with django_assert_max_num_queries(5):
        assert api.get("/servers")["count"] == 12
