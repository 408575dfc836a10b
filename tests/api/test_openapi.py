"""The OpenAPI document: complete, closed, and true."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from fleet.cutover import states
from fleet.services.cutovers.actions import VERBS

EXPECTED = {
    ("get", "/attention"),
    ("get", "/sites"),
    ("get", "/servers"),
    ("patch", "/sites/{}"),
    ("get", "/sites/{}/probe"),
    ("put", "/sites/{}/probe"),
    ("delete", "/sites/{}/probe"),
    ("post", "/sites/{}/inquiries"),
    ("get", "/inquiries/{}"),
    ("post", "/inquiries/{}/stop"),
    ("get", "/sites/{}/readiness"),
    ("post", "/sites/{}/rehearsals"),
    ("get", "/sites/{}/rehearsals"),
    ("get", "/rehearsals/{}"),
    ("get", "/terminals"),
    ("get", "/terminals/{}"),
    ("patch", "/terminals/{}"),
    ("get", "/cutovers"),
    ("post", "/cutovers"),
    ("get", "/cutovers/{}"),
    ("get", "/cutovers/{}/transitions"),
    ("post", "/cutovers/{}/by_hand"),
    ("patch", "/servers/{}"),
    *(("post", f"/cutovers/{{}}/{verb}") for verb in VERBS),
}


@pytest.fixture(scope="module")
def document() -> Any:
    return Client().get("/api/v1/openapi.json").json()


def operations(document: Any) -> dict[tuple[str, str], Any]:
    return {
        (verb, re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1"))): operation
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    }


def test_every_path_and_verb_is_listed(document: Any) -> None:
    assert document["openapi"].startswith("3.")
    assert set(operations(document)) == EXPECTED


def test_every_reference_leads_somewhere(document: Any) -> None:
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        place = document
        for part in reference.split("/"):
            place = place[part]


def test_every_operation_says_what_it_is_and_how_it_may_fail(document: Any) -> None:
    names = set()
    for (verb, path), operation in operations(document).items():
        names.add(operation["operationId"])
        assert operation["description"], path
        assert {"401", "403", "500"} <= set(operation["responses"])
        assert ("404" in operation["responses"]) == ("{}" in path)
        assert ("requestBody" in operation) == (verb in ("post", "patch", "put"))
        assert operation["security"] == [{"Bearer": []}]
    assert len(names) == len(EXPECTED)
    problem = document["components"]["responses"]["Problem422"]
    assert list(problem["content"]) == ["application/problem+json"]


def test_names_are_short_and_no_class_of_ours_shines_through(document: Any) -> None:
    assert not [name for name in document["components"]["schemas"] if "__" in name]
    assert document["components"]["schemas"]["Transition"]["properties"].keys() == {
        "at",
        "device",
        "from",
        "to",
        "actor",
        "reason",
    }


def test_states_are_spelled_out(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["DeviceRun"]["properties"]["state"]["enum"] == [*states.Run]
    assert schemas["CutoverSummary"]["properties"]["state"]["enum"] == [*states.Cutover]
    limit = next(p for p in operations(document)["get", "/terminals"]["parameters"] if p["name"] == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"], limit["schema"]["default"]) == (1, 100_000, 100)
