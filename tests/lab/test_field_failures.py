"""The twenty field failures, end to end: planted in a lab, told by its agents, and named by the verdict of readiness. A
lab in which nothing is planted is ready."""

import contextlib
import inspect
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agents.lab import misconfigurations
from agents.lab.build import build
from agents.lab.layout import MONITOR, LabLayout
from fleet.preflight.site.field_failures import FIELD_FAILURES
from fleet.preflight.site.readiness import Readiness
from tests.lab.conftest import Lab, find_programs
from tests.lab.survey import Survey, opens_tls
from tests.ports import free_port

pytestmark = pytest.mark.lab

Plant = Callable[..., Any]
Act = Callable[[Lab], object]
SEED = 2041
SERVER, TILL, SITE = "server", "till", "site"
CODES = {failure.number: failure.codes for failure in FIELD_FAILURES}

Named = tuple[str, str, str]  # a code, whose, and how gravely


@dataclass(frozen=True)
class Case:
    """One way to bring a failure about, and all that must name it. planned: whether a plan names the certificate;
    before: makes the site that is healthy still; between: what goes before the plant."""

    number: int
    plant: Plant
    named: tuple[Named, ...]
    planned: bool = True
    before: Act | None = None
    between: Act | None = None


def plant_name(plant: Plant) -> str:
    function = plant.func if isinstance(plant, partial) else plant
    return str(function.__name__)


def without_monitor(lab: Lab) -> None:
    lab.sc("stop", MONITOR)
    assert lab.run("sc", "config", MONITOR, "start=", "disabled")[0] == 0


def on_https(lab: Lab) -> None:
    assert lab.to_https() == "RUNNING"
    for name in lab.layout.names:
        lab.secured(name, True)


def _case(number: int, plant: Plant, *named: Named, **more: Any) -> Case:
    return Case(number, plant, named, **more)


CASES = (
    _case(1, misconfigurations.binding_on_another_port, ("binding_other_port", SERVER, "warning")),
    _case(2, misconfigurations.http_reservation_remains, ("other_scheme_reservation", SERVER, "error")),
    _case(3, misconfigurations.https_reservation_remains, ("other_scheme_reservation", SERVER, "error")),
    _case(3, misconfigurations.reservation_unmovable, ("reservation_refused", SERVER, "error")),
    _case(3, misconfigurations.reservation_without_list, ("reservation_unreadable", SERVER, "error")),
    _case(4, misconfigurations.key_missing, ("certificate_key_missing", SERVER, "error")),
    _case(4, misconfigurations.key_missing, ("certificate_none", SERVER, "error"), planned=False),
    _case(4, misconfigurations.key_in_profile, ("key_in_profile", SERVER, "error")),
    _case(4, misconfigurations.certificate_elsewhere, ("certificate_missing", SERVER, "error")),
    _case(5, misconfigurations.key_unusable, ("key_unreadable", SERVER, "error"), ("rehearsal_failed", SITE, "warning")),
    _case(6, misconfigurations.torn_thumbprint, ("binding_unreadable", SERVER, "error")),
    _case(
        8,
        misconfigurations.restarted_by_itself,
        ("recovery_restarts", SERVER, "info"),
        ("monitor_present", SERVER, "info"),
        before=without_monitor,
    ),
    _case(9, misconfigurations.port_taken, ("port_owner", SERVER, "error"), between=Lab.end),
    _case(9, misconfigurations.foreign_binding, ("foreign_binding", SERVER, "error")),
    _case(10, misconfigurations.specific_binding, ("specific_binding", SERVER, "error")),
    _case(11, misconfigurations.narrowed_addresses, ("iplisten_narrow", SERVER, "error")),
    _case(11, partial(misconfigurations.narrowed_addresses, address="127.0.0.1"), ("iplisten_set", SERVER, "warning")),
    _case(12, misconfigurations.wrong_host, ("ip_not_in_san", TILL, "error")),
    _case(12, partial(misconfigurations.wrong_host, host="netpos"), ("name_mismatch", TILL, "error")),
    _case(13, misconfigurations.root_missing, ("untrusted_root", TILL, "error")),
    _case(13, misconfigurations.chain_without_intermediate, ("missing_intermediate", TILL, "error")),
    _case(14, misconfigurations.old_tls, ("tls_too_old", TILL, "error"), ("tls_refused", TILL, "error")),
    _case(15, misconfigurations.wrong_clock, ("clock_outside_validity", TILL, "error")),
    _case(15, partial(misconfigurations.wrong_clock, skew_s=-1200), ("clock_off", TILL, "warning")),
    _case(15, misconfigurations.wrong_server_clock, ("clock_off", SERVER, "warning")),
    _case(16, misconfigurations.old_binding_kept, ("newer_certificate", SERVER, "warning"), before=on_https),
    _case(17, misconfigurations.slow_first_contact, ("first_contact_too_slow", TILL, "error")),
    _case(
        17, partial(misconfigurations.slow_first_contact, latency_ms=550, timeout_s=2), ("slow_first_contact", TILL, "warning")
    ),
    _case(18, misconfigurations.read_only_settings, ("settings_not_writable", TILL, "error")),
    _case(19, misconfigurations.switched_off, ("seat_no_answer", TILL, "error"), ("no_contact", TILL, "warning")),
    _case(19, misconfigurations.stranger, ("unmanaged_peers", SERVER, "warning")),
)


