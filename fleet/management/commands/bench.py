"""`manage.py bench`: measures cutover, rollback and pages on this machine and writes var/bench/results.json.

In that file, what this command does not measure is null: gateway, live, peers."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from fleet.management.bench import measure
from fleet.management.demo.site import DemoSite


class Command(BaseCommand):
    """See the module."""

    help = "Measure cutover, rollback and pages with the lab; results in var/bench/results.json."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Sizes and rounds."""
        parser.add_argument("--terminals", type=int, nargs="+", default=[24, 100], help="sizes of the site")
        parser.add_argument("--rounds", type=int, default=3, help="of each size; the median is kept")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, write, and show."""
        folder = settings.BASE_DIR / "var" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        results: dict[str, Any] = {"machine": _machine(), "cutover": [], "rollback": [], "pages": []}
        results |= {"gateway": None, "live": None, "peers": None}
        for size in tqdm(options["terminals"], unit=" size", disable=None):
            forward, back, pages = self._one(folder, size, options["rounds"])
            results["cutover"].append(forward)
            results["rollback"].append(back)
            results["pages"] += pages
            self.stdout.write(f"{size} terminals: {json.dumps(forward)}")
            self.stdout.write(f"{size} terminals, back: {json.dumps(back)}")
        (folder / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
        self.stdout.write(f"written: {folder / 'results.json'}")

    def _one(self, folder: Path, size: int, rounds: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        site = DemoSite(folder / f"site-{size}", size)
        site.start()
        try:
            pairs = [measure.cutover(site, folder / "scratch") for _ in range(rounds)]
            pages = measure.pages(site)
        finally:
            site.stop()
        return measure.median([f for f, _ in pairs]), measure.median([b for _, b in pairs]), pages


def _machine() -> dict[str, Any]:
    return {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
