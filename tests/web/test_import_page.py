"""Importing: all or nothing, every wrong line named, tokens shown once."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fleet.models import Device, EnrolmentToken, Site
from fleet.services.devices import importing
from tests.factories import make_club, make_site

IMPORT = reverse("import")


def post(client, site, text, do="look", **more):
    return client.post(IMPORT, {"site": site.pk if site else "new", "text": text, "do": do, **more})


def test_the_columns_are_named_in_code(admin):
    html = admin.get(IMPORT).content.decode()
    for column in ("name", "kind", "note", "tags", "by_hand"):
        assert f"<code>{column}</code>" in html


def test_terminals_by_hand_are_marked(admin):
    site = make_site()
    text = "name,by_hand\nBar 1,yes\nBar 2,No\nBar 3,\n"
    assert "terminal, by hand" in post(admin, site, text).content.decode()
    post(admin, site, text, "import")
    assert dict(Device.objects.values_list("name", "by_hand")) == {"Bar 1": True, "Bar 2": False, "Bar 3": False}


def test_looking_imports_nothing(admin):
    html = post(admin, make_site(), "name,kind\nBar 1,terminal\n").content.decode()
    assert "Bar 1" in html
    assert "Nothing is imported yet" in html
    assert not Device.objects.exists()


def test_confirming_imports_with_tokens_that_fit(admin):
    site = make_site()
    response = post(
        admin, site, "kind;x\n".replace(";x", ",name,tags,note\nterminal,Bar 1,a;b,hello\nserver,netpos,,"), "import"
    )
    assert response["Cache-Control"] == "no-store"
    bar = Device.objects.get(name="Bar 1")
    assert (bar.kind, bar.tags, bar.note, bar.site) == ("terminal", ["a", "b"], "hello", site)
    lines = response.context["tokens"].splitlines()
    assert lines[0] == "name,kind,token"
    token = lines[1].split(",")[2]
    assert EnrolmentToken.objects.filter(device=bar, digest=hashlib.sha256(token.lstrip("'").encode()).hexdigest()).exists()


@pytest.mark.parametrize(
    ("text", "field", "word"),
    [
        ("", "line 1", "name is missing"),
        ("kind\nterminal\n", "line 1", "name is missing"),
        ("name,colour\nBar 1,red\n", "line 1", "unknown column"),
        ("name,name\na,b\n", "line 1", "twice"),
        ("name\n", "file", "no rows"),
        ("name,kind\nBar 1,fridge\n", "line 2, kind", "server or terminal"),
        ("name\nBar 1\nBar 1\n", "line 3, name", "line 2"),
        ("name\nT01\n", "line 2, name", "exists"),
        ('name\n"a\nb"\n', "line 3, name", "control character"),
        ("name\n\u202eevil\n", "line 2, name", "control character"),
        ("name,kind\nn2,server\n", "line 2, kind", "only one server"),
        ("name,by_hand\nBar 1,maybe\n", "line 2, by_hand", "yes or no"),
        ("name,kind,by_hand\nn2,server,yes\n", "line 2, by_hand", "terminals only"),
        ('name\n"open\n', "line", "not valid CSV"),
        ("name\na,b\n", "line 2", "cells"),
        ("name\n" + "x" * 101, "line 2, name", "longer"),
        ("name,tags\nBar," + "t" * 41, "line 2, tags", "at most"),
        ("name\na\0b\n", "file", "NUL"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_imported(admin, text, field, word):
    site, _, _ = make_club(1)
    before = Device.objects.count()
    for do in ("look", "import"):
        response = post(admin, site, "name\ngood\n".replace("name\ngood\n", text), do)
        problems = response.context["problems"]
        assert any(f.startswith(field) and word in m for f, m in problems), problems
        assert 'role="alert"' in response.content.decode()
    assert Device.objects.count() == before


def test_all_that_is_wrong_is_said_at_once(admin):
    response = post(admin, make_site(), "name,kind\n,terminal\nBar,fridge\n")
    assert [f for f, _ in response.context["problems"]] == ["line 2, name", "line 3, kind"]


def test_a_file_is_read_with_its_byte_order_mark(admin):
    file = SimpleUploadedFile("x.csv", b"\xef\xbb\xbfname\r\nBar 1\r\n")
    assert admin.post(IMPORT, {"site": make_site().pk, "file": file, "do": "look"}).context["count"] == 1


def test_a_file_that_is_not_text_is_said_so(admin):
    file = SimpleUploadedFile("x.csv", b"name\nBar \x81\n")
    place, message = admin.post(IMPORT, {"site": make_site().pk, "file": file}).context["problems"][0]
    assert place == "line 2, column 5"
    assert "UTF-8" in message


@pytest.mark.parametrize(("name", "value"), [("MAX_ROWS", 2), ("MAX_BYTES", 10)])
def test_limits(admin, monkeypatch, name, value):
    monkeypatch.setattr(importing, name, value)
    assert post(admin, make_site(), "name\na\nb\nc\nd\n").context["problems"][0][0] == "file"


def test_a_new_site_comes_with_its_devices(admin):
    more = {"site_name": "Harbour", "zone": "Australia/Sydney", "two_persons": "yes"}
    post(admin, None, "name\nBar 1\n", **more)
    assert not Site.objects.exists()
    post(admin, None, "name\nBar 1\n", "import", **more)
    site = Site.objects.get()
    assert (site.name, site.zone, site.two_persons) == ("Harbour", "Australia/Sydney", True)
    assert site.devices.get().name == "Bar 1"


@pytest.mark.parametrize("more", [{"site_name": "", "zone": "UTC"}, {"site_name": "x", "zone": "Mars/Base"}])
def test_a_new_site_needs_a_name_and_a_zone(admin, more):
    assert post(admin, None, "name\nBar 1\n", "import", **more).context["problems"]
    assert not Site.objects.exists()


def test_a_site_name_that_is_taken(admin):
    make_site(name="Harbour")
    response = post(admin, None, "name\nBar 1\n", "import", site_name="Harbour", zone="UTC")
    assert response.context["problems"]
    assert not Device.objects.exists()


def test_names_in_the_preview_are_text(admin):
    assert b"<b>Bar" not in post(admin, make_site(), "name\n<b>Bar\n").content


def test_the_token_file_has_no_formulas(admin):
    response = post(admin, make_site(), "name\n=1+1\n", "import")
    assert response.context["tokens"].splitlines()[1].startswith("'=1+1")
