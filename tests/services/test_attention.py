"""What needs attention: every kind of item, for whom, in which order, and at a price that does not grow."""

import datetime as dt

import pytest

from fleet.models import Agent, Cutover, Device, DeviceRun, Role, Site
from fleet.services.attention import listing
from tests.factories import NOW, certificate, make_club, make_cutover, make_device, make_run, make_site, make_user

pytestmark = pytest.mark.django_db
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
THUMBPRINT = "AB" * 20


def finding(code="lookup_failed", message="No answer.", remedy="Look at it."):
    return {"code": code, "message": message, "remedy": remedy}


@pytest.fixture
def ada():
    return make_user("ada")


@pytest.fixture
def items(ada):
    """What this administrator is shown."""

    def ask(user=ada, now=NOW):
        return listing.of(user, now).items

    return ask


def codes(items):
    return [(item.code, item.device) for item in items]


def started(site, state, **changes):
    return make_cutover(site, state=state, **{"started_at": NOW} | changes)


def test_a_fleet_in_order_is_silent(items):
    site, _, terminals = make_club()
    make_run(started(site, "completed"), terminals[0], "verified")
    assert items() == []


# --- terminals ---------------------------------------------------------------------------------------------


def test_a_terminal_in_another_scheme_than_its_server(items):
    site, _, (one, two, _) = make_club(3)
    Device.objects.filter(pk=one.pk).update(scheme="https")
    Device.objects.filter(pk=two.pk).update(scheme="")  # never read: nobody can say
    (item,) = items()
    assert (item.code, item.severity, item.site, item.device) == ("scheme_differs", "error", site.pk, "T01")
    assert item.message == "T01 speaks HTTPS, its server speaks HTTP: its member functions do not work"
    assert item.path == f"/terminals/{one.pk}/"
    assert item.remedy


@pytest.mark.parametrize("server", ["", None])
def test_without_a_servers_scheme_nothing_differs(items, server):
    site = make_site()
    make_device(site, scheme="https")
    if server is not None:
        make_device(site, "server", scheme=server)
    assert items() == []


@pytest.mark.parametrize(
    ("state", "silent"),
    [("draft", False), ("submitted", False), ("scheduled", False), ("cancelled", False), ("completed", False),
     ("rolled_back", False), ("arming", True), ("cutting_server", True), ("switching", True), ("verifying", True),
     ("paused", True), ("rolling_back", True)],
)  # fmt: skip
def test_while_a_cutover_is_under_way_schemes_may_differ(items, state, silent):
    site, _, (one,) = make_club(1)
    Device.objects.filter(pk=one.pk).update(scheme="https")
    make_cutover(site, state=state)
    found = [item for item in items() if item.code == "scheme_differs"]
    assert len(found) == (0 if silent else 1)


def test_another_sites_cutover_hides_nothing(items):
    _, _, (one,) = make_club(1)
    Device.objects.filter(pk=one.pk).update(scheme="https")
    started(make_club(1)[0], "switching")
    assert codes(items()) == [("scheme_differs", "T01")]


def test_who_was_excluded_or_late_is_named_as_such(items):
    site, server, (_, two, three) = make_club(3)
    Device.objects.filter(pk__in=[server.pk, three.pk]).update(scheme="https")
    cutover = started(site, "completed", exclude=["T01"])
    make_run(cutover, two, "late", finding=finding("late"))
    make_run(cutover, three, "verified")
    excluded, late = items()
    assert excluded.message.endswith(f"It was excluded from cutover {cutover.pk}")
    assert late.message.endswith(f"It was off during cutover {cutover.pk}")
    assert late.remedy.startswith("Switch it on")
    started(site, "completed", epoch=2)  # without it: neither is true of the newest any more
    assert "cutover" not in " ".join(item.message for item in items())


@pytest.mark.parametrize("state", ["completed", "rolled_back", "needs_person", "cancelled"])
def test_a_terminal_that_a_cutover_has_left_cut_off(items, state):
    site, _, (one, two) = make_club(2)
    cutover = started(site, state)
    make_run(cutover, one, "failed", cut_off_since=NOW, finding=finding())
    make_run(cutover, two, "verified", cut_off_ms=900)
    item = items()[0]
    assert (item.code, item.severity, item.device, item.path) == ("cut_off", "error", "T01", f"/cutovers/{cutover.pk}/")
    assert item.message == "T01 has had no proven lookup since 2026-03-14 16:00 UTC: No answer."
    assert item.remedy == "Look at it."


