"""The rooms of fleet/web: what reads the database, and who may import whom."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "fleet" / "web"
ROOMS = ("by_hand", "fleet", "live", "plan", "readiness", "site")
# What reads the database, by the name under which it is called. A view calls view_models.py instead.
METHODS = frozenset({
    "objects", "filter", "exclude", "annotate", "aggregate", "select_related", "prefetch_related", "order_by", "values_list",
    "ModelChoiceField",
})  # fmt: skip
FUNCTIONS = frozenset({"get_object_or_404", "get_list_or_404"})
# The stream looks for a new version itself, once a second for each browser.
READERS = ("view_models.py", "stream.py")
PAGES = ("urls.py",)  # the only module of fleet/web itself that knows the rooms


def reads_in(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of each place where this source reads the database."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Name) and node.id in FUNCTIONS:
            yield node.lineno, node.id


def imports_of(path: Path) -> Iterator[str]:
    """Every module that this one imports, also inside functions and for typing."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    """The rooms that this module imports something from."""
    found = (re.match(r"fleet\.web\.(\w+)", name) for name in imports_of(path))
    return {match[1] for match in found if match and match[1] in ROOMS}


@pytest.mark.parametrize(
    "source", ["Site.objects.all()", "run.steps.filter(pk=1)", "get_object_or_404(Site, pk=1)", "forms.ModelChoiceField(sites)"]
)
def test_what_reads_the_database_is_seen(source: str) -> None:
    assert list(reads_in(source))


@pytest.mark.parametrize("room", ROOMS)
def test_only_view_models_read_the_database(room: str) -> None:
    bad = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in (WEB / room).glob("*.py")
        if path.name not in READERS
        for line, name in reads_in(path.read_text())
    ]
    assert not bad, f"read the database in {room}/view_models.py: {bad}"


def test_templates_read_no_database() -> None:
    bad = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in (ROOT / "templates").rglob("*.html")
        for found in re.finditer(r"\{[{%][^}]*(\.objects|_set|\.all|\.count|\.first|\.exists)\b[^}]*\}", path.read_text())
        if not re.search(r"(paginator|attention)\.count|group\.first|forloop\.first|attention\.first", found[0])
    ]
    assert not bad, f"let a view_models.py read it: {bad}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_never_imports_another_room(room: str) -> None:
    bad = [
        f"{path.relative_to(ROOT)} imports fleet.web.{other}"
        for path in (WEB / room).glob("*.py")
        for other in rooms_imported(path) - {room}
    ]
    assert not bad, f"move what several rooms use to fleet/web itself: {bad}"


def test_what_the_rooms_share_imports_no_room() -> None:
    bad = [
        f"{path.relative_to(ROOT)} imports fleet.web.{room}"
        for path in WEB.glob("*.py")
        if path.name not in PAGES
        for room in rooms_imported(path)
    ]
    assert not bad, f"move what several pages use to fleet/web itself: {bad}"
