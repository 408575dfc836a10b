"""Rows for tests, every default written out. Pass what a test is about, leave the rest."""

import datetime as dt
import itertools
from typing import Any

from django.contrib.auth.models import Group, User

from fleet.cutover import states
from fleet.models import Agent, Cutover, Device, DeviceRun, ProbeVersion, Role, Site, StepRun, Transition

NOW = dt.datetime(2026, 3, 14, 16, 0, tzinfo=dt.UTC)  # 03:00 in Sydney, the night of a cutover
PASSWORD = "a long password for tests"
_numbers = itertools.count(1)


def make_user(name: str = "", role: Role | None = Role.ADMIN) -> User:
    """A person with this role, or none."""
    user = User.objects.create_user(name or f"person{next(_numbers)}", password=PASSWORD)
    if role:
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return user


def make_site(**changes: Any) -> Site:
    """A site without devices, where one person may start."""
    values = {"name": f"Club {next(_numbers)}", "zone": "Australia/Sydney", "two_persons": False, "member": "1001", "epoch": 0}
    return Site.objects.create(**values | changes)


def certificate(**changes: Any) -> dict[str, Any]:
    """One entry of a server's facts, as its agent reports them."""
    return {
        "thumbprint": "AB" * 20,
        "subject": "CN=netpos.club.example",
        "issuer": "CN=Club CA",
        "names": ["netpos.club.example"],
        "not_before": "2026-01-01T00:00:00+00:00",
        "not_after": "2030-01-01T00:00:00+00:00",
        "has_key": True,
    } | changes


def make_device(site: Site, kind: str = "terminal", *, agent: bool = True, connected: bool = True, **changes: Any) -> Device:
    """A device on HTTP, by default with an agent in contact."""
    number = next(_numbers)
    facts = {"certificates": [certificate()]} if kind == "server" else {}
    values = {
        "site": site, "kind": kind, "name": f"{kind}-{number}", "note": "", "tags": [], "scheme": "http",
        "host": "netpos.club.example", "port": 10101, "facts": facts,
    }  # fmt: skip
    device = Device.objects.create(**values | changes)
    if agent:
        Agent.objects.create(device=device, public_key=f"key{number}", connected=connected, enrolled_at=NOW, last_seen=NOW)
    return device


PROBE = """
[interfaces]
method = "GET"
path = "/list"
expect = { status = 200, type = "application/json" }

[member]
method = "GET"
path = "/member/{member}"
expect = { status = 200, contains = "{member}" }
"""


def make_probe(site: Site, **changes: Any) -> ProbeVersion:
    """A probe profile of this site: its proofs are of the application."""
    number = site.probes.count() + 1
    values = {"site": site, "number": number, "text": PROBE, "source": "uploaded", "created_by": None, "created_at": NOW}
    return ProbeVersion.objects.create(**values | changes)


def make_cutover(site: Site, **changes: Any) -> Cutover:
    """A draft to HTTPS whose window opens NOW for an hour."""
    values = {
        "site": site, "from_scheme": "http", "to_scheme": "https", "state": states.Cutover.DRAFT.value,
        "direction": "forward", "starts_now": True, "starts_at": NOW, "duration_minutes": 60,
        "ends_at": NOW + dt.timedelta(minutes=60), "no_return_at": NOW + dt.timedelta(minutes=46),
        "on_window_close": "hold", "on_threshold": "roll_back", "waves": [], "limits": [0, 1], "exclude": [],
        "epoch": 1, "version": 1,
    }  # fmt: skip
    return Cutover.objects.create(**values | changes)


def make_run(cutover: Cutover, device: Device, state: str = "pending", **changes: Any) -> DeviceRun:
    """This device's part in this cutover."""
    values = {
        "cutover": cutover, "device": device, "kind": device.kind, "wave": 0, "state": state, "step": "",
        "attempts": 0, "finding": None, "outage_ms": None, "changed_at": NOW, "version": cutover.version,
    }  # fmt: skip
    return DeviceRun.objects.create(**values | changes)


def make_step(run: DeviceRun, name: str, **changes: Any) -> StepRun:
    """A step that was done."""
    values = {
        "run": run, "epoch": 1, "seq": next(_numbers), "name": name, "direction": "forward", "at": NOW,
        "took_ms": 120, "evidence": {},
    }  # fmt: skip
    return StepRun.objects.create(**values | changes)


def make_transition(cutover: Cutover, new: str, run: DeviceRun | None = None, **changes: Any) -> Transition:
    """One line of the log."""
    values = {
        "cutover": cutover, "run": run, "device_name": run.device.name if run else "", "at": NOW, "old": "", "new": new,
        "actor": "plan", "reason": "", "version": cutover.version, "digest": f"{next(_numbers):064x}",
    }  # fmt: skip
    return Transition.objects.create(**values | changes)


def make_club(terminals: int = 3, **site: Any) -> tuple[Site, Device, list[Device]]:
    """A site with its server and terminals T01, T02, ..."""
    club = make_site(**site)
    server = make_device(club, "server", name="netpos")
    return club, server, [make_device(club, name=f"T{i:02}") for i in range(1, terminals + 1)]