@pytest.fixture
def site(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab of its own, whose server runs."""
    find_programs(monkeypatch, lab.layout)
    lab.netpos()
    return lab


def named(readiness: Readiness) -> dict[tuple[str, str | None], str]:
    """What is told of, with its level; what is fine is not."""
    return {(one.code, one.device): one.severity for one in readiness.items if one.severity != "fine"}


async def healthy(survey: Survey) -> dict[tuple[str, str | None], str]:
    """What is told of a site on which nothing has been planted: no error and no warning."""
    readiness = await survey.look()
    assert readiness.of("error", "warning") == ()
    assert readiness.verdict == "ready"
    return named(readiness)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.number}-{case.named[0][0]}" for case in CASES])
async def test_what_is_planted_is_named(site: Lab, case: Case) -> None:
    if case.before:
        case.before(site)
    survey = Survey(site.layout, site.layout.thumbprint if case.planned else "")
    till = site.layout.names[0]
    devices = {SERVER: site.layout.server_name, TILL: till, SITE: None}
    expected = {(code, devices[whose]): level for code, whose, level in case.named}
    assert {code for code, _ in expected} <= set(CODES[case.number])
    assert not expected.keys() & (await healthy(survey)).keys()
    if case.between:
        case.between(site)
    with planted(case.plant, site.layout, till):
        found = named(await survey.look())
    assert found | expected == found


@contextlib.contextmanager
def planted(plant: Plant, lab: LabLayout, till: str) -> Iterator[None]:
    """Some plants are there for a while only, and some are a till's."""
    made = plant(lab, till) if "name" in inspect.signature(plant).parameters else plant(lab)
    with made if made is not None else contextlib.nullcontext():
        yield


@pytest.mark.parametrize("language", ["german", "portuguese"])
async def test_a_server_that_has_never_heard_of_everyone_is_ready(site: Lab, language: str) -> None:
    """7: nothing can be wrong there, because nobody is called by a name: the port is reserved by SID."""
    survey = Survey(site.layout, site.layout.thumbprint)
    before = await healthy(survey)
    misconfigurations.other_language(site.layout, language)
    assert "1332" in site.netsh("add", "urlacl", "url=http://+:10999/", "user=EVERYONE")[1]
    misconfigurations.other_language(site.layout, f"{language}-oem")
    readiness = await survey.look()
    assert (readiness.verdict, named(readiness)) == ("ready", before)
    assert {"reservations_good"} == {one.code for one in readiness.of("fine")} & set(CODES[7])
    misconfigurations.no_reservation(site.layout)
    assert ("no_reservation", site.layout.server_name) in named(await survey.look())


@pytest.mark.parametrize("spoil", [lambda text: text[:38], lambda text: "\u200e" + text, lambda text: f"{text[:2]} {text[2:]}"])
async def test_a_plan_whose_thumbprint_is_none_is_named(site: Lab, spoil: Callable[[str], str]) -> None:
    """6, before it has come to a binding."""
    survey = Survey(site.layout, site.layout.thumbprint)
    name = ("thumbprint_malformed", site.layout.server_name)
    assert name not in await healthy(survey)
    survey.thumbprint = spoil(site.layout.thumbprint)
    assert name[0] in CODES[6]
    assert named(survey.assess())[name] == "error"


async def test_a_certificate_that_ends_soon_is_named(site: Lab) -> None:
    """16: the lab's store has one of 25 days, and the plan takes that."""
    survey = Survey(site.layout, site.layout.thumbprint)
    before = await healthy(survey)
    rows = survey.facts[site.layout.server_name]["certificates"]
    survey.thumbprint = next(row["thumbprint"] for row in rows if not row["has_key"])
    found = named(survey.assess())
    for name, level in (
        (("certificate_expires_soon", site.layout.server_name), "warning"),
        (("rehearsal_other_certificate", None), "error"),
    ):
        assert name[0] in CODES[16]
        assert name not in before
        assert found[name] == level


async def test_a_terminal_that_nobody_manages_is_named(site: Lab) -> None:
    """19: imported from a list, and without an agent."""
    survey = Survey(site.layout, site.layout.thumbprint)
    assert ("no_agent", "Kiosk-99") not in await healthy(survey)
    survey.unmanaged = ("Kiosk-99",)
    assert "no_agent" in CODES[19]
    assert named(survey.assess())["no_agent", "Kiosk-99"] == "error"


async def test_something_that_opens_tls_in_between_is_named(site: Lab, tmp_path: Path) -> None:
    """20: the till trusts it, and gets an answer."""
    survey = Survey(site.layout, site.layout.thumbprint)
    till = site.layout.names[0]
    name = ("intercepted", till)
    assert name not in await healthy(survey)
    context = misconfigurations.inspected(site.layout, till, tmp_path)

    async with opens_tls(context) as port:
        survey.diverted[till] = port
        found = named(await survey.look())
    assert name[0] in CODES[20]
    assert found[name] == "error"


def test_the_table_names_the_plants_that_were_tried() -> None:
    tried = {
        failure.number: {plant_name(case.plant) for case in CASES if case.number == failure.number}
        for failure in FIELD_FAILURES
    }
    tried[7] |= {"other_language", "no_reservation"}
    tried[20] |= {"inspected"}
    for failure in FIELD_FAILURES:
        told = {word for word in re.findall(r"`(\w+)`", failure.planted) if hasattr(misconfigurations, word)}
        assert told == tried[failure.number] != set(), failure.number


@pytest.fixture
def fifty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A site of fifty tills, no two of them set alike."""
    port = free_port()
    layout = build(
        tmp_path / "fifty", terminals=50, seed=SEED, port=port, gateway="wss://localhost:1/agent", gateway_ca=tmp_path / "no-ca"
    )
    find_programs(monkeypatch, layout)
    made = Lab(layout)
    vary(layout)
    try:
        made.netpos()
        yield made
    finally:
        made.end()


def vary(layout: LabLayout) -> None:
    """Old Windows and new, clocks a little off, networks near and far, patience and access codes of several kinds: all
    as a site in order has them."""
    rng = random.Random(SEED)
    for name in layout.names:
        misconfigurations.fault(
            layout,
            name,
            tls_max=rng.choice(("", "1.2", "1.3")),
            clock_skew_s=rng.uniform(-240, 240),
            latency_ms=rng.choice((0, 5, 40)),
            disk_free_mb=rng.choice((200, 900, 80_000)),
        )
        path = layout.terminal_dir(name) / "TouchSettings.xml"
        path.write_bytes(path.read_bytes().replace(b"<TimeoutSeconds>6", f"<TimeoutSeconds>{rng.choice((6, 8, 15))}".encode()))
    misconfigurations.access_codes(layout, server="club-2041", **dict.fromkeys(layout.names[::2], "club-2041"))


async def test_fifty_healthy_terminals_with_varied_settings_alarm_nobody(fifty: Lab, record_testsuite_property: Any) -> None:
    survey = Survey(fifty.layout, fifty.layout.thumbprint, samples=1)
    begun = time.monotonic()
    found = await healthy(survey)
    record_testsuite_property("a look at 50 terminals", f"{time.monotonic() - begun:.1f} s")
    assert {code for code, _ in found} == {"host_spellings", "monitor_present"}
    told = [survey.facts[name] for name in fifty.layout.names]
    for fact in ("host", "timeout_s", "access_code"):
        assert len({row[fact] for row in told}) > 1, fact
    assert survey.held is not None
    assert {probe.tls for probe in survey.held.checks} == {"TLSv1.2", "TLSv1.3"}
    assert len(survey.held.checks) == len(told) == 50
