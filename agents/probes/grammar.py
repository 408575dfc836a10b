"""What a method, a path, a header and a body may be. A profile comes from a file or a form, so nothing in it may become a
second request, another host, or a header that our client sets by itself. Sources: RFC 9110 (methods 9.1, fields 5.5 and
5.6.2), RFC 9112 (request line 3.2, message body 6), RFC 3986 (path and query 3.3, 3.4)."""

import re

READS = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = (*sorted(READS), "POST", "PUT", "PATCH", "DELETE", "REPORT", "SEARCH", "PROPFIND")

MAX_PATH, MAX_HEADERS, MAX_HEADER_NAME, MAX_HEADER_VALUE, MAX_BODY = 2_000, 30, 100, 4_000, 8 * 1024

_PLACEHOLDER = r"\{(?:member|terminal|access_code)\}"
PLACEHOLDER = re.compile(r"\{(member|terminal|access_code)\}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# pchar, "/" and "?" of RFC 3986, or one of our placeholders. It begins with one slash: two would be a host.
_PATH = re.compile(rf"/(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{{2}}|{_PLACEHOLDER})*")
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}")
# C0 control characters other than tab and line ends, and what is no character at all.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

# Our client sets these; a profile that did could move the request's end or the connection elsewhere.
OURS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect",
     "proxy-authorization", "proxy-connection", "accept-encoding", "http2-settings", "forwarded", "via")
)  # fmt: skip


def method_error(method: object) -> str | None:
    """Why this is no method that a probe may use, or None."""
    if method in METHODS:
        return None
    return f"write one of {', '.join(METHODS)}"


def is_plain_path(path: str) -> bool:
    """Whether a request can ask for this path as it stands, without a placeholder."""
    return path_error(path) is None and not PLACEHOLDER.search(path)


def path_error(path: object) -> str | None:
    """Why this is no path, or None."""
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        return (
            "write a path that begins with one /, without host and scheme, of letters, digits and -._~!$&'()*+,;=:@/?, "
            "others as %XX; placeholders are {member}, {terminal} and {access_code}"
        )
    if len(path) > MAX_PATH:
        return f"write at most {MAX_PATH} characters"
    return None


def header_name_error(name: str) -> str | None:
    """Why this is no name of a header that a probe may set, or None."""
    if not _TOKEN.fullmatch(name) or len(name) > MAX_HEADER_NAME:
        return f"is no name of a header; write at most {MAX_HEADER_NAME} letters, digits and -"
    if name.lower() in OURS:
        return "is set by the agent itself; leave it out"
    return None


def header_value_error(value: object) -> str | None:
    """Why this is no value of a header, or None."""
    if not isinstance(value, str) or not _VALUE.fullmatch(value) or len(value) > MAX_HEADER_VALUE:
        return f"write 1 to {MAX_HEADER_VALUE} printable ASCII characters in one line, no space at the ends"
    return None


def body_error(body: object) -> str | None:
    """Why this is no body, or None."""
    if not isinstance(body, str) or _NO_TEXT.search(body):
        return "write text without control characters"
    if len(body.encode()) > MAX_BODY:
        return f"write at most {MAX_BODY} bytes"
    return None


def type_error(media_type: object) -> str | None:
    """Why this is no media type, or None."""
    if isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type):
        return None
    return 'write a media type in lower case without parameters, such as "text/xml"'
