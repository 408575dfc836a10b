"""Files as bug reports and root stores of public projects are full of, by the command's own way: its arguments, its
reading of files, its child. cases/cases.json has the rule for each. And the same files as what devices say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.management.commands.check_certificate import Command, _task
from fleet.management.preflight.guard import Guard
from tests.preflight.site import healthy

FOLDER = Path(__file__).parent / "cases"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
PEMS = sorted(path.name for path in FOLDER.glob("*.pem"))


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard(seconds=10) as started:
        yield started


def _answer(guard: Guard, arguments: list[str]) -> dict[str, Any]:
    paths = [str(FOLDER / one) if (FOLDER / one).is_file() else one for one in arguments[1:]]
    options = vars(Command().create_parser("manage.py", "check_certificate").parse_args(paths))
    answer: dict[str, Any] = json.loads(guard.ask_files(json.dumps(_task(options)).encode()).json)
    return answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_what_windows_reads_is_read(guard: Guard, case: dict[str, Any]) -> None:
    answer, expected = _answer(guard, case["args"]), case["expect"]
    found = {finding["code"] for finding in answer["findings"]}
    assert answer["suitable"] is expected["suitable"], answer["findings"]
    assert not found & set(expected.get("not_code", []))
    assert not expected.get("any_code") or found & set(expected["any_code"])


def _pem(name: str) -> str:
    return (FOLDER / name).read_bytes().decode("utf-8", errors="replace")


@pytest.mark.parametrize("name", PEMS)
def test_a_tills_root_can_be_any_of_them_and_the_site_is_still_assessed(name: str) -> None:
    site = healthy(2)
    site.checks["T001"]["roots"] = [_pem(name), *site.checks["T001"]["roots"]]
    assert "untrusted_root" not in {one.code for one in site.assess().items}
    site.checks["T001"]["roots"] = [_pem(name)]
    assert ("untrusted_root", "T001") in {(one.code, one.device) for one in site.assess().items}


@pytest.mark.parametrize("name", PEMS)
def test_a_rehearsals_chain_can_be_any_of_them_and_the_site_is_still_assessed(name: str) -> None:
    site = healthy(2)
    site.rehearsal["chain"] = [_pem(name)]
    assert site.assess().verdict == "blocked"


@pytest.mark.parametrize("value", [["x"], "x", 7, None, {"a": "b"}, [None], [["x"]], [{}], ["\ud800"], ["-----BEGIN \ud800"]])
@pytest.mark.parametrize("where", ["chain", "roots", "certificates", "thumbprint"])
def test_whatever_devices_say_the_site_is_assessed(where: str, value: Any) -> None:
    site = healthy(2)
    for facts in (site.rehearsal, site.checks["T001"], site.server, site.terminals["T001"]):
        assert facts is not None
        facts[where] = value
    assert site.assess().verdict in ("blocked", "warnings", "unknown", "ready")
