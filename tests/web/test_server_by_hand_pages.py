"""The server by hand: its page with every command, the print-out, and what the other pages say about it."""

import html as markup
import re

import pytest
from django.urls import reverse

from fleet.models import Device, DeviceRun
from tests.factories import NOW, make_club, make_cutover, make_device, make_run
from tests.web.test_plan_page import typed

THUMBPRINT = "AB" * 20
RESERVE = 'netsh http add urlacl url={}://+:4711/ sddl="D:(A;;GX;;;WD)"'
BIND = (
    f"netsh http add sslcert ipport=0.0.0.0:4711 certhash={THUMBPRINT} appid={{77ba29fd-9f7a-45b0-8d7e-1ee5d879951b}} "
    "certstorename=MY"
)
STOPS = ["sc stop SwiftPOSServicesMonitor", "sc query SwiftPOSServicesMonitor", "sc enumdepend NetPOSNet", "sc stop NetPOSNet",
         "sc query NetPOSNet"]  # fmt: skip
STARTS = ["sc start NetPOSNet", "sc query NetPOSNet", "sc start SwiftPOSServicesMonitor"]
FORWARD = [
    *STOPS,
    "netsh http show urlacl url=http://+:4711/",
    "netsh http delete urlacl url=http://+:4711/",
    RESERVE.format("https"),
    BIND,
    "netsh http show sslcert ipport=0.0.0.0:4711",
    *STARTS,
]
BACK = [
    *STOPS,
    "netsh http show sslcert ipport=0.0.0.0:4711",
    "netsh http delete urlacl url=https://+:4711/",
    RESERVE.format("http"),
    "netsh http delete sslcert ipport=0.0.0.0:4711",
    *STARTS,
]


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW)


@pytest.fixture
def club(db):
    """netpos has no agent and is marked; T01 has one."""
    site, server, (terminal,) = make_club(1, name="Harbour Club")
    server.agent.delete()
    Device.objects.filter(pk=server.pk).update(by_hand=True, port=4711)
    return site, Device.objects.get(pk=server.pk), terminal


@pytest.fixture
def run(club):
    """The server waits for a person."""
    site, server, terminal = club
    cutover = make_cutover(site, state="cutting_server", started_at=NOW, certificate_thumbprint=THUMBPRINT)
    make_run(cutover, terminal, "armed")
    return make_run(
        cutover, server, "switching", by_hand=True, touched=True, proof="person", asked_action="switch", asked_epoch=1,
        deadline_at=NOW.replace(minute=15),
    )  # fmt: skip


def address(run):
    return reverse("by_hand", args=[run.cutover_id, run.device_id])


def seen(client, run):
    response = client.get(address(run))
    assert response.status_code == 200
    return response.content.decode()


def commands(html):
    return [markup.unescape(one) for one in re.findall('<pre class="type">(.*?)</pre>', html)]


def test_the_page_shows_every_command_with_the_real_values(approver, run):
    html = seen(approver, run)
    assert "Set it to HTTPS</h2>" in html
    assert commands(html) == FORWARD
    assert "tick Use SSL" in html
    assert '<input type="hidden" name="scheme" value="https">' in html
    assert "their lookups show whether it works" in html
    assert "Secured" not in html.split("<main")[1]


def test_on_the_way_back_it_shows_the_way_back(approver, run):
    DeviceRun.objects.filter(pk=run.pk).update(state="undoing", asked_action="undo")
    type(run.cutover).objects.update(state="rolling_back", direction="back")
    html = seen(approver, run)
    assert "Set it back to HTTP</h2>" in html
    assert commands(html) == BACK
    assert "nothing to delete or to stop, or that what it adds exists already, go on with the next one" in html
    assert "untick Use SSL" in html
    assert '<input type="hidden" name="scheme" value="http">' in html


@pytest.mark.parametrize(
    ("state", "of_cutover", "words"),
    [
        ("pending", "scheduled", "Leave it on HTTP."),
        ("armed", "arming", "the agents of the terminals are asked first"),
        ("verified", "switching", "Done: it works over HTTPS"),
        ("pending", "cancelled", "Leave this server on HTTP"),
    ],
)
def test_at_other_times_it_shows_no_command(approver, run, state, of_cutover, words):
    DeviceRun.objects.filter(pk=run.pk).update(state=state)
    type(run.cutover).objects.update(state=of_cutover)
    html = seen(approver, run)
    assert words in html
    assert commands(html) == []


def test_without_a_port_of_its_own_it_is_that_of_the_terminals(approver, run):
    Device.objects.filter(pk=run.device_id).update(port=None)
    assert "netsh http delete urlacl url=http://+:10101/" in commands(seen(approver, run))


def test_nothing_that_an_agent_said_becomes_a_command(approver, run):
    hostile = [{"name": "NetPOSNet & format c:"}, {"name": "x | del"}]
    Device.objects.filter(pk=run.device_id).update(facts={"services": hostile})
    assert commands(seen(approver, run)) == FORWARD


def test_done_verifies_it(approver, run):
    response = approver.post(address(run), {"result": "done", "scheme": "https", "note": ""})
    assert (response.status_code, response["Location"]) == (302, address(run))
    run.refresh_from_db()
    assert (run.state, run.answered_by.username) == ("verified", "ben")


@pytest.mark.parametrize("fields", [{}, {"scheme": ""}])
def test_an_answer_without_its_question_is_not_taken(approver, run, fields):
    response = approver.post(address(run), {"result": "done", "note": ""} | fields)
    assert response.status_code == 422
    assert "Is needed in an answer about the server: what it was set to, http or https." in response.content.decode()
    run.refresh_from_db()
    assert run.state == "switching"


