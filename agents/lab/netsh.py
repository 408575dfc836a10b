"""The emulated `netsh http`: the same arguments, error numbers, texts and exit codes, on http.sys's tables in
server/httpsys.json. Run by the small executable that build.py puts into server/bin."""

import os
import re
import sys
from collections.abc import Callable

from agents.lab import machine, netsh_out
from agents.lab.texts import languages

TYPE_CHECKING = False  # importing typing would double the start time
if TYPE_CHECKING:
    from typing import Any

Arguments = dict[str, str]
Tables = dict[str, "Any"]

# A UrlPrefix is Unicode and ends with a slash. Its path has no query.
_URL = re.compile(r"(https?)://([^/:\s]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})(/(?:[^?\x00-\x1f]*/)?)", re.IGNORECASE)
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]"
_IPPORT = re.compile(rf"(?:{_ADDRESS}):\d{{1,5}}")
_NAMEPORT = re.compile(r"[A-Za-z0-9*][A-Za-z0-9.-]*:\d{1,5}")
_HASH = re.compile(r"[0-9A-Fa-f]{40}")
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_SDDL = re.compile(r"(?:O:[A-Z0-9-]+?)?(?:G:[A-Z0-9-]+?)?D:(?:P|AR|AI)*(?:\([A-Z]*;[A-Z]*;[A-Zx0-9]*;;;[A-Z0-9-]+\))+")
_RIGHTS = {("yes", "no"): "GX", ("no", "yes"): "GW", ("yes", "yes"): "GA"}


class Numbered(Exception):
    """A Windows error number; its text depends on the command."""


class Bare(Exception):
    """A Windows error of which netsh prints the sentence, but not the number."""


class Usage(Exception):
    """Arguments are missing or unknown: netsh prints the command's syntax."""


def main(server: str, argv: list[str]) -> int:
    """Do what `netsh ARGV` does, and return its exit code. All output goes to standard output, as netsh's errors do."""
    language = languages.of(server)
    text, code = _run(server, language.say, argv)
    machine.note_call(server, "netsh", argv, code)
    # Bytes, because the site's language decides the encoding, not this process's locale.
    sys.stdout.buffer.write(language.printed(f"\n{text}\n\n"))
    return code


def _run(server: str, say: languages.Say, argv: list[str]) -> tuple[str, int]:
    words = [word.lower() for word in argv[:3]]
    if len(words) < 3 or words[0] != "http" or words[1] not in _VERBS or words[2] not in _KNOWN:
        return netsh_out.not_found(say, argv), 1
    verb, what = words[1], words[2]
    try:
        arguments = _named(verb, what, argv[3:])
        if verb == "show":
            return netsh_out.SHOW[what](say, _SHOW[what](machine.httpsys(server), arguments)), 0
        if not machine.elevated(server):
            raise Numbered(5)
        with machine.httpsys_lock(server):
            tables = machine.httpsys(server)
            _CHANGE[verb, what](server, tables, arguments)
            machine.write(server, machine.HTTPSYS, tables)
    except Numbered as error:
        return netsh_out.failure(say, verb, what, int(str(error))), 1
    except Bare as error:
        return netsh_out.bare(say, int(str(error))), 1
    except Usage:
        return netsh_out.usage(say, verb, what), 1
    return say(netsh_out.DONE[verb, what]), 0


def _named(verb: str, what: str, words: list[str]) -> Arguments:
    """The name=value arguments. The real netsh also takes positional ones; the lab does not."""
    out: Arguments = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name.lower() not in _KNOWN[what]:
            raise Bare(87) if verb == "show" else Usage
        out[name.lower()] = value
    return out


def _need(arguments: Arguments, *names: str) -> None:
    if any(not arguments.get(name) for name in names):
        raise Usage


def _add_urlacl(server: str, tables: Tables, arguments: Arguments) -> None:
    _need(arguments, "url")
    if not arguments.get("sddl") and not arguments.get("user"):
        raise Usage
    url = arguments["url"]
    match = _URL.fullmatch(url)
    if not match or not 1 <= int(match[3]) <= 65535:
        raise Numbered(87)
    sddl = arguments.get("sddl") or _sddl(server, arguments)
    if not _SDDL.fullmatch(sddl):
        raise Bare(87)
    if any(row["url"].lower() == url.lower() for row in tables["urlacl"]):
        raise Numbered(183)
    if _conflicts(tables, match[1], match[3]) and machine.read(server, machine.OPTIONS, {}).get("urlacl_conflict", True):
        raise Numbered(183)
    tables["urlacl"].append({"url": url, "sddl": sddl})


def _conflicts(tables: Tables, scheme: str, port: str) -> bool:
    """http.sys cannot serve both schemes on one port."""
    there = [_URL.fullmatch(row["url"]) for row in tables["urlacl"]]
    return any(m and m[3] == port and m[1].lower() != scheme.lower() for m in there)


