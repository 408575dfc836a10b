"""The emulated `netsh http`: the same arguments, error numbers, texts and exit codes, on http.sys's tables in
server/httpsys.json. Run by the small executable that build.py puts into server/bin."""

import os
import re
import sys
from collections.abc import Callable

from agents.lab import machine, netsh_out

TYPE_CHECKING = False  # without typing, which takes as long to load as all the rest
if TYPE_CHECKING:
    from typing import Any

Arguments = dict[str, str]
Tables = dict[str, "Any"]

_URL = re.compile(r"(https?)://([^/:]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})(/\S*)", re.IGNORECASE)
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]"
_IPPORT = re.compile(rf"(?:{_ADDRESS}):\d{{1,5}}")
_NAMEPORT = re.compile(r"[A-Za-z0-9*][A-Za-z0-9.-]*:\d{1,5}")
_HASH = re.compile(r"[0-9A-Fa-f]{40}")
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_SDDL = re.compile(r"D:(\([A-Z]*;[A-Z]*;[A-Z]*;;;[A-Z0-9-]+\))+")
_RIGHTS = {("yes", "no"): "GX", ("no", "yes"): "GW", ("yes", "yes"): "GA"}


class Failed(Exception):
    """netsh prints this text and ends with 1."""


class Numbered(Exception):
    """A Windows error number; its text depends on the command."""


def main(server: str, argv: list[str]) -> int:
    """Do what `netsh ARGV` would do; the exit code. Output goes to standard output, as netsh's errors do."""
    try:
        text, code = _run(server, argv), 0
    except Failed as failed:
        text, code = str(failed), 1
    machine.note_call(server, "netsh", argv, code)
    sys.stdout.write(f"\n{text}\n\n")
    return code


def _run(server: str, argv: list[str]) -> str:
    words = [word.lower() for word in argv[:3]]
    if len(words) < 3 or words[0] != "http" or (words[1], words[2]) not in _COMMANDS:
        raise Failed(f"The following command was not found: {' '.join(argv)}.")
    verb, what = words[1], words[2]
    try:
        if verb == "show":
            return _COMMANDS[verb, what](server, machine.httpsys(server), _named(verb, what, argv[3:]))
        with machine.httpsys_lock(server):
            tables = machine.httpsys(server)
            _COMMANDS[verb, what](server, tables, _named(verb, what, argv[3:]))
            machine.write(server, machine.HTTPSYS, tables)
    except Numbered as error:
        raise Failed(netsh_out.failure(verb, what, int(str(error)))) from None
    return netsh_out.DONE[verb, what]


def _named(verb: str, what: str, words: list[str]) -> Arguments:
    """name=value arguments. netsh takes positional ones too; the lab does not."""
    out: Arguments = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name.lower() not in _KNOWN[what]:
            raise Failed(netsh_out.usage(verb, what) if verb != "show" else netsh_out.INCORRECT)
        out[name.lower()] = value
    return out


def _need(verb: str, what: str, arguments: Arguments, *names: str) -> None:
    if any(not arguments.get(name) for name in names):
        raise Failed(netsh_out.usage(verb, what))


def _add_urlacl(server: str, tables: Tables, arguments: Arguments) -> str:
    _need("add", "urlacl", arguments, "url")
    if not arguments.get("sddl") and not arguments.get("user"):
        raise Failed(netsh_out.usage("add", "urlacl"))
    url = arguments["url"]
    match = _URL.fullmatch(url)
    if not match or not 1 <= int(match[3]) <= 65535:
        raise Numbered(87)
    sddl = arguments.get("sddl") or _sddl(arguments)
    if not _SDDL.fullmatch(sddl):
        raise Failed(netsh_out.INCORRECT)
    if any(row["url"].lower() == url.lower() for row in tables["urlacl"]):
        raise Numbered(183)
    if _conflicts(tables, match[1], match[3]) and machine.read(server, machine.OPTIONS, {}).get("urlacl_conflict", True):
        raise Numbered(183)
    tables["urlacl"].append({"url": url, "sddl": sddl})
    return ""


def _conflicts(tables: Tables, scheme: str, port: str) -> bool:
    """http.sys cannot serve both schemes on one port."""
    there = [_URL.fullmatch(row["url"]) for row in tables["urlacl"]]
    return any(m and m[3] == port and m[1].lower() != scheme.lower() for m in there)