def test_nobody_is_called_cut_off_while_the_cutover_moves_or_after_a_later_one(items):
    site, _, (one,) = make_club(1)
    run = make_run(started(site, "switching"), one, "switching", cut_off_since=NOW)
    assert items() == []
    Cutover.objects.filter(pk=run.cutover_id).update(state="completed")
    assert codes(items()) == [("cut_off", "T01")]
    make_cutover(site, state="draft", epoch=0)
    make_cutover(site, state="scheduled", epoch=2)
    assert codes(items()) == [("cut_off", "T01")]  # neither has begun
    started(site, "completed", epoch=3)
    assert items() == []


def test_a_contradiction_is_an_item_even_where_all_is_completed(items):
    site, _, (one,) = make_club(1)
    cutover = started(site, "completed")
    make_run(cutover, one, "failed", finding=finding("contradiction", "The server saw it on HTTP."))
    (item,) = items()
    assert (item.code, item.severity, item.device) == ("contradiction", "error", "T01")
    assert "The server saw it on HTTP." in item.message
    Cutover.objects.filter(pk=cutover.pk).update(state="needs_person")
    assert codes(items()) == [("needs_person", None), ("contradiction", "T01")]  # and not twice


# --- cutovers ----------------------------------------------------------------------------------------------


def test_a_cutover_that_needs_a_person_and_its_devices(items):
    site, server, (one, two, three) = make_club(3)
    cause = finding("settings_read_only", "T01 cannot be written.", "Take the protection off.")
    cutover = started(site, "needs_person", cause=cause, finding=finding("threshold_passed", "Too many."))
    make_run(cutover, server, "failed", finding=finding("bind_failed", "Error 1312."))
    make_run(cutover, one, "undo_failed", finding=finding("settings_read_only"))
    make_run(cutover, two, "restored", finding=finding())
    make_run(cutover, three, "unreachable", finding=finding("unreachable", "Gone."))
    found = items()
    assert codes(found) == [
        ("needs_person", None), ("bind_failed", server.name), ("settings_read_only", "T01"), ("unreachable", "T03"),
    ]  # fmt: skip
    assert found[0].message == "The cutover to HTTPS needs attention: T01 cannot be written."
    assert found[0].remedy == "Take the protection off."
    assert found[3].message == "Gone."
    assert {item.path for item in found} == {f"/cutovers/{cutover.pk}/"}


def test_a_pause_by_a_person_is_not_news(items):
    site, _, (one,) = make_club(1)
    cutover = started(site, "paused", reason="lunch")
    make_run(cutover, one, "failed", finding=finding())
    assert items() == []
    Cutover.objects.filter(pk=cutover.pk).update(finding=finding("threshold_passed", "Too many.", "Retry."))
    assert codes(items()) == [("paused", None), ("lookup_failed", "T01")]
    assert items()[0].message == "The cutover to HTTPS paused automatically: Too many."


def test_an_old_cutover_that_a_later_one_has_followed_is_history(items):
    site, _, _ = make_club(1)
    started(site, "needs_person")
    assert codes(items()) == [("needs_person", None)]
    started(site, "completed", epoch=2)
    assert items() == []


def test_of_many_devices_fifty_are_named(items):
    site = make_site()
    cutover = started(site, "needs_person")
    for number in range(53):
        make_run(cutover, make_device(site, name=f"T{number:02}"), "failed", finding=finding())
    found = items()
    assert [item.device for item in found] == [None, *(f"T{number:02}" for number in range(50)), None]
    assert found[-1].message == "and 3 more devices of this cutover"
    DeviceRun.objects.filter(device__name__gte="T51").delete()
    assert items()[-1].message == "and 1 more devices of this cutover"
    DeviceRun.objects.filter(device__name="T50").delete()
    assert items()[-1].device == "T49"


def test_an_approval_waits_for_whoever_may_give_it(items, ada):
    ben, cem = make_user("ben", Role.APPROVER), make_user("cem", Role.AUDITOR)
    site, _, _ = make_club(1, two_persons=True)
    cutover = make_cutover(site, state="submitted", requested_by=ada)
    assert (items(ada), items(cem), items(make_user("dot", None))) == ([], [], [])
    (item,) = items(ben)
    assert (item.code, item.severity, item.path) == ("approval_waiting", "warning", f"/cutovers/{cutover.pk}/")
    assert "that ada planned" in item.message
    Site.objects.update(two_persons=False)
    assert codes(items(ada)) == [("approval_waiting", None)]


