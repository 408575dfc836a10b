"""What import-linter cannot see: what a fresh interpreter really loads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("django", "celery", "redis", "kombu", "granian", "ninja")


@pytest.mark.parametrize(
    "module",
    [
        "fleet.cutover.states",
        "fleet.cutover.plan",
        "fleet.cutover.reports",
        "fleet.preflight.certificate.batch",
        "fleet.preflight.certificate.viewpoints",
        "agents.runner",
        "agents.transport",
        "agents.__main__",
    ],
)
def test_light_modules_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{m.split('.')[0] for m in sys.modules}} & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "", f"{module} loads {done.stdout.strip()}"


@pytest.mark.parametrize("package", ["fleet", "agents"])
def test_packages_stay_empty(package: str) -> None:
    text = (ROOT / package / "__init__.py").read_text()
    assert text == "", f"{package}/__init__.py must stay empty: Celery's usual import there would reach the pure domain"


def test_only_services_write_states() -> None:
    """Lint rule 1: `.state =`, `.update(state=` and friends appear only under fleet/services/."""
    bad = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "fleet").rglob("*.py")
        if "services" not in path.parts and "migrations" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if ".state = " in line or "update(state=" in line or "update(**{'state'" in line
    ]
    assert not bad, f"change states through a service: {bad}"


def test_the_product_never_imports_its_tests() -> None:
    """What is under tests/ is not installed with the product."""
    bad = [
        str(path.relative_to(ROOT))
        for package in ("fleet", "agents")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(from|import) tests\b", path.read_text(), re.MULTILINE)
    ]
    assert not bad, f"the product imports its tests: {bad}"


def test_only_the_lab_knows_what_the_lab_speaks() -> None:
    """What Touch and NetPOS.Net say to each other differs by site, so nothing but the lab may know the lab's own paths."""
    known = re.compile(r"/netpos\b", re.IGNORECASE)
    places = [ROOT / "fleet", ROOT / "agents", ROOT / "templates", ROOT / "static"]
    files = [path for place in places for path in place.rglob("*") if path.suffix in (".py", ".html", ".js", ".toml", ".txt")]
    bad = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if ROOT / "agents" / "lab" not in path.parents
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if known.search(line)
    ]
    assert len(files) > 100
    assert not bad, f"the lab's paths stand outside agents/lab: {bad}"