def test_an_answer_to_the_question_before_the_turn_is_409(approver, run):
    DeviceRun.objects.filter(pk=run.pk).update(state="undoing", asked_action="undo")
    type(run.cutover).objects.update(state="rolling_back", direction="back")
    response = approver.post(address(run), {"result": "done", "scheme": "https", "note": ""})
    assert response.status_code == 409
    assert "set it back to HTTP" in response.content.decode()
    run.refresh_from_db()
    assert run.state == "undoing"


def test_a_server_that_is_not_by_hand_has_no_such_page(approver, run):
    Device.objects.update(by_hand=False)
    DeviceRun.objects.update(by_hand=False)
    assert approver.get(address(run)).status_code == 404


def test_the_print_out_has_the_servers_commands_both_ways_and_a_code(auditor, run):
    html = auditor.get(reverse("print", args=[run.cutover_id])).content.decode()
    assert "At the server: netpos" in html
    assert commands(html) == FORWARD + BACK
    assert "exists already, go on with the next one" in html
    assert f"http://testserver{address(run)}" in html
    assert "QR code of the address of netpos" in html
    assert "<script" not in html.split("<main")[1]


def test_the_print_out_of_a_draft_has_them_too(auditor, club):
    cutover = make_cutover(club[0], certificate_thumbprint=THUMBPRINT)
    assert commands(auditor.get(reverse("print", args=[cutover.pk])).content.decode()) == FORWARD + BACK
    assert reverse("print", args=[cutover.pk]) in auditor.get(reverse("cutover", args=[cutover.pk])).content.decode()


def test_the_live_page_says_that_the_server_waits_and_links_to_its_page(auditor, run):
    html = auditor.get(reverse("cutover", args=[run.cutover_id])).content.decode()
    assert f'href="{address(run)}">by hand: waiting for a person</a>' in html
    assert "Swap the URL reservation" not in html
    assert "Switching the server to HTTPS: by hand, waiting for a person." in html


def test_the_dialogs_say_that_a_person_does_the_server(admin, run):
    html = markup.unescape(admin.get(reverse("cutover", args=[run.cutover_id])).content.decode())
    assert "A person sets the server back to HTTP when its page asks: until then 1 terminal is in outage. No terminal" in html
    run.cutover.runs.filter(kind="terminal").update(state="verified", touched=True)
    html = markup.unescape(admin.get(reverse("cutover", args=[run.cutover_id])).content.decode())
    assert "A person types the server's commands when its page asks: until then 1 terminal is in outage." in html
    html = markup.unescape(admin.get(reverse("plan")).content.decode())
    assert "Then a person switches the server to HTTPS when its page asks: 1 terminal is cut off" in html


def test_attention_names_the_server(auditor, run):
    html = auditor.get(reverse("fleet")).content.decode()
    assert "netpos waits for a person: it is to be set to HTTPS by hand" in html
    assert address(run) in html


def test_the_plan_asks_for_the_thumbprint_as_text_and_says_what_is_not_checked(admin, club):
    html = admin.get(reverse("plan")).content.decode()
    assert re.search(r'<input type="text"[^>]*id="id_certificate" name="certificate"', html)
    assert (
        "No agent can look into the server's store: check the certificate with <code>manage.py check_certificate</code>" in html
    )
    assert '<label for="id_by_hand_minutes">' in html
    assert "types the commands of the server netpos" in html
    assert "Swap the URL reservation" not in html
    html = admin.post(reverse("plan"), typed(club[0], certificate="")).content.decode()
    assert re.search(r'id="id_certificate"[^>]*aria-invalid="true"', html)
    assert not club[0].cutovers.exists()
    admin.post(reverse("plan"), typed(club[0], certificate=THUMBPRINT.lower()))
    assert club[0].cutovers.get().certificate_thumbprint == THUMBPRINT


def test_a_plan_with_a_servers_agent_chooses_from_its_store(admin):
    make_club(1)
    assert re.search(r'<select[^>]*id="id_certificate"', admin.get(reverse("plan")).content.decode())


def test_a_server_is_marked_and_given_its_port_on_its_own_page(admin):
    _, server, _ = make_club(1)
    path = reverse("server", args=[server.pk])
    assert '<label for="port">' in admin.get(path).content.decode()
    admin.post(path, {"name": "netpos", "note": "", "tags": "", "by_hand": "on", "port": "4711"})
    device = Device.objects.get(pk=server.pk)
    assert (device.by_hand, device.port) == (True, 4711)
    assert "marked so. Its agent gets no instruction in a cutover" in admin.get(path).content.decode()
    admin.post(path, {"name": "netpos", "note": "", "tags": "", "port": ""})
    device = Device.objects.get(pk=server.pk)
    assert (device.by_hand, device.port) == (False, 4711)


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "1e3", "\u0664", "9" * 5000])
def test_a_wrong_port_is_named_at_its_field(admin, port):
    _, server, _ = make_club(1)
    html = admin.post(reverse("server", args=[server.pk]), {"name": "netpos", "port": port}).content.decode()
    assert re.search(r'id="port"[^>]*aria-invalid="true"', html)
    assert Device.objects.get(pk=server.pk).port == 10101


def test_a_terminals_page_has_no_port(admin):
    site, _, _ = make_club(0)
    html = admin.get(reverse("terminal", args=[make_device(site).pk])).content.decode()
    assert 'id="port"' not in html
