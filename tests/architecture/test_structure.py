"""Rooms that one can see into: how many modules a folder has, how long they are, and who imports whom."""

from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from tests.architecture.commit_subjects import LONGEST, too_long

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("fleet", "agents")
MOST_MODULES, MOST_LINES = 18, 400
ENTRIES = {"__init__.py", "__main__.py"}  # what a folder is for and how it is started, not one of its modules


def folders() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path.parent for path in (ROOT / package).rglob("__init__.py"))


def crowded(folder: Path) -> list[str]:
    """The modules of a folder that has too many, else nothing."""
    modules = [path.name for path in folder.glob("*.py") if path.name not in ENTRIES]
    return sorted(modules) if len(modules) > MOST_MODULES else []


def circles(imports: dict[str, set[str]]) -> list[set[str]]:
    """Groups of modules that import each other, directly or through others. imports: module -> what it imports."""
    reach = {module: _reached(module, imports) for module in imports}
    found = {frozenset(other for other in reach[m] if m in reach.get(other, ())) for m in imports if m in reach[m]}
    return [set(group) for group in sorted(found, key=sorted)]


def _reached(start: str, imports: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    todo = list(imports[start])
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += imports.get(module, ())
    return reached


def test_no_folder_has_more_modules_than_one_can_look_over() -> None:
    found = {str(folder.relative_to(ROOT)): names for folder in folders() if (names := crowded(folder))}
    assert not found, f"more than {MOST_MODULES} modules: make rooms"


def test_no_module_is_longer_than_one_can_read() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    assert not {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MOST_LINES}


def test_no_modules_import_each_other_in_a_circle_not_even_for_their_types() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False)
    assert not circles({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})


def test_each_folder_says_what_is_in_it() -> None:
    """The two packages themselves stay empty (test_imports.py); so do Django's folders."""
    silent = {"fleet", "agents", "fleet/migrations", "fleet/management", "fleet/management/commands"}
    empty = {str(folder.relative_to(ROOT)) for folder in folders() if not (folder / "__init__.py").read_text(encoding="utf-8")}
    assert empty <= silent


def test_these_checks_can_fail(tmp_path: Path) -> None:
    for number in range(MOST_MODULES + 1):
        (tmp_path / f"m{number}.py").touch()
    assert len(crowded(tmp_path)) == MOST_MODULES + 1
    (tmp_path / "m0.py").rename(tmp_path / "__init__.py")
    assert crowded(tmp_path) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [{"b", "c"}]


@pytest.mark.parametrize(("length", "bad"), [(LONGEST, False), (LONGEST + 1, True)])
def test_a_commits_subject_has_at_most_72_characters(length: int, bad: bool) -> None:
    assert bool(too_long(["x" * length])) is bad
