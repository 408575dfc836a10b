"""A person at the dashboard while a till is hostile. It reads pages and REST answers, presses buttons and notes every
status."""

import http.client
import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any

from tests.acceptance.site import DemoSite

LIMIT_S = 10.0
PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, or none."""

    status: int  # 0: there was no answer
    text: str  # the body, or why there was no answer

    @property
    def data(self) -> Any:
        return json.loads(self.text)


@dataclass
class Person:
    """An admin with a browser and an API token."""

    site: DemoSite
    cutover: int | None = None  # its id
    asked: int = 0  # requests
    bad: list[tuple[str, int, str]] = field(default_factory=list)  # answers that nobody should get: path, status, text
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )
        form = self.page("/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token, form
        facts = self.site.facts
        self._token = {"csrfmiddlewaretoken": token[1]}
        words = {**self._token, "username": facts["admin_user"], "password": facts["admin_password"]}
        assert self._ask("POST", "/login/", urllib.parse.urlencode(words).encode(), {}).status == 200

    def page(self, path: str) -> Reply:
        """Get a page as the logged-in admin."""
        return self._ask("GET", path, None, {})

    def rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        """Call the API."""
        headers = {"Authorization": f"Bearer {self.site.facts['api_token']}", "Content-Type": "application/json"}
        return self._ask(method, f"/api/v1{path}", None if body is None else json.dumps(body).encode(), headers)

    def press(self, verb: str) -> Reply:
        """Press a button of the cutover."""
        return self.rest("POST", f"/cutovers/{self.cutover}/{verb}", {})

    def attention(self) -> list[dict[str, Any]]:
        """What needs attention, as the API tells it."""
        reply = self.rest("GET", "/attention")
        return reply.data["items"] if reply.status == 200 else []

    def __enter__(self) -> "Person":
        self._thread = threading.Thread(target=self._look_round, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        assert self._thread
        self._thread.join(LIMIT_S * 2)

    def _look_round(self) -> None:
        while not self._stop.is_set():
            for method, path in self._addresses():
                reply = self.page(path) if method == "page" else self.rest("GET", path)
                self.asked += 1
                if not 200 <= reply.status < 500:
                    self.bad.append((path, reply.status, reply.text[:200]))
                if self._stop.wait(PAUSE_S):
                    return

    def _addresses(self) -> list[tuple[str, str]]:
        number, site = self.cutover, self.site.facts["site"]
        found = [("page", path) for path in ("/", "/cutovers/", "/agents/", "/audit/", "/cutovers/plan/")]
        found += [("page", f"/sites/{site}/readiness/"), ("page", f"/server/{self.site.facts['server']}/")]
        found += [("page", f"/terminals/{device['id']}/") for device in self._devices()]
        found += [("rest", path) for path in ("/sites", "/servers", "/terminals?limit=100", "/cutovers", "/attention")]
        found.append(("rest", f"/sites/{site}/readiness"))
        if number is not None:
            found += [("rest", f"/cutovers/{number}{tail}") for tail in ("", "/transitions")]
            found += [("page", f"/cutovers/{number}/{tail}") for tail in ("", "report/", "report.csv", "confirm/roll_back/")]
        return found

    def _devices(self) -> list[dict[str, Any]]:
        reply = self.rest("GET", "/terminals?limit=100")
        return reply.data["items"] if reply.status == 200 else []

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        url = self.site.facts["url"]
        request = urllib.request.Request(url + path, body, {"Referer": url, **headers}, method=method)
        begun = time.monotonic()
        try:
            with self._browser.open(request, timeout=LIMIT_S) as answer:
                return Reply(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.read().decode(errors="replace"))
        except (OSError, http.client.HTTPException) as error:
            return Reply(0, f"{error!r} after {time.monotonic() - begun:.1f} s")
