"""A whole window and its rollback with a server on which no agent may run: a person types exactly what the server's page shows,
into the lab's own netsh and sc."""

import html
import http.cookiejar
import os
import re
import shlex
import subprocess
import urllib.parse
import urllib.request
from typing import Any

from tests.acceptance.site import DemoSite

WORKS_S = 60.0


class Browser:
    """A person's browser: logs in, reads pages, sends their forms."""

    def __init__(self, site: DemoSite) -> None:
        self.url = site.facts["url"]
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open
        facts = site.facts
        self.send("/login/", self.read("/login/"), username=facts["admin_user"], password=facts["admin_password"])

    def read(self, path: str) -> str:
        """The page."""
        with self._open(self.url + path, timeout=30) as response:
            return str(response.read().decode())

    def send(self, path: str, page: str, **fields: str) -> str:
        """Send this page's form with these fields; the page that follows."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        request = urllib.request.Request(self.url + path, urllib.parse.urlencode(hidden | fields).encode())
        request.add_header("Referer", self.url + path)
        with self._open(request, timeout=30) as response:
            return str(response.read().decode())


class Person:
    """Stands at the server and does what its page says, step by step."""

    def __init__(self, site: DemoSite, thumbprint: str) -> None:
        self.site, self.server, self.thumbprint = site, site.lab / "server", thumbprint
        self.stopped: list[str] = []  # dependent services, as they were written down
        self.typed: list[str] = []

    def do(self, page: str) -> None:
        """Everything in the page's list, in its order."""
        (todo,) = re.findall(r'<ol class="todo">(.*?)</ol>', page, re.DOTALL)
        for text, command in re.findall(r'<li>(.*?)(?:<pre class="type">(.*?)</pre>)?</li>', todo, re.DOTALL):
            self._step(html.unescape(text), html.unescape(command))

    def _step(self, text: str, command: str) -> None:
        if wanted := re.search("Wait until this says (STOPPED|RUNNING)", text):
            self.site.wait(lambda: wanted[1] in self._type(command), WORKS_S, f"{command}: {wanted[1]}")
        elif "Use SSL" in text:
            self._use_ssl("untick" not in text)
        elif "dependent services that you wrote down" in text:
            for name in reversed(self.stopped):
                self._type(f"sc start {name}")
        elif command:
            shown = self._type(command)
            if "enumdepend" in command:
                self._stop_dependents(shown)
            if "certificate hash" in text and "exactly" in text:
                hashes = re.findall("[0-9A-Fa-f]{40}", shown)
                assert [h.upper() for h in hashes] == [self.thumbprint]

    def _stop_dependents(self, shown: str) -> None:
        """Write down those that run, and stop each."""
        self.stopped = [
            name for name, state in re.findall(r"SERVICE_NAME: (\S+).*?STATE\s+: (\d)", shown, re.DOTALL) if state == "4"
        ]
        for name in self.stopped:
            self._type(f"sc stop {name}")
            self.site.wait(lambda name=name: "STOPPED" in self._type(f"sc query {name}"), WORKS_S, f"{name} to stop")

    def _use_ssl(self, on: bool) -> None:
        path = self.server / "NetPOSSettings.xml"
        old, new = (b"False", b"True") if on else (b"True", b"False")
        before = path.read_bytes()
        after = before.replace(b"<UseSSL>" + old, b"<UseSSL>" + new)
        assert after != before
        path.write_bytes(after)

    def _type(self, command: str) -> str:
        """Type one line at the server's prompt; what it shows. A command that fails is a command that the page has wrong."""
        name, *rest = shlex.split(command)
        assert name in ("netsh", "sc"), command
        path = f"{self.server / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [str(self.server / "bin" / name), *rest],
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        self.typed.append(command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


def asks(site: DemoSite, number: int, browser: Browser, address: str, title: str) -> str:
    """The server's page, as soon as it asks for this."""

    def look() -> str | None:
        page = browser.read(address)
        return page if f">{title}</h2>" in page else None

    return site.wait(look, 60, f"cutover {number} to ask: {title}")


def test_a_person_types_what_the_servers_page_shows_and_the_agents_follow() -> None:
    with DemoSite(4) as site:
        before = site.snapshot()
        browser = Browser(site)
        (server,) = site.client.get("/servers")["items"]
        thumbprint = max((c for c in server["certificates"] if c["has_key"]), key=lambda c: c["not_after"])["thumbprint"]
        agents = browser.read("/agents/?q=NetPOS")
        (revoke,) = re.findall(r'action="(/agents/[^"]+/revoke/)"', agents)
        browser.send(revoke, agents)
        own = f"/server/{server['id']}/"
        browser.send(own, browser.read(own), name=server["name"], note="", tags="", port=str(server["port"]), by_hand="on")
        (server,) = site.client.get("/servers")["items"]
        assert (server["by_hand"], server["agent"]) == (True, None)

        number = site.begin(certificate_thumbprint=thumbprint)
        address = f"/cutovers/{number}/by-hand/{server['id']}/"
        page = asks(site, number, browser, address, "Set it to HTTPS")
        person = Person(site, thumbprint)
        person.do(page)
        assert f"netsh http add sslcert ipport=0.0.0.0:{server['port']} certhash={thumbprint} appid=" in "\n".join(person.typed)
        browser.send(address, page, result="done")
        end = site.rest(number)
        assert end["state"] == "completed", end["reason"]
        runs = {run["device"]: run for run in end["device_runs"]}
        assert (runs[server["name"]]["by_hand"], runs[server["name"]]["answered_by"]) == (True, "admin")
        assert {run["proof"] for run in runs.values() if run["kind"] == "terminal"} == {"application"}
        assert all(run["outage_ms"] == run["cut_off_ms"] > 0 for run in runs.values() if run["kind"] == "terminal")
        assert set(site.secured().values()) == {True}
        assert site.server_ssl()
        site.wait(lambda: site.all_ok("https"), 30, "every terminal's own lookups over HTTPS")

        site.client.post(f"/cutovers/{number}/roll_back")
        page = asks(site, number, browser, address, "Set it back to HTTP")
        person.do(page)
        browser.send(address, page, result="done")
        end = site.wait(lambda: _over(site, number), 90, "the rollback")
        assert end["state"] == "rolled_back", end["reason"]
        assert site.snapshot() == before
        site.wait(lambda: site.all_ok("http"), 30, "every terminal's own lookups over HTTP")


def _over(site: DemoSite, number: int) -> dict[str, Any] | None:
    now = site.cutover(number)
    return now if now and now["state"] in ("rolled_back", "needs_person") else None
