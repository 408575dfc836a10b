"""`manage.py setup_demo`: makes the demo's database, static files, people and site. `manage.py demo` runs it.

It first migrates, while the lab is being built. Then it reads the lab's layout as JSON from standard input, and prints what
it made as JSON.
"""

import json
import secrets
import sys
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from fleet.models import Role
from fleet.services import clock, keys, tokens
from fleet.services.agents import admission
from fleet.services.devices import descriptions, sites
from fleet.services.probes import versions


class Command(BaseCommand):
    """See the module."""

    help = "Prepare the demo's database (used by manage.py demo)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all of it."""
        call_command("migrate", verbosity=0, interactive=False)
        keys.make_missing()
        call_command("collectstatic", verbosity=0, interactive=False)
        json.dump(self._make(json.load(sys.stdin)), self.stdout)

    def _make(self, layout: dict[str, Any]) -> dict[str, Any]:
        passwords = {role: secrets.token_urlsafe(12) for role in Role}
        people = {role: _person(role, passwords[role]) for role in Role}
        site = sites.add_site("Harbour Club", zone="Australia/Sydney", member=layout["member"], two_persons=False)
        now = clock.now()
        for name, kind, token_file in layout["devices"]:
            device = sites.add_device(site, kind, name)
            if name in layout["by_hand"]:
                descriptions.update(people[Role.ADMIN], device.pk, descriptions.Described(by_hand=True))
                continue
            path = Path(token_file)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(admission.new_token(device, now), encoding="utf-8")
        if layout["probe"]:
            versions.save(people[Role.ADMIN], site.pk, layout["probe"], now, versions.Source.RECORDED)
        server = site.server
        return {
            "site": site.pk,
            "server": server.pk if server else None,
            "admin_user": people[Role.ADMIN].get_username(),
            "admin_password": passwords[Role.ADMIN],
            "approver_user": people[Role.APPROVER].get_username(),
            "approver_password": passwords[Role.APPROVER],
            "api_token": tokens.create(people[Role.ADMIN], "demo"),
            "approver_token": tokens.create(people[Role.APPROVER], "demo"),
            "auditor_token": tokens.create(people[Role.AUDITOR], "demo"),
        }


def _person(role: Role, password: str) -> User:
    user = User.objects.create_user(username=role.value, password=password)
    user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return user
