"""GET /attention: what the Fleet page begins with, for scripts."""

from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from fleet.api import responses
from fleet.models import Device
from fleet.services.attention import items as attention_items
from tests.factories import make_cutover, make_device


def test_an_item_has_what_the_contract_says(api: Any, club: Any) -> None:
    site, _, (one, *_) = club
    assert api.get("/attention") == {"count": 0, "items": []}
    Device.objects.filter(pk=one.pk).update(scheme="https", name="<b>T01</b>")
    body = api.get("/attention")
    responses.Attention.model_validate(body)
    (item,) = body["items"]
    assert (body["count"], item["code"], item["severity"]) == (1, "scheme_differs", "error")
    assert (item["site"], item["device"]) == (site.pk, "<b>T01</b>")


def test_its_url_is_a_page_that_is_there(api: Any, club: Any, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False
    Device.objects.filter(pk=club[2][0].pk).update(scheme="https")
    (item,) = api.get("/attention")["items"]
    parts = urlsplit(item["url"])
    assert (parts.scheme, parts.netloc) == ("http", "testserver")
    browser = Client()
    browser.force_login(api.user)
    assert browser.get(parts.path).status_code == 200


def test_approvals_are_listed_for_whoever_may_give_them(api: Any, approver: Any, auditor: Any, club: Any) -> None:
    site = club[0]
    site.two_persons = True
    site.save()
    make_cutover(site, state="submitted", requested_by=api.user)
    assert [i["code"] for i in approver.get("/attention")["items"]] == ["approval_waiting"]
    assert api.get("/attention") == auditor.get("/attention") == {"count": 0, "items": []}


def test_at_most_a_limit_of_items_and_the_true_number(api: Any, club: Any, monkeypatch: Any) -> None:
    for number in range(7):
        make_device(club[0], name=f"X{number}", scheme="https")
    monkeypatch.setattr(attention_items, "LIMIT", 4)
    monkeypatch.setattr("fleet.services.attention.listing.LIMIT", 4)
    body = api.get("/attention")
    assert (body["count"], [i["device"] for i in body["items"]]) == (7, ["X0", "X1", "X2", "X3"])


def test_it_takes_a_token_and_is_only_read(db: None, api: Any) -> None:
    assert Client().get("/api/v1/attention").status_code == 401
    assert api("POST", "/attention", {}).status_code == 405
