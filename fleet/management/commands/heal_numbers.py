"""`manage.py heal_numbers [--site ID] [--yes]`: repairs numbers that an agent could drive out of their bounds in older
versions."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fleet.models import Site
from fleet.services import healing, keys


class Command(BaseCommand):
    """See the module, and docs/reliability.md."""

    help = "Brings epochs and sequence numbers that are out of bounds back. Without --yes it only says what it would do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", type=int, help="the id of one site; all of them without it")
        parser.add_argument("--yes", action="store_true", help="do it; stop the worker before")

    def handle(self, *args: Any, **options: Any) -> None:
        sites = Site.objects.filter(pk=options["site"]) if options["site"] is not None else Site.objects.all()
        if options["site"] is not None and not sites:
            raise CommandError(f"--site: there is no site {options['site']}")
        try:
            found = [healing.heal(site, really=options["yes"]) for site in sites]
        except keys.Missing as error:
            raise CommandError(str(error)) from error
        for healed in found:
            for what, old, new in healed.changes:
                self.stdout.write(f"{healed.site}: {what}: {old} -> {new}")
        if not any(healed.changes for healed in found):
            self.stdout.write("Every number is in bounds.")
        elif not options["yes"]:
            self.stdout.write("Nothing was changed. Stop the worker, then say --yes.")
        else:
            self.stdout.write("Done. A cutover that is paused with restored_backup stays so: press Roll back.")
