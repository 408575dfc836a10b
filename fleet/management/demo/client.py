"""A small client of the REST API. The demo knows what happens at the running site only through it."""

import json
import urllib.error
import urllib.request
from typing import Any


class ApiError(Exception):
    """The API answered with an error; the text is its detail."""


class Client:
    """Calls the API. url: the dashboard's address, without a path; token: an API token."""

    def __init__(self, url: str, token: str) -> None:
        self.base, self.token = f"{url}/api/v1", token
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def get(self, path: str) -> Any:
        """The JSON answer. Raises ApiError, OSError."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON answer. Raises ApiError, OSError."""
        return self._call("POST", path, json.dumps(body or {}).encode())

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer. Raises ApiError, OSError."""
        return self._call("PUT", path, json.dumps(body).encode())

    def delete(self, path: str) -> Any:
        """The JSON answer. Raises ApiError, OSError."""
        return self._call("DELETE", path, None)

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, body, headers, method=method)  # noqa: S310 — our own address
        try:
            with self._open(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read() or b"{}")
            raise ApiError(problem.get("detail") or problem.get("title") or str(error)) from error