def _sddl(server: str, arguments: Arguments) -> str:
    """The access list in the arguments. An account is known only by its name in this Windows' language."""
    user, say = arguments["user"].lower(), languages.of(server).say
    accounts = {say(name).lower(): sid for name, sid in netsh_out.ACCOUNTS.items()}
    trustee = next((sid for name, sid in accounts.items() if user in (name, name.partition("\\")[2])), None)
    if trustee is None:
        raise Numbered(1332)
    rights = _RIGHTS.get((arguments.get("listen", "yes").lower(), arguments.get("delegate", "no").lower()))
    if rights is None:
        raise Bare(87)
    return f"D:(A;;{rights};;;{trustee})"


def _delete_urlacl(_: str, tables: Tables, arguments: Arguments) -> None:
    _need(arguments, "url")
    _delete(tables, "urlacl", lambda row: row["url"].lower() == arguments["url"].lower())


def _show_urlacl(tables: Tables, arguments: Arguments) -> list["Any"]:
    wanted = arguments.get("url")
    return [row for row in tables["urlacl"] if wanted is None or row["url"].lower() == wanted.lower()]


def _endpoint(arguments: Arguments) -> str:
    """The endpoint in ipport=, hostnameport= or ccs=."""
    for name, shape in (("ipport", _IPPORT), ("hostnameport", _NAMEPORT)):
        if value := arguments.get(name):
            if not shape.fullmatch(value) or not 1 <= int(value.rpartition(":")[2]) <= 65535:
                raise Bare(87)
            return value.lower()
    if value := arguments.get("ccs"):
        if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 65535:
            raise Bare(87)
        return f"{netsh_out.CENTRAL}{int(value)}"
    raise Usage


def _add_sslcert(server: str, tables: Tables, arguments: Arguments) -> None:
    endpoint = _endpoint(arguments)
    if endpoint.startswith(netsh_out.CENTRAL):
        _add_central(tables, endpoint, arguments)
        return
    _need(arguments, "appid", "certhash")
    certhash, appid, store = arguments["certhash"], arguments["appid"], arguments.get("certstorename")
    # netsh itself refuses a malformed value, without a number.
    if not _HASH.fullmatch(certhash) or not _GUID.fullmatch(appid):
        raise Bare(87)
    if any(row["endpoint"] == endpoint for row in tables["sslcert"]):
        raise Numbered(183)
    key = os.path.join(server, machine.CERTIFICATES, f"{certhash.upper()}.key")
    if (store or "MY").upper() != "MY" or not os.path.exists(key):
        raise Numbered(1312)
    tables["sslcert"].append({"endpoint": endpoint, "certhash": certhash.lower(), "appid": appid.lower(), "store": store})


def _add_central(tables: Tables, endpoint: str, arguments: Arguments) -> None:
    """Add a port with certificates in the Central Certificate Store: the row has no hash."""
    _need(arguments, "appid")
    if arguments.get("certhash") or not _GUID.fullmatch(arguments["appid"]):
        raise Bare(87)
    if any(row["endpoint"] == endpoint for row in tables["sslcert"]):
        raise Numbered(183)
    tables["sslcert"].append({"endpoint": endpoint, "certhash": None, "appid": arguments["appid"].lower(), "store": None})


def _delete_sslcert(_: str, tables: Tables, arguments: Arguments) -> None:
    endpoint = _endpoint(arguments)
    _delete(tables, "sslcert", lambda row: row["endpoint"] == endpoint)


def _show_sslcert(tables: Tables, arguments: Arguments) -> list["Any"]:
    if not arguments:
        return list(tables["sslcert"])
    rows = [row for row in tables["sslcert"] if row["endpoint"] == _endpoint(arguments)]
    if not rows:
        raise Bare(2)
    return rows


def _add_iplisten(_: str, tables: Tables, arguments: Arguments) -> None:
    _need(arguments, "ipaddress")
    if arguments["ipaddress"] in tables["iplisten"]:
        raise Numbered(183)
    tables["iplisten"].append(arguments["ipaddress"])


def _delete_iplisten(_: str, tables: Tables, arguments: Arguments) -> None:
    _need(arguments, "ipaddress")
    _delete(tables, "iplisten", lambda row: row == arguments["ipaddress"])


def _show_iplisten(tables: Tables, _: Arguments) -> list["Any"]:
    return list(tables["iplisten"])


def _delete(tables: Tables, what: str, is_it: Callable[["Any"], bool]) -> None:
    left = [row for row in tables[what] if not is_it(row)]
    if len(left) == len(tables[what]):
        raise Numbered(2)
    tables[what] = left


_KNOWN = {
    "urlacl": {"url", "user", "sddl", "listen", "delegate"},
    "sslcert": {"ipport", "hostnameport", "ccs", "certhash", "appid", "certstorename"},
    "iplisten": {"ipaddress"},
}
_VERBS = ("show", "add", "delete")
_SHOW: dict[str, Callable[[Tables, Arguments], list["Any"]]] = {
    "urlacl": _show_urlacl,
    "sslcert": _show_sslcert,
    "iplisten": _show_iplisten,
}
_CHANGE: dict[tuple[str, str], Callable[[str, Tables, Arguments], None]] = {
    ("add", "urlacl"): _add_urlacl,
    ("delete", "urlacl"): _delete_urlacl,
    ("add", "sslcert"): _add_sslcert,
    ("delete", "sslcert"): _delete_sslcert,
    ("add", "iplisten"): _add_iplisten,
    ("delete", "iplisten"): _delete_iplisten,
}
