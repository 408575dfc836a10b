"""What `netsh http` prints, in the layout of Windows 10. Texts are in English here; `say` puts them into the site's
language. Sources: the captures listed in docs/lab.md."""

from collections.abc import Callable

from agents.lab.machine import Row
from agents.lab.texts.languages import Say

TYPE_CHECKING = False  # importing typing would double the start time
if TYPE_CHECKING:
    from typing import Any

CENTRAL = "CCS:"
TEXTS = {
    2: "The system cannot find the file specified.",
    5: "Access is denied.",
    87: "The parameter is incorrect.",
    183: "Cannot create a file when that file already exists.",
    1312: "A specified logon session does not exist. It may already have been terminated.",
    1332: "No mapping between account names and security IDs was done.",
}
DONE = {
    ("add", "urlacl"): "URL reservation successfully added",
    ("delete", "urlacl"): "URL reservation successfully deleted",
    ("add", "sslcert"): "SSL Certificate successfully added",
    ("delete", "sslcert"): "SSL Certificate successfully deleted",
    ("add", "iplisten"): "IP address successfully added",
    ("delete", "iplisten"): "IP address successfully deleted",
}
FAILED = {
    ("add", "urlacl"): "Url reservation add failed",
    ("delete", "urlacl"): "URL reservation delete failed",
    ("add", "sslcert"): "SSL Certificate add failed",
    ("delete", "sslcert"): "SSL Certificate deletion failed",
    ("add", "iplisten"): "IP address add failed",
    ("delete", "iplisten"): "IP address deletion failed",
}
USAGE = {
    (
        "add",
        "urlacl",
    ): "add urlacl [url=]<string>\n        [[user=]<string> [[listen=]yes|no [delegate=]yes|no]] | [[sddl=]<string>]",
    ("delete", "urlacl"): "delete urlacl [url=]<string>",
    ("add", "sslcert"): "add sslcert hostnameport=<name:port> | ipport=<ipaddr:port> | ccs=<port>\n"
    "        appid=<GUID>\n        [certhash=<string>]\n        [certstorename=<string>]",
    ("delete", "sslcert"): "delete sslcert hostnameport=<name:port> | ipport=<ipaddr:port> | ccs=<port>",
    ("add", "iplisten"): "add iplisten [ipaddress=]<string>",
    ("delete", "iplisten"): "delete iplisten [ipaddress=]<string>",
}
ACCOUNTS = {
    "\\Everyone": "WD",
    "BUILTIN\\Users": "BU",
    "BUILTIN\\Administrators": "BA",
    "NT AUTHORITY\\NETWORK SERVICE": "NS",
    "NT AUTHORITY\\LOCAL SERVICE": "LS",
    "NT AUTHORITY\\SYSTEM": "SY",
    "NT AUTHORITY\\Authenticated Users": "AU",
}
_CERTIFICATE_TAIL = (
    ("Verify Client Certificate Revocation", "Enabled"),
    ("Verify Revocation Using Cached Client Certificate Only", "Disabled"),
    ("Usage Check", "Enabled"),
    ("Revocation Freshness Time", "0"),
    ("URL Retrieval Timeout", "0"),
    ("Ctl Identifier", "(null)"),
    ("Ctl Store Name", "(null)"),
    ("DS Mapper Usage", "Disabled"),
    ("Negotiate Client Certificate", "Disabled"),
    ("Reject Connections", "Disabled"),
    ("Disable HTTP2", "Not Set"),
    ("Disable QUIC", "Not Set"),
    ("Disable TLS1.2", "Not Set"),
    ("Disable TLS1.3", "Not Set"),
    ("Disable OCSP Stapling", "Not Set"),
    ("Enable Token Binding", "Not Set"),
    ("Log Extended Events", "Not Set"),
    ("Disable Legacy TLS Versions", "Not Set"),
    ("Enable Session Ticket", "Not Set"),
)


def failure(say: Say, verb: str, what: str, number: int) -> str:
    """The text of a numbered error."""
    begin = "Create SDDL failed" if number == 1332 else FAILED[verb, what]
    return f"{say(begin)}, {say('Error')}: {number}\n{say(TEXTS[number])}"


def bare(say: Say, number: int) -> str:
    """The text of an error that netsh tells without its number."""
    return say(TEXTS[number])


def not_found(say: Say, argv: list[str]) -> str:
    """The text for a command that does not exist."""
    return f"{say('The following command was not found')}: {' '.join(argv)}."


def usage(say: Say, verb: str, what: str) -> str:
    """The text for arguments that are missing or unknown."""
    sentences = (
        "One or more essential parameters were not entered.",
        "Verify the required parameters, and reenter them.",
        "The syntax supplied for this command is not valid. Check help for the correct syntax.",
    )
    return "\n".join([*map(say, sentences), "", f"{say('Usage')}: {USAGE[verb, what]}"])


def urlacl(say: Say, rows: list[Row]) -> str:
    """The output of `show urlacl`."""
    return _listed(say("URL Reservations:"), [_reservation(say, row) for row in rows])


def sslcert(say: Say, rows: list[Row]) -> str:
    """The output of `show sslcert`."""
    return _listed(say("SSL Certificate bindings:"), [_binding(say, row) for row in rows])


def iplisten(say: Say, rows: list[str]) -> str:
    """The output of `show iplisten`."""
    return _listed(say("IP addresses present in the IP listen list:"), [*[f"    {row}" for row in rows], ""])


SHOW: dict[str, Callable[[Say, list["Any"]], str]] = {"urlacl": urlacl, "sslcert": sslcert, "iplisten": iplisten}


def _listed(title: str, blocks: list[str]) -> str:
    return "\n".join([title, "-" * len(title), "", *blocks])


def _reservation(say: Say, row: Row) -> str:
    lines = [f"    {say('Reserved URL'):<23} : {row['url']}"]
    for entry in row["sddl"].removeprefix("D:").strip("()").split(")("):
        fields = entry.split(";")
        if len(fields) != 6:
            continue
        rights, trustee = fields[2], fields[5]
        account = next((say(name) for name, short in ACCOUNTS.items() if short == trustee), trustee)
        lines += [
            f"        {say('User')}: {account}",
            f"            {say('Listen')}: {say(_yes('GX' in rights or 'GA' in rights))}",
            f"            {say('Delegate')}: {say(_yes('GW' in rights or 'GA' in rights))}",
        ]
    return "\n".join([*lines, f"            SDDL: {row['sddl']}", ""])


def _binding(say: Say, row: Row) -> str:
    head = (
        _place(row["endpoint"]),
        ("Certificate Hash", row["certhash"] or "(null)"),
        ("Application ID", row["appid"]),
        ("Certificate Store Name", row["store"] or "(null)"),
    )
    tail = [(label, say(value) if value[0].isalpha() else value) for label, value in _CERTIFICATE_TAIL]
    return "\n".join([f"    {say(label):<28} : {value}" for label, value in (*head, *tail)] + [""])


def _yes(it_is: bool) -> str:
    return "Yes" if it_is else "No"


def _place(endpoint: str) -> tuple[str, str]:
    """The label and value of a row's first line."""
    host, _, port = endpoint.rpartition(":")
    if endpoint.startswith(CENTRAL):
        return "Central Certificate Store", port
    by_address = host.startswith("[") or host.replace(".", "").isdigit()
    return "IP:port" if by_address else "Hostname:port", endpoint
