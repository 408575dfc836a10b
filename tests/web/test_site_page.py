"""The Site page: the test member, the probe profile, and what a person asks the site's devices."""

import datetime as dt
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from agents import protocol
from agents.protocol import Inquired
from fleet.models import Device, Inquiry, ProbeVersion, Site
from fleet.services.probes import inquiries, versions
from tests.factories import NOW, make_club, make_cutover, make_device, make_site, make_user
from tests.probes.samples import REST, SOAP

S = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW)


@pytest.fixture
def club(db):
    return make_club(name="Harbour Club", member="1001")


def page(client: Any, site: Site) -> str:
    response = client.get(reverse("site", args=[site.pk]))
    assert response.status_code == 200
    return response.content.decode()


def post(client: Any, name: str, pk: int, data: Any = None) -> str:
    response = client.post(reverse(name, args=[pk]), data or {}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def part(client: Any, site: Site, name: str) -> str:
    """What htmx loads once a second."""
    response = client.get(reverse("site_part", args=[site.pk, name]), headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    return response.content.decode()


def say(action: str, facts: Any, *, n: int = 1, done: bool = True, finding: Any = None) -> Inquiry:
    """Let the device that is asked this answer."""
    inquiry = Inquiry.objects.filter(action=action, ended_at__isnull=True).first()
    inquiries.take([(inquiry.agent_id, Inquired(inquiry.pk, action, n, facts, finding, done))], NOW + S)
    inquiry.refresh_from_db()
    return inquiry


# --- the site and its member --------------------------------------------------------------------------


def test_the_fleet_page_leads_to_the_site(admin, club):
    assert f'<a href="/sites/{club[0].pk}/">Harbour Club</a>' in admin.get("/").content.decode()
    html = page(admin, club[0])
    assert "4 of 4 devices in contact" in html
    assert "<h1" in html
    assert "Australia/Sydney" in html


def test_an_empty_site_says_what_to_do_next(admin, db):
    html = page(admin, make_site())
    assert "The site has no terminal yet." in html
    assert "It does not show that the service answers a member lookup." in html
    assert "Nobody has looked yet." in html


def test_the_member_number_is_saved_with_its_warning(admin, club):
    html = page(admin, club[0])
    assert "Use a member made for testing, never a customer's." in html
    assert '<label for="member">Test member number</label>' in html
    post(admin, "site_member", club[0].pk, {"member": " T-1 "})
    assert Site.objects.get().member == "T-1"


@pytest.mark.parametrize("typed", ["", "1 2", "x" * 33, "<b> x"])
def test_a_wrong_member_number_is_kept_and_its_error_is_at_the_field(admin, club, typed):
    html = post(admin, "site_member", club[0].pk, {"member": typed})
    assert re.search(r'id="member"[^>]* aria-invalid="true"', html)
    assert re.search(r'id="e-member" role="alert">Test member number must have 1 to 32', html)
    assert Site.objects.get().member == "1001"
    assert "<b> x" not in html


# --- the profile --------------------------------------------------------------------------------------


def test_a_profile_is_pasted_shown_and_removed(admin, club):
    assert 'data-proof="transport"' in page(admin, club[0])
    html = post(admin, "site_probe", club[0].pk, {"text": SOAP.decode().replace("\n", "\r\n"), "do": "save"})
    assert ProbeVersion.objects.get().text == SOAP.decode(), "a browser's line ends are not kept"
    assert 'data-proof="application"' in html
    assert "Application proof</b> by probe profile 1, uploaded on" in html
    assert "Please look: member.method: POST may change something" in html
    assert '<dialog id="remove"' in html
    assert "does not show" not in html.split('id="try"')[0].split("<dialog")[0]
    html = post(admin, "site_probe_remove", club[0].pk)
    assert 'data-proof="transport"' in html
    assert "removed: transport proofs" in html


def test_a_profile_is_uploaded(admin, club):
    file = SimpleUploadedFile("probe.toml", b"\xef\xbb\xbf" + REST)
    post(admin, "site_probe", club[0].pk, {"text": "not this", "file": file, "do": "save"})
    assert ProbeVersion.objects.get().text == REST.decode()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x" * (16 * 1024 + 1)])
def test_a_file_that_is_no_profile_is_refused(admin, club, data):
    html = post(admin, "site_probe", club[0].pk, {"text": "", "file": SimpleUploadedFile("p", data), "do": "save"})
    assert "Please correct 1 mistake in the profile" in html
    assert not ProbeVersion.objects.exists()


@pytest.mark.parametrize("do", ["save", "try"])
def test_every_mistake_is_shown_and_what_was_typed_is_kept(admin, club, do):
    html = post(admin, "site_probe", club[0].pk, {"text": "[member]\nmethod = '<script>'\n", "do": do})
    assert "method = &#x27;&lt;script&gt;&#x27;" in html
    assert "<code>interfaces</code>: is missing" in html
    assert "<code>member.path</code>: write a path" in html
    assert re.search(r'id="text"[^>]* aria-describedby="h-text e-text" aria-invalid="true"', html)
    assert re.search(r'role="alert" id="e-text"', html)
    assert not Inquiry.objects.exists()
    assert not ProbeVersion.objects.exists()


def test_a_cutover_under_way_keeps_its_profile_and_the_page_says_so(admin, club):
    version = versions.save(make_user(), club[0].pk, REST.decode(), NOW).version
    cutover = make_cutover(club[0], state="scheduled", probe=version)
    html = page(admin, club[0])
    assert f"Cutover {cutover.pk} keeps probe profile 1, with which it was approved." in html
    assert "counts from the next cutover or rehearsal on" in html


# --- try it -------------------------------------------------------------------------------------------


def told(**changes: Any) -> dict[str, Any]:
    return {
        "section": "member", "error": None, "status": 200, "type": "text/xml", "size": 312, "sha256": "abcdef" * 10,
        "matched": True, "missed": None, "by_http_sys": False, "tls": None, "ms": 14.2,
    } | changes  # fmt: skip


def asked(*requests: Any) -> dict[str, Any]:
    return {"proof": "application", "scheme": "http", "requests": list(requests)}


def test_server_and_terminal_try_it_side_by_side(admin, club, followed):
    html = post(admin, "site_try", club[0].pk, {"terminal": "T02"})
    assert {inquiry.device.name for inquiry in Inquiry.objects.all()} == {"netpos", "T02"}
    assert followed[-1].inquire == set(Inquiry.objects.values_list("pk", flat=True))
    assert 'hx-trigger="every 1s"' in html
    assert "The devices are asking." in part(admin, club[0], "try")
    say("check", {"asked": [asked(told(section="transport"))]})
    assert 'hx-trigger="every 1s"' in part(admin, club[0], "try"), "the other one is still asking"
    error = {"code": "untrusted_root", "message": "the root is not trusted <here>", "remedy": "Install it."}
    say("check", {"asked": [asked(told(error=error))]})
    html = part(admin, club[0], "try")
    assert "hx-trigger" not in html
    assert "Transport proof, in use" in html
    assert "Any request: 200 text/xml, 312 bytes, 14 ms, without TLS" in html
    assert "the root is not trusted &lt;here&gt;" in html
    assert (html.count("The service answers"), html.count("No proof")) == (1, 1)


def test_a_pasted_profile_is_tried_before_and_after_and_stays_in_the_form(admin, club):
    versions.save(make_user(), club[0].pk, REST.decode(), NOW - S)
    html = post(admin, "site_probe", club[0].pk, {"text": SOAP.decode(), "do": "try", "terminal": ""})
    assert "This profile was tried and is not saved yet." in html
    assert "&lt;AccessCode&gt;" in re.search(r'<textarea id="text".*?</textarea>', html, re.S)[0]
    say("check", {"asked": [asked(told()), asked(told(matched=False, missed="contains", status=500))]})
    html = part(admin, club[0], "try")
    assert html.index("Probe profile 1, in use") < html.index("The profile that you pasted, not saved yet")
    assert "The expected text is missing:</b> 500 text/xml" in html
    assert ProbeVersion.objects.count() == 1
    post(admin, "site_probe", club[0].pk, {"text": SOAP.decode(), "do": "save"})
    assert ProbeVersion.objects.count() == 2
    html = part(admin, club[0], "try")
    assert html.index("Probe profile 1, which was in use then") < html.index("Probe profile 2, in use")


def test_a_server_that_lacks_the_access_code_is_explained(admin, club):
    versions.save(make_user(), club[0].pk, SOAP.decode(), NOW - S)
    post(admin, "site_try", club[0].pk, {"terminal": ""})
    say("check", {"asked": [asked(told(section="transport")) | {"proof": "transport"}]})
    html = part(admin, club[0], "try")
    assert "The server&#x27;s settings lack a value of this profile" in html or "The server's settings lack a value" in html
    assert "The service answers" in html


def test_a_device_that_cannot_be_asked_is_named(admin, club):
    site, server, _ = club
    server.agent.connected = False
    server.agent.save()
    html = post(admin, "site_try", site.pk, {"terminal": "T01"})
    assert "netpos was not asked. The agent of netpos is not in contact" in html
    assert Inquiry.objects.get().device.name == "T01"
    assert "There is no device named nobody." in post(admin, "site_try", site.pk, {"terminal": "nobody"})


# --- learn it -----------------------------------------------------------------------------------------


def recorded(**changes: Any) -> dict[str, Any]:
    exchange = {"method": "GET", "target": "/api/members/1001", "status": 200, "type": "application/json", "size": 52}
    return {
        "on": "terminal", "addresses": ["127.0.0.1"], "port": 49152, "ends_ms": round((NOW + 90 * S).timestamp() * 1000),
        "count": 1, "unreachable": 0, "exchanges": [exchange], "proposal": None,
    } | changes  # fmt: skip


def proposed(**changes: Any) -> dict[str, Any]:
    reason = {"section": "member", "reason": "This request was seen with 1001 and with 1002, and differed in this number only."}
    return recorded(proposal={"text": REST.decode(), "reasons": [reason], "missing": []} | changes)


def learn(admin: Any, site: Site, **data: Any) -> str:
    return post(admin, "site_learn", site.pk, {"terminal": "T01", "listener": "terminal", "seconds": "120"} | data)


def test_the_whole_journey_from_a_terminal_to_a_profile_in_use(admin, club, followed):
    site = club[0]
    assert "Start listening" in page(admin, site)
    html = learn(admin, site)
    assert "The agent on T01 opens a port." in html
    say("record", recorded(count=0, exchanges=[]), done=False)
    html = part(admin, site, "learn")
    assert "listens on port 49152" in html
    assert "90 s are left." in html
    assert '<progress aria-label="Time that has passed" max="120" value="30">' in html
    assert '<code class="type">127.0.0.1</code>' in html
    assert '<code class="type">49152</code>' in html
    assert "Put host and port back" in html
    assert '<b class="mono">netpos.club.example</b>, <b class="mono">10101</b>' in html
    say("record", recorded(), n=2, done=False)
    assert "GET /api/members/1001 → 200 application/json, 52 bytes" in part(admin, site, "learn")
    inquiry = Inquiry.objects.get()
    html = post(admin, "inquiry_stop", inquiry.pk)
    assert "Stopping…" in html
    assert followed[-1].inquire == {inquiry.pk}
    say("record", proposed(), n=3)
    html = part(admin, site, "learn")
    assert "hx-trigger" not in html
    assert "Put host and port back in Touch now" in html
    assert "Member lookup:</b> This request was seen with 1001 and with 1002, and differed in this number only." in html
    assert 'data-learnt="yes"' in html
    assert '<dialog id="use"' in html
    html = post(admin, "inquiry_use", inquiry.pk)
    version = ProbeVersion.objects.get()
    assert (version.text, version.source) == (REST.decode(), "recorded")
    assert "learnt from a terminal on" in html
    assert "This profile is in use, as version 1." in html


def test_what_to_put_back_is_what_was_there_when_it_began(admin, club):
    learn(admin, club[0])
    Device.objects.filter(name="T01").update(host="127.0.0.1", port=49152)  # an inventory came meanwhile
    say("record", recorded(), done=False)
    assert '<b class="mono">netpos.club.example</b>, <b class="mono">10101</b>' in part(admin, club[0], "learn")
    say("record", proposed() | {"left": True}, n=2)
    html = part(admin, club[0], "learn")
    assert "When the recording ended, Touch still had port 49152" in html
    assert re.search(r'<div class="note bad" role="alert"><p>When the recording', html)
    assert '<span class="mono">netpos.club.example</span> and <span class="mono">10101</span>' in html


def test_the_server_listens_and_touch_keeps_its_host(admin, club):
    learn(admin, club[0], listener="server")
    assert Inquiry.objects.get().device.name == "netpos"
    say("record", recorded(addresses=["10.0.0.5"]), done=False)
    html = part(admin, club[0], "learn")
    assert '<code class="type">netpos.club.example</code><span class="soft">as it is</span>' in html
    assert "If the terminal does not reach it: 10.0.0.5" in html


def test_a_recording_that_lacks_something_says_what_and_offers_to_learn_again(admin, club):
    learn(admin, club[0])
    inquiry = say("record", proposed(text="", reasons=[], missing=["No member lookup was seen: look two members up."]))
    html = part(admin, club[0], "learn")
    assert "No member lookup was seen: look two members up." in html
    assert "Learn again" in html
    assert "Use this profile" not in html
    assert "nothing was learnt" in post(admin, "inquiry_use", inquiry.pk)
    assert not ProbeVersion.objects.exists()


@pytest.mark.parametrize("text", ["[", REST.decode().replace("/netpos/interfaces", "//evil/x"), "\u202e"])
def test_a_proposal_that_is_no_profile_is_not_offered(admin, club, text):
    learn(admin, club[0])
    inquiry = say("record", proposed(text=text))
    html = part(admin, club[0], "learn")
    assert "The profile that the agent proposes cannot be used" in html
    assert "Use this profile" not in html
    assert "Not saved." in post(admin, "inquiry_use", inquiry.pk)
    assert not ProbeVersion.objects.exists()


def test_why_an_agent_could_not_listen_is_said(admin, club):
    learn(admin, club[0])
    say("record", {}, finding=protocol.Finding("busy", "a cutover is <in progress>", "Wait."))
    html = part(admin, club[0], "learn")
    assert "a cutover is &lt;in progress&gt;" in html
    assert 'role="alert"' in html


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"terminal": "nobody"}, "Choose the terminal to learn from."), ({"terminal": "netpos"}, "Choose the terminal"),
        ({"seconds": "5"}, "Seconds: must be a whole number from 10 to 600"), ({"seconds": "x"}, "must be a whole number"),
    ],
)  # fmt: skip
def test_a_recording_that_cannot_start_says_why(admin, club, data, says):
    html = learn(admin, club[0], **data)
    assert says in html
    assert not Inquiry.objects.exists()


