"""`manage.py make_keys [--yes-new-key]`: makes the dashboard's keys where there are none, or where they are lost for ever."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fleet.models import Agent
from fleet.services import clock, keys
from fleet.services.agents import admission


class Command(BaseCommand):
    """See the module. It never makes a key that enrolled agents do not know without --yes-new-key."""

    help = "Makes the keys that are missing. Where agents are enrolled: restore the backup's, or --yes-new-key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--yes-new-key", action="store_true", help="make new ones; every device must be enrolled again afterwards"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = keys.missing()
        if not names:
            self.stdout.write("No key is missing.")
            return
        if Agent.objects.exists() and not options["yes_new_key"]:
            raise CommandError(str(keys.Missing(names)))
        count = admission.lose_keys(names, clock.now())
        keys.make_missing()
        self.stdout.write(f"Made: {', '.join(names)}.")
        if count:
            self.stdout.write(
                f"{count} agents are shut out. For each device: New token on the Agents page, put it on the device as"
                " enrol.token in the agent's state folder"
                + (", and the new gateway-ca.pem in place of the old one." if set(names) & set(keys.GATEWAY) else ".")
            )