def _sddl(arguments: Arguments) -> str:
    user = arguments["user"].lower()
    trustee = next(
        (sid for name, sid in netsh_out.ACCOUNTS.items() if user in (name.lower(), name.lower().split("\\")[1])), None
    )
    if trustee is None:
        raise Numbered(1332)
    rights = _RIGHTS.get((arguments.get("listen", "yes").lower(), arguments.get("delegate", "no").lower()))
    if rights is None:
        raise Failed(netsh_out.INCORRECT)
    return f"D:(A;;{rights};;;{trustee})"


def _delete_urlacl(_: str, tables: Tables, arguments: Arguments) -> str:
    _need("delete", "urlacl", arguments, "url")
    return _delete(tables, "urlacl", lambda row: row["url"].lower() == arguments["url"].lower())


def _show_urlacl(_: str, tables: Tables, arguments: Arguments) -> str:
    wanted = arguments.get("url")
    return netsh_out.urlacl([row for row in tables["urlacl"] if wanted is None or row["url"].lower() == wanted.lower()])


def _endpoint(verb: str, arguments: Arguments) -> str:
    """The row that ipport= or hostnameport= names."""
    for name, shape in (("ipport", _IPPORT), ("hostnameport", _NAMEPORT)):
        if value := arguments.get(name):
            if not shape.fullmatch(value) or not 1 <= int(value.rpartition(":")[2]) <= 65535:
                raise Failed(netsh_out.INCORRECT)
            return value.lower()
    raise Failed(netsh_out.usage(verb, "sslcert"))


def _add_sslcert(server: str, tables: Tables, arguments: Arguments) -> str:
    endpoint = _endpoint("add", arguments)
    _need("add", "sslcert", arguments, "appid", "certhash")
    certhash, appid, store = arguments["certhash"], arguments["appid"], arguments.get("certstorename")
    # A malformed value is refused by netsh itself, without a number.
    if not _HASH.fullmatch(certhash) or not _GUID.fullmatch(appid):
        raise Failed(netsh_out.INCORRECT)
    if any(row["endpoint"] == endpoint for row in tables["sslcert"]):
        raise Numbered(183)
    key = os.path.join(server, machine.CERTIFICATES, f"{certhash.upper()}.key")
    if (store or "MY").upper() != "MY" or not os.path.exists(key):
        raise Numbered(1312)
    tables["sslcert"].append({"endpoint": endpoint, "certhash": certhash.lower(), "appid": appid.lower(), "store": store})
    return ""


def _delete_sslcert(_: str, tables: Tables, arguments: Arguments) -> str:
    endpoint = _endpoint("delete", arguments)
    return _delete(tables, "sslcert", lambda row: row["endpoint"] == endpoint)


def _show_sslcert(_: str, tables: Tables, arguments: Arguments) -> str:
    if not arguments:
        return netsh_out.sslcert(tables["sslcert"])
    rows = [row for row in tables["sslcert"] if row["endpoint"] == _endpoint("delete", arguments)]
    if not rows:
        raise Failed(netsh_out.TEXTS[2])
    return netsh_out.sslcert(rows)


def _add_iplisten(_: str, tables: Tables, arguments: Arguments) -> str:
    _need("add", "iplisten", arguments, "ipaddress")
    if arguments["ipaddress"] in tables["iplisten"]:
        raise Numbered(183)
    tables["iplisten"].append(arguments["ipaddress"])
    return ""


def _delete_iplisten(_: str, tables: Tables, arguments: Arguments) -> str:
    _need("delete", "iplisten", arguments, "ipaddress")
    return _delete(tables, "iplisten", lambda row: row == arguments["ipaddress"])


def _show_iplisten(_: str, tables: Tables, arguments: Arguments) -> str:
    return netsh_out.iplisten(tables["iplisten"])


def _delete(tables: Tables, what: str, is_it: Callable[["Any"], bool]) -> str:
    left = [row for row in tables[what] if not is_it(row)]
    if len(left) == len(tables[what]):
        raise Numbered(2)
    tables[what] = left
    return ""


_KNOWN = {
    "urlacl": {"url", "user", "sddl", "listen", "delegate"},
    "sslcert": {"ipport", "hostnameport", "certhash", "appid", "certstorename"},
    "iplisten": {"ipaddress"},
}
_COMMANDS: dict[tuple[str, str], Callable[[str, Tables, Arguments], str]] = {
    ("add", "urlacl"): _add_urlacl,
    ("delete", "urlacl"): _delete_urlacl,
    ("show", "urlacl"): _show_urlacl,
    ("add", "sslcert"): _add_sslcert,
    ("delete", "sslcert"): _delete_sslcert,
    ("show", "sslcert"): _show_sslcert,
    ("add", "iplisten"): _add_iplisten,
    ("delete", "iplisten"): _delete_iplisten,
    ("show", "iplisten"): _show_iplisten,
}