def test_a_terminal_on_https_cannot_be_learnt_from(admin, club):
    make_device(club[0], name="Secure", scheme="https")
    assert "what is encrypted cannot be recorded" in learn(admin, club[0], terminal="Secure").lower()


def test_many_terminals_are_typed_and_not_listed(admin, db, monkeypatch):
    monkeypatch.setattr("fleet.web.site.view_models.MOST_CHOICES", 2)
    html = page(admin, make_club(3)[0])
    assert re.search(r'<input type="text" id="learn-terminal" name="terminal"', html)


# --- find ---------------------------------------------------------------------------------------------

FOUND = {"found": [
    {"field": "service", "value": "NetPOS<1>", "reason": "Windows shows this service as “NetPOS.Net”.", "state": "new"},
    {"field": "monitor", "value": "SwiftPOSServicesMonitor", "reason": "r", "state": "in_use"},
    {"field": "settings", "value": "C:\\x.xml", "reason": "r", "state": "fixed"},
    {"field": "port", "value": "10101", "reason": "r", "state": "told"},
]}  # fmt: skip


def test_what_was_found_is_shown_with_its_reason_and_confirmed(admin, club):
    post(admin, "site_find", club[0].pk, {"device": "netpos"})
    assert "netpos is looking." in part(admin, club[0], "find")
    inquiry = say("find", FOUND)
    html = part(admin, club[0], "find")
    assert re.findall(r'data-found="(\w+)"', html) == ["service", "monitor", "settings", "port"]
    assert "Windows shows this service as “NetPOS.Net”." in html
    assert "NetPOS&lt;1&gt;" in html
    assert html.count(">Confirm</button>") == 1
    assert "The agent uses it." in html
    post(admin, "inquiry_adopt", inquiry.pk, {"field": "service", "value": "NetPOS<1>"})
    say("adopt", {"adopted": []})
    assert "Confirmed: service = " in part(admin, club[0], "find")


