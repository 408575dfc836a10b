"""A newcomer with a browser alone: log in, plan, start, watch, roll back, watch."""

import re
import shutil

import pytest

from tests.acceptance.learning import pointed_at, refresh_interface_list, settings_of
from tests.acceptance.site import DemoSite

NAMES = ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.lab,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: `make browser` installs Debian's as root"),
]


@pytest.fixture(scope="module")
def site():
    with DemoSite(6) as running:
        # Slow enough to be watched, within every contract.
        running.faults({"terminals": {name: {"latency_ms": 60 * i} for i, name in enumerate(running.names)}})
        yield running


@pytest.fixture
def page(site):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(15_000)
        page.trouble = []
        page.on("console", lambda m: m.type == "error" and page.trouble.append(m.text))
        page.on("pageerror", lambda e: page.trouble.append(str(e)))
        yield page
        browser.close()


def log_in(page, site):
    page.goto(site.facts["url"])
    page.get_by_label("User").first.fill(site.facts["admin_user"])
    page.get_by_label("Password").fill(site.facts["admin_password"])
    page.get_by_role("button", name=re.compile("log in", re.I)).click()


def wait_for_states(page, site, state):
    """Every terminal is shown in this state, without the page having been loaded again."""
    names = site.names
    page.wait_for_function(
        """([names, state]) => names.every(n => {
            const all = [...document.querySelectorAll('[data-terminal]')].filter(e => e.dataset.terminal === n);
            return all.length && all.every(e => e.dataset.state === state); })""",
        arg=[names, state],
        timeout=60_000,
    )


def test_a_newcomer_moves_a_site_and_rolls_it_back(page, site):
    before = site.snapshot()
    log_in(page, site)
    page.get_by_role("link", name="Plan cutover").first.click()
    page.get_by_label("Now").check()
    page.get_by_role("button", name="Start now").click()
    dialog = page.locator("dialog[open]")
    assert f"all {len(site.names)} terminals are cut off" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.url.endswith("/cutovers/plan/"), "Escape sends nothing"
    page.get_by_role("button", name="Start now").click()
    page.locator("dialog[open]").get_by_role("button", name="Start now").click()
    page.wait_for_url(re.compile(r"/cutovers/\d+/"))
    page.evaluate("window.stillTheSamePage = true")
    wait_for_states(page, site, "verified")
    assert set(site.secured().values()) == {True}
    page.locator("[data-cutover-state=completed]").first.wait_for()

    page.get_by_role("button", name="Roll back").first.click()
    dialog = page.locator("dialog[open]")
    assert f"{len(site.names)}" in dialog.inner_text()
    dialog.get_by_role("button", name="Cancel").click()
    assert page.locator("dialog[open]").count() == 0
    assert set(site.secured().values()) == {True}, "Cancel changes nothing"

    page.get_by_role("button", name="Roll back").first.click()
    page.locator("dialog[open]").get_by_role("button", name="Roll back").click()
    wait_for_states(page, site, "restored")
    page.locator("[data-cutover-state=rolled_back]").first.wait_for()
    assert site.snapshot() == before
    assert page.evaluate("window.stillTheSamePage"), "the live page never loads again"
    assert page.trouble == []


def test_what_was_typed_survives_a_session_that_ends(page, site):
    log_in(page, site)
    page.get_by_role("link", name="Plan cutover").first.click()
    # Without an event: the preview that it would bring must not be under way when the session ends.
    page.get_by_label("Duration (minutes)").evaluate("field => { field.value = '95'; }")
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Note").fill("ring Kim first")
    page.wait_for_url(re.compile(r"/login/"))
    assert page.locator("#preview").count() == 0, "the log-in page is not put into another one"
    page.get_by_label("User").first.fill(site.facts["admin_user"])
    page.get_by_label("Password").fill(site.facts["admin_password"])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(r"/cutovers/plan/"))
    assert page.get_by_label("Note").input_value() == "ring Kim first"
    assert page.get_by_label("Duration (minutes)").input_value() == "95"
    assert page.trouble == []


def test_a_live_page_says_that_one_was_logged_out(page, site):
    log_in(page, site)
    page.goto(f"{site.facts['url']}/cutovers/plan/")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile(r"/cutovers/\d+/"))
    page.get_by_text("Live", exact=True).wait_for()
    page.evaluate("window.stillTheSamePage = true")
    page.context.clear_cookies(name="sessionid")
    page.evaluate("document.dispatchEvent(new CustomEvent('htmx:sseError'))")
    page.get_by_text("You have been logged out").wait_for()
    assert "/login/?next=%2Fcutovers" in page.get_by_role("link", name="Log in again").get_attribute("href")
    assert page.evaluate("window.stillTheSamePage"), "it does not leave by itself"


def test_a_newcomer_learns_the_sites_dialect_from_a_terminal(page, site):
    log_in(page, site)
    page.goto(f"{site.facts['url']}/sites/{site.facts['site']}/")
    page.get_by_role("button", name="Remove profile").click()
    assert "Proofs get weaker" in page.locator("dialog[open]").inner_text()
    page.locator("dialog[open]").get_by_role("button", name="Remove profile").click()
    page.get_by_text("It does not show that the service answers a member lookup.").wait_for()
    name = site.names[0]
    page.locator("#learn-terminal").select_option(name)
    page.get_by_role("button", name="Start listening").click()
    page.get_by_text("listens on port").wait_for()
    host, port = page.locator(".guide code.type").all_inner_texts()
    with pointed_at(settings_of(site, name), host, int(port)):
        page.get_by_text(re.compile(r"GET /netpos/members/(\d+|…) → 200")).nth(2).wait_for()
        refresh_interface_list(site, name, int(port))
        page.get_by_text("GET /netpos/interfaces → 200").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator(".reasons").get_by_text("differed in this number only").wait_for()
    page.get_by_role("button", name="Try it first").click()
    page.locator("#try").get_by_text("The profile that you pasted, not saved yet").wait_for()
    page.locator("#try:not([hx-trigger])").wait_for()
    assert page.locator("#try .pill.ok", has_text="As expected").count() == 2
    page.get_by_role("button", name="Use this profile").click()
    dialog = page.locator("dialog[open]")
    assert "with the test member number 1001" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert page.locator("[data-proof=transport]").count() == 1, "Escape changes nothing"
    page.get_by_role("button", name="Use this profile").click()
    page.locator("dialog[open]").get_by_role("button", name="Use this profile").click()
    page.locator("[data-proof=application]").wait_for()
    page.get_by_text("This profile is in use, as version 3.").wait_for()
    assert page.trouble == []
