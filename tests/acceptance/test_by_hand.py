"""The whole window with terminals that have no agent: the lab's person sets them, and the worker dies in the middle."""

import signal

from tests.acceptance.site import DemoSite


def settings_of(site: DemoSite) -> dict[str, bytes]:
    return {name: (site.lab / "terminals" / name / "TouchSettings.xml").read_bytes() for name in site.names}


def by_hand(cutover):
    return [run for run in cutover["device_runs"] if run["by_hand"]]


def waits(site: DemoSite, number: int, state: str):
    """A cutover in which a terminal by hand has this state."""

    def look():
        now = site.cutover(number)
        return now if now and any(run["state"] == state for run in by_hand(now)) else None

    return site.wait(look, 60, f"a terminal by hand that is {state}")


def test_a_window_and_its_rollback_with_terminals_by_hand_and_a_worker_that_dies() -> None:
    with DemoSite(8, by_hand=3) as site:
        before = settings_of(site)
        number = site.begin()
        waits(site, number, "switching")
        site.signal("worker", signal.SIGKILL)
        end = site.rest(number)
        assert end["state"] == "completed", end["reason"]
        assert end["counts"] == {"verified": 8}
        assert [(run["proof"], run["answered_by"]) for run in by_hand(end)] == [("person", "admin")] * 3
        assert all(run["outage_ms"] == run["cut_off_ms"] > 0 for run in by_hand(end))
        assert set(site.secured().values()) == {True}
        site.client.post(f"/cutovers/{number}/roll_back")
        waits(site, number, "undoing")
        site.signal("worker", signal.SIGKILL)

        def back():
            now = site.cutover(number)
            return now if now and now["state"] in ("rolled_back", "needs_person") else None

        end = site.wait(back, 90, "the rollback")
        assert end["state"] == "rolled_back", end["reason"]
        assert {run["state"] for run in by_hand(end)} == {"restored"}
        assert settings_of(site) == before
        assert not site.server_ssl()
        assert "person" not in site.pids()