def test_nothing_else_is_confirmed(admin, club):
    post(admin, "site_find", club[0].pk, {"device": "netpos"})
    inquiry = say("find", FOUND)
    html = post(admin, "inquiry_adopt", inquiry.pk, {"field": "gateway", "value": "wss://evil"})
    assert "was not found by this device" in html
    assert not Inquiry.objects.filter(action="adopt").exists()


# --- who may, and what devices invent -----------------------------------------------------------------


def test_a_viewer_sees_everything_and_changes_nothing(auditor, admin, club):
    versions.save(make_user(), club[0].pk, REST.decode(), NOW)
    learn(admin, club[0])
    inquiry = say("record", proposed())
    html = page(auditor, club[0])
    assert "Application proof" in html
    assert "differed in this number only" in html
    assert "Use this profile" not in html
    for name, pk in (
        ("site_member", club[0].pk), ("site_probe", club[0].pk), ("site_probe_remove", club[0].pk), ("site_try", club[0].pk),
        ("site_learn", club[0].pk), ("site_find", club[0].pk), ("inquiry_stop", inquiry.pk), ("inquiry_use", inquiry.pk),
        ("inquiry_adopt", inquiry.pk),
    ):  # fmt: skip
        assert auditor.post(reverse(name, args=[pk])).status_code == 403, name


