"""The grammar of each value that may be an argument of netsh, and the longest command line. It is checked when the server is
armed, so that nothing is deleted that could not be written again, and once more before each command.

A value becomes one element of an argument list, so no shell can misread it. But netsh's own parser would misread a quotation
mark, a second equals sign (it cuts the value there) and invisible characters. Such values are refused."""

import re
import subprocess

from agents.errors import StepError
from agents.hosts.netsh_text import Reservation

# Windows accepts 32,767 characters; the rest is for the path of netsh.exe.
LONGEST_COMMAND = 32_000
# Characters that netsh prints unchanged. A prefix with any others is first looked up in netsh by its name.
_PLAIN_URL = re.compile(r"(?i:https?)://[+*]:[0-9]{1,5}/")
# http.sys's UrlPrefix is Unicode: a path may contain letters of any script, blanks and braces, a host an underscore.
_HOST = r"""(?:\+|(?:\*\.)?[^\s/:?#"=\[\]@\\<>|%^&;,(){}$!'*+`]{1,253}|\*|\[[0-9A-Fa-f:.]{2,45}\])"""
_PATH_REFUSED = re.compile(r'[?#"=\\<>\ufffd]')
_URL = re.compile(rf"(?i:https?)://{_HOST}:([0-9]{{1,5}})(/.*)?")
_ENDPOINT = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})")
_GRAMMAR = {
    "certhash": re.compile(r"[0-9A-F]{40}"),
    "appid": re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}"),
    "sddl": re.compile(r"[ODGS]:[A-Za-z0-9();:_-]*"),
    "certstorename": re.compile(r"[A-Za-z0-9]{1,64}"),
}


def url(value: str) -> str:
    """This prefix, checked. Raises StepError value_refused."""
    if why := _why_no_url(value):
        raise _malformed("url", value, why)
    return value


def endpoint(text: str) -> str:
    """This address and port, checked. Raises StepError value_refused."""
    match = _ENDPOINT.fullmatch(text)
    if not match or not 1 <= int(match[1]) <= 65535:
        raise _malformed("ipport", text)
    return text


def checked(name: str, value: str | None) -> str:
    """The value of this argument, checked. Raises StepError value_refused."""
    if value is None or not _GRAMMAR[name].fullmatch(value):
        raise _malformed(name, value)
    return value


def fits(*arguments: str) -> None:
    """Raises StepError value_refused if these arguments are too long for a command line."""
    if (length := _length(arguments)) > LONGEST_COMMAND:
        name = max(arguments, key=len).partition("=")[0]
        raise StepError("value_refused", f"the command has {length} characters: {name} is too long", "Report this to support.")


def why_not(row: Reservation) -> str | None:
    """Why this reservation could not be written, as a text for people; None if it can."""
    if why := _why_no_url(row.url):
        return why
    if row.sddl is None:
        return "its access list cannot be read"
    if not _GRAMMAR["sddl"].fullmatch(row.sddl):
        return "its access list contains something that netsh does not accept"
    if _length(("http", "add", "urlacl", f"url={row.url}", f"sddl={row.sddl}")) > LONGEST_COMMAND:
        return f"its access list has {len(row.sddl)} characters, too many for a command line"
    return None


def is_plain(row: Reservation) -> bool:
    """Whether its prefix contains nothing that a code page or netsh's parser may change."""
    return _PLAIN_URL.fullmatch(row.url) is not None


def _why_no_url(value: str) -> str | None:
    match = _URL.fullmatch(value)
    if not value.isprintable():
        unseen = next(letter for letter in value if not letter.isprintable())
        return f"it contains an invisible character (U+{ord(unseen):04X})"
    if not match or not 1 <= int(match[1]) <= 65535:
        return "it is not a prefix of scheme, host, port and path"
    if not (match[2] or "").endswith("/"):
        return "it does not end with a slash"
    if strange := _PATH_REFUSED.search(match[2]):
        return f"its path contains {strange[0]!r}, which netsh refuses, or prints in place of a letter it cannot print"
    return None


def _length(arguments: tuple[str, ...]) -> int:
    """The length of the command line in UTF-16 units, as Windows counts."""
    return len(subprocess.list2cmdline(("netsh", *arguments)).encode("utf-16-le", "surrogatepass")) // 2


def _malformed(name: str, value: str | None, why: str | None = None) -> StepError:
    shown = repr(value[:200] if value else value)
    message = f"{name}={shown} is not a value for netsh" + (f": {why}" if why else "")
    return StepError("value_refused", message, "Report this to support.")
