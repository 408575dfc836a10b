"""Lines of a batch: each unusable one names its field."""

import json
from typing import Any

import pytest

from fleet.preflight.certificate.batch import answer
from tests.preflight.pki import NOW, ca, server

ROOT = ca("Batch Root")
GOOD: dict[str, Any] = {
    "id": "x",
    "peer_certificate": server(ROOT).pem.decode(),
    "untrusted_intermediates": [],
    "trusted_certs": [ROOT.pem.decode()],
    "expected_peer_name": {"kind": "DNS", "value": "pos-srv"},
    "validation_time": None,
}


def _answer(**parts: Any) -> dict[str, Any]:
    return answer(json.dumps({**GOOD, **parts}).encode(), NOW)


def test_null_as_validation_time_is_now() -> None:
    assert _answer()["suitable"]
    assert _answer()["checked_at"] == [NOW.isoformat()]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("peer_certificate", None),
        ("peer_certificate", 1),
        ("untrusted_intermediates", "x"),
        ("untrusted_intermediates", [1]),
        ("trusted_certs", None),
        ("expected_peer_name", "pos-srv"),
        ("expected_peer_name", {"kind": "RFC822", "value": "a@b"}),
        ("expected_peer_name", {"kind": [], "value": "a"}),
        ("validation_time", "tomorrow"),
        ("validation_time", 5),
        ("validation_time", "0001-01-01T00:00:00+12:00"),
        ("max_chain_depth", -1),
        ("max_chain_depth", True),
        ("max_chain_depth", 1.5),
        ("profile", "lax"),
        ("profile", {}),
        ("peer_certificate_key", 7),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field: str, value: Any) -> None:
    given = _answer(**{field: value})
    assert (given["id"], given["suitable"]) == ("x", False)
    assert [finding["code"] for finding in given["findings"]] == ["bad_request"]
    assert field in given["findings"][0]["message"]


@pytest.mark.parametrize(
    "line", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"id": NaN}', b"[" * 50_000, b'{"id": 1' + b"0" * 9999 + b"}"]
)
def test_a_line_that_is_no_object_is_a_bad_request(line: bytes) -> None:
    assert [finding["code"] for finding in answer(line, NOW)["findings"]] == ["bad_request"]


def test_unknown_fields_are_ignored_and_the_depth_is_obeyed() -> None:
    middle = ca("Middle", ROOT)
    parts = {
        "peer_certificate": server(middle).pem.decode(),
        "untrusted_intermediates": [middle.pem.decode()],
        "features": ["x"],
    }
    assert _answer(**parts, max_chain_depth=1)["suitable"]
    assert _answer(**parts, max_chain_depth=0)["findings"][0]["code"] == "path_length"
