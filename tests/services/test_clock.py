"""What fleet/services/clock.py says of itself: nobody else reads the date and time, but for the places it names."""

import ast
from pathlib import Path

FLEET = Path(__file__).resolve().parents[2] / "fleet"
READS = {
    "timezone.now",
    "datetime.now",
    "dt.datetime.now",
    "datetime.datetime.now",
    "time.time",
    "datetime.utcnow",
    "date.today",
}
NAMED = ("services/clock.py", "models/", "migrations/", "management/")


def test_the_clock_is_read_in_its_module_and_in_the_places_that_it_names():
    others = []
    for path in FLEET.rglob("*.py"):
        place = path.relative_to(FLEET).as_posix()
        if place.startswith(NAMED):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in READS:
                others.append(f"{place}:{node.lineno}")
    assert others == [], "call fleet.services.clock.now() there, or take `now` as an argument"


def test_models_read_it_for_the_default_of_a_column_and_nowhere_else():
    reads = defaults = 0
    for path in (FLEET / "models").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in READS:
                reads += 1
            if isinstance(node, ast.keyword) and node.arg == "default" and ast.unparse(node.value) in READS:
                defaults += 1
    assert reads == defaults > 0
