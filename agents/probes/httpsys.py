"""Responses that http.sys gives by itself: they show that the port is open, and nothing about the service behind it.

http.sys answers alone where no program has registered the URL (404), where the program has stopped serving its queue (503),
and where the request is malformed (400, 411, 413, 414, 431, 501, 505). It then sends a small page of its own with
`Server: Microsoft-HTTPAPI/2.0`: `<h2>Not Found</h2><hr><p>HTTP Error 404. The requested resource is not found.</p>`.
A program that uses .NET's HttpListener sends the same Server header with its own responses, so the header alone says
nothing; the page does. Sources: the page as captured in public repositories (for example the fingerprints "Microsoft
Generic Error - 503" and "Missing Resource (404)" of intrigue-ident); learn.microsoft.com, troubleshooting of "HTTP Error
503. The service is unavailable"."""

import re

OWN_STATUSES = frozenset((400, 404, 411, 413, 414, 431, 501, 503, 505))
_SERVER = re.compile(r"microsoft-httpapi/[0-9.]+", re.IGNORECASE)
_PAGE = re.compile(rb"<h2>[^<]{1,80}</h2>\s*<hr>\s*<p>HTTP Error (\d{3})\.", re.IGNORECASE)
MAX_PAGE = 4096


def answered_alone(status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> bool:
    """Whether http.sys itself gave this response, so that the service need not even run."""
    if status not in OWN_STATUSES or len(body) > MAX_PAGE:
        return False
    server = next((value for name, value in headers if name.lower() == "server"), "")
    page = _PAGE.search(body)
    if page is not None:
        return int(page[1]) == status
    # 503 of a queue that nobody serves may come without a body; then the header stands alone.
    return status == 503 and not body and bool(_SERVER.match(server))