@pytest.mark.parametrize("action", ["check", "record", "find"])
@pytest.mark.parametrize(
    "facts",
    [
        {"asked": [5], "found": "x", "port": "<b>", "exchanges": 7, "proposal": []},
        {"asked": [asked(told(type="<script>", sha256=5, tls=[], status=None, size=None, ms=None, missed="<i>"))]},
        recorded(exchanges=[{"method": "<script>", "target": "<script>"}] * 99, addresses=["<script>"] * 99, count=10**400),
        proposed(reasons=[{"section": "<script>", "reason": "<script>"}] * 99, missing=["<script>"] * 99),
        {"found": [{"field": "<script>", "value": "<script>", "reason": "<script>", "state": "new"}] * 99},
    ],
    ids=range(5),
)
def test_whatever_a_device_answers_is_harmless(admin, club, action, facts):
    device = club[2][0]
    inquiries.start(make_user(), club[0].pk, inquiries.Wanted(action, device.pk), NOW)
    for n, done in ((1, False), (2, True)):
        if Inquiry.objects.filter(ended_at__isnull=True).exists():
            say(action, facts, n=n, done=done)
        assert "<script>" not in re.sub(r"<script src[^>]*>", "", page(admin, club[0]))


def test_a_part_that_is_not_asked_by_htmx_leads_to_the_page(admin, club):
    response = admin.get(reverse("site_part", args=[club[0].pk, "learn"]))
    assert response["Location"] == f"/sites/{club[0].pk}/#learn"
    assert admin.get(reverse("site_part", args=[club[0].pk, "other"])).status_code == 404


def test_the_page_costs_few_queries(admin, club, django_assert_max_num_queries):
    learn(admin, club[0])
    with django_assert_max_num_queries(32):
        page(admin, club[0])
