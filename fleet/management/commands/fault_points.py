"""`manage.py fault_points [--json]`: every named point at which a process can be made to die."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fleet.management.faults import points


class Command(BaseCommand):
    """See the module."""

    help = "List every point at which a process can die: the agents' steps forward and back, and the dashboard's services."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch."""
        parser.add_argument("--json", action="store_true", help="as a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line per point, and the count."""
        found = points.every()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(point) for point in found], indent=1))
            return
        for point in found:
            self.stdout.write(f"{point.name:<40} {point.where:<24} {' and '.join(point.ways)}")
        self.stdout.write(f"{len(found)} points")