# --- sites -------------------------------------------------------------------------------------------------


def test_warnings_and_troubles_of_a_site(items):
    trouble = finding("tick_failed", "Its clock stopped.") | {"tries": 7, "next_at": "2026-03-14T16:05:00+00:00"}
    site, _, _ = make_club(1, warning=finding("restored_backup", "An old backup."), trouble=trouble)
    warning, failing = items()
    assert (warning.code, warning.severity, warning.dismiss) == ("restored_backup", "error", True)
    assert (failing.code, failing.severity, failing.dismiss) == ("tick_failed", "error", False)
    assert failing.message == "Its clock stopped. (tried 7 times, next at 2026-03-14 16:05 UTC)"
    assert {item.path for item in (warning, failing)} == {f"/?site={site.pk}"}


@pytest.mark.parametrize("odd", [{}, [], "x", 7, {"code": 1, "message": [], "tries": "7", "next_at": 9}])
def test_what_was_kept_oddly_is_still_an_item(items, odd):
    make_club(1, warning=odd, trouble=odd)
    assert codes(items()) == [("warning", None), ("trouble", None)]
    assert all(item.message for item in items())


@pytest.mark.parametrize(
    ("left", "severity"),
    [(31 * DAY, None), (30 * DAY, "warning"), (3 * DAY + MINUTE, "warning"), (3 * DAY, "error"), (-DAY, "error")],
)
@pytest.mark.parametrize("bound", [True, False])
def test_the_certificate_that_a_server_serves_ends(items, left, severity, bound):
    site, server, _ = make_club(0)
    ends = (NOW + left).isoformat()
    rows = [certificate(not_after=ends), certificate(thumbprint="CD" * 20, not_after=NOW.isoformat())]
    binding = {"endpoint": "0.0.0.0:10101", "certhash": THUMBPRINT, "appid": "{x}", "store": "MY"}
    other = binding | {"endpoint": "0.0.0.0:443", "certhash": "CD" * 20}
    facts = {"certificates": rows, "sslcert": [other, binding] if bound else None}
    Device.objects.filter(pk=server.pk).update(scheme="https", facts=facts)
    started(site, "completed", certificate_thumbprint=THUMBPRINT)
    found = items()
    assert [(item.code, item.severity, item.device) for item in found] == (
        [("certificate_ending", severity, "netpos")] if severity else []
    )
    if severity:
        assert ("terminals refuse it" in found[0].message) == (left < 0 * DAY)
    Device.objects.filter(pk=server.pk).update(scheme="http")
    assert items() == []  # nothing is served


@pytest.mark.parametrize("facts", [{}, {"certificates": "x", "sslcert": 7}, {"certificates": [None, 3, {}], "sslcert": [[]]}])
def test_an_inventory_that_says_nothing_sensible_is_no_item(items, facts):
    _, server, _ = make_club(0)
    Device.objects.filter(pk=server.pk).update(scheme="https", facts=facts)
    assert items() == []


# --- agents ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["identity_used_twice", "instructions_refused", "name_differs"])
def test_an_agents_alarm(items, code):
    _, _, (one, _) = make_club(2)
    Agent.objects.filter(device=one).update(alarm=finding(code, "Two of them.") | {"at": NOW.isoformat()})
    (item,) = items()
    assert (item.code, item.severity, item.device, item.message) == (code, "error", "T01", "Two of them.")
    assert item.path == "/agents/?q=T01"
    Agent.objects.filter(device=one).update(alarm=None)
    assert items() == []


def test_a_revoked_agent(items):
    _, _, (one,) = make_club(1)
    Agent.objects.filter(device=one).update(revoked_at=NOW, connected=False, last_seen=NOW - DAY)
    assert [(item.code, item.severity, item.device) for item in items()] == [("agent_revoked", "warning", "T01")]


def test_terminals_without_contact(items):
    site, _, terminals = make_club(6)
    away = Agent.objects.filter(device__kind="terminal", device__site=site)
    away.update(connected=False, last_seen=NOW - 10 * MINUTE)
    assert items() == []
    assert len(items(now=NOW + MINUTE)) == 1
    away.update(last_seen=NOW - 11 * MINUTE)
    (item,) = items()
    assert (item.code, item.severity, item.device) == ("no_contact", "warning", None)
    assert item.message == "6 terminals are not in contact: T01, T02, T03, T04, T05 and 1 more"
    assert item.path == f"/?site={site.pk}&contact=no"
    Agent.objects.filter(device=terminals[0]).update(connected=True)
    assert codes(items()) == [("no_contact", f"T{number:02}") for number in range(2, 7)]


