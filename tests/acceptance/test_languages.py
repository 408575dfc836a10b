"""A whole window on a server whose Windows speaks another language: forward, and back byte for byte."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.site import DemoSite

pytestmark = pytest.mark.lab

FIRST = "german-oem"


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(2, language=FIRST) as running:
        yield running


@pytest.mark.parametrize("language", [FIRST, "made-up-wrapped"])
def test_a_site_in_another_language_goes_to_https_and_back_byte_for_byte(site: DemoSite, language: str) -> None:
    # The first by the command; the other in the same site, as starting one takes longer than its window.
    options = site.lab / "server" / "lab.json"
    if language != FIRST:
        options.with_suffix(".new").write_text(json.dumps({**json.loads(options.read_text()), "language": language}))
        options.with_suffix(".new").replace(options)
    assert json.loads(options.read_text())["language"] == language
    before = site.snapshot()
    end = site.rest(cutover := site.begin())
    assert end["state"] == "completed", end["reason"]
    assert [run["state"] for run in end["device_runs"]] == ["verified"] * 3
    assert site.server_ssl()
    assert set(site.secured().values()) == {True}
    site.wait(lambda: site.all_ok("https"), 10, "the terminals' own lookups over https")

    site.goes_back(cutover, before)
