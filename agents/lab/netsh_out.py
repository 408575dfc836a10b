"""What `netsh http` prints, in the English layout of Windows 10. Sources: the captures listed in
docs/lab.md."""

from agents.lab.machine import Row

INCORRECT = "The parameter is incorrect."
TEXTS = {
    2: "The system cannot find the file specified.",
    87: INCORRECT,
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


def failure(verb: str, what: str, number: int) -> str:
    """The text of a numbered error."""
    begin = "Create SDDL failed" if number == 1332 else FAILED[verb, what]
    return f"{begin}, Error: {number}\n{TEXTS[number]}"


def usage(verb: str, what: str) -> str:
    """The text for arguments that are missing or unknown."""
    return (
        "One or more essential parameters were not entered.\n"
        "Verify the required parameters, and reenter them.\n"
        "The syntax supplied for this command is not valid. Check help for the correct syntax.\n\n"
        f"Usage: {USAGE[verb, what]}"
    )


def urlacl(rows: list[Row]) -> str:
    """The output of `show urlacl`."""
    blocks = [_reservation(row) for row in rows]
    return "\n".join(["URL Reservations:", "-----------------", "", *blocks])


def sslcert(rows: list[Row]) -> str:
    """The output of `show sslcert`."""
    blocks = [_binding(row) for row in rows]
    return "\n".join(["SSL Certificate bindings:", "-------------------------", "", *blocks])


def iplisten(rows: list[str]) -> str:
    """The output of `show iplisten`."""
    title = "IP addresses present in the IP listen list:"
    return "\n".join([title, "-" * len(title), "", *[f"    {row}" for row in rows], ""])


def _reservation(row: Row) -> str:
    lines = [f"    Reserved URL            : {row['url']}"]
    for entry in row["sddl"].removeprefix("D:").strip("()").split(")("):
        fields = entry.split(";")
        if len(fields) != 6:
            continue
        rights, trustee = fields[2], fields[5]
        account = next((name for name, short in ACCOUNTS.items() if short == trustee), trustee)
        lines += [
            f"        User: {account}",
            f"            Listen: {_yes('GX' in rights or 'GA' in rights)}",
            f"            Delegate: {_yes('GW' in rights or 'GA' in rights)}",
        ]
    return "\n".join([*lines, f"            SDDL: {row['sddl']}", ""])


def _binding(row: Row) -> str:
    host = row["endpoint"].rpartition(":")[0]
    by_address = host.startswith("[") or host.replace(".", "").isdigit()
    head = (
        ("IP:port" if by_address else "Hostname:port", row["endpoint"]),
        ("Certificate Hash", row["certhash"]),
        ("Application ID", row["appid"]),
        ("Certificate Store Name", row["store"] or "(null)"),
    )
    return "\n".join([f"    {label:<28} : {value}" for label, value in (*head, *_CERTIFICATE_TAIL)] + [""])


def _yes(it_is: bool) -> str:
    return "Yes" if it_is else "No"