def test_a_server_without_contact_speaks_for_its_terminals(items):
    make_club(1)
    Agent.objects.update(connected=False, last_seen=NOW - 59 * dt.timedelta(seconds=1))
    assert items() == []
    Agent.objects.update(last_seen=NOW - 20 * MINUTE)
    assert [(item.code, item.severity, item.device) for item in items()] == [("server_no_contact", "error", "netpos")]
    Agent.objects.update(last_seen=None)
    assert codes(items(now=NOW + 20 * MINUTE)) == [("server_no_contact", "netpos")]


def test_a_terminal_by_hand_that_waits_for_a_person_is_named(items):
    site, server, _ = make_club(0)
    kiosk = make_device(site, name="K1", agent=False)
    cutover = started(site, "switching")
    make_run(cutover, server, "verified")
    run = make_run(cutover, kiosk, "armed", by_hand=True)
    assert not items()
    for state, words in (("switching", "set to HTTPS by hand"), ("undoing", "set back to HTTP by hand")):
        DeviceRun.objects.filter(pk=run.pk).update(state=state)
        (item,) = items()
        assert (item.code, item.severity, item.device) == ("by_hand_waiting", "warning", "K1")
        assert words in item.message
        assert item.path == f"/cutovers/{cutover.pk}/by-hand/{kiosk.pk}/"


# --- all of it ---------------------------------------------------------------------------------------------


def everything(sites, terminals):
    """Sites at which all of it is wrong."""
    for number in range(sites):
        site = make_site(name=f"Site {number:02}", warning=finding("restored_backup"), trouble=finding("tick_failed"))
        server = make_device(site, "server", name="netpos", scheme="https")
        server.facts["certificates"][0]["not_after"] = (NOW + DAY).isoformat()
        server.save()
        rows = [Device(site=site, kind="terminal", name=f"T{n:02}", scheme="http") for n in range(terminals)]
        rows = Device.objects.bulk_create(rows)
        alarms = [finding("instructions_refused") if n % 2 else None for n in range(terminals)]
        Agent.objects.bulk_create(
            Agent(device=d, public_key=f"{d.pk}", last_seen=NOW - DAY, alarm=a) for d, a in zip(rows, alarms, strict=True)
        )
        cutover = started(site, "needs_person", certificate_thumbprint=THUMBPRINT, cause=finding())
        runs = [DeviceRun(cutover=cutover, device=d, kind="terminal", state="failed", finding=finding()) for d in rows]
        for run in runs[::3]:
            run.cut_off_since = NOW
        DeviceRun.objects.bulk_create(runs)
        make_cutover(site, state="submitted")


def test_the_price_is_the_same_for_a_fleet_of_any_size(ada, django_assert_num_queries):
    everything(1, 2)
    sources, role = 13, 1
    with django_assert_num_queries(sources + role):
        small = listing.of(ada, NOW)
    assert small.count == len(small.items)
    Site.objects.all().delete()
    everything(60, 40)
    counted_apart = 3  # those with more than 200
    with django_assert_num_queries(sources + role + counted_apart):
        found = listing.of(ada, NOW)
    assert len(found.items) == listing.LIMIT
    # differs, cut off, cutover and devices, alarms, two words, certificate, approval, terminals away
    assert found.count == 60 * (40 + 14 + 1 + 40 + 20 + 2 + 1 + 1 + 1)


def test_the_gravest_come_first_in_an_order_that_stays(ada):
    everything(2, 3)
    found = listing.of(ada, NOW).items
    assert list(dict.fromkeys(item.code for item in found)) == [
        "cut_off", "scheme_differs", "needs_person", "lookup_failed", "instructions_refused", "restored_backup",
        "tick_failed", "certificate_ending", "approval_waiting", "no_contact",
    ]  # fmt: skip
    levels = [item.severity for item in found]
    assert levels == sorted(levels)  # errors before warnings
    assert listing.of(ada, NOW).items == found


def test_a_devices_words_are_one_line_of_text_and_not_endless(items):
    _, _, (one,) = make_club(1)
    Agent.objects.filter(device=one).update(alarm=finding("a" * 90, "x\x1b[31m\n‮" + "y" * 9000, "z" * 9000))
    (item,) = items()
    assert item.message.isprintable()
    assert (len(item.code), len(item.message), len(item.remedy)) == (40, 600, 600)
