"""The list of planted bugs does not rot: every text, file and test that it names is there."""

import re
from pathlib import Path

import pytest

from tests.planted.bug import Bug
from tests.planted.bugs import BUGS

ROOT = Path(__file__).resolve().parents[2]


def test_there_are_enough_and_their_names_are_unique() -> None:
    assert len(BUGS) >= 22
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_its_text_occurs_exactly_once_and_its_tests_exist(bug: Bug) -> None:
    assert (ROOT / bug.file).read_text(encoding="utf-8").count(bug.old) == 1, f"change `old` to what {bug.file} says now"
    compile((ROOT / bug.file).read_text(encoding="utf-8").replace(bug.old, bug.new), bug.file, "exec")
    assert bug.old != bug.new
    assert bug.tests
    for test in bug.tests:
        file, name = test.split("::")
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_planting_changes_the_file_once(tmp_path: Path) -> None:
    bug = Bug("n", "b", "f.py", "good", "bad", ())
    (tmp_path / "f.py").write_text("good code\n")
    bug.plant(tmp_path)
    assert (tmp_path / "f.py").read_text() == "bad code\n"
    with pytest.raises(ValueError, match="occurs 0 times"):
        bug.plant(tmp_path)
