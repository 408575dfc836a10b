"""Reads and changes http.sys's URL reservations and certificate bindings with netsh. Every value is checked against a strict
grammar here, even if it was checked before. No message text is compared: after a failure, what counts is what is read back."""

from agents.catalogue import APPID
from agents.errors import StepError
from agents.hosts import netsh_text, netsh_values, program
from agents.hosts.netsh_text import Binding, Reservation


def endpoint(port: int) -> str:
    """The only endpoint that the agent binds: all addresses of the machine, clients with and without SNI."""
    return f"0.0.0.0:{port}"


async def reservations() -> tuple[Reservation, ...]:
    """All URL reservations. Raises StepError netsh_unreadable when the output is not understood."""
    text = (await program.run("netsh", "http", "show", "urlacl")).text
    parsed = netsh_text.parse_urlacl(text)
    if not parsed.certain:
        raise _unreadable("urlacl", text)
    return parsed.rows


async def why_not_moved(row: Reservation) -> str | None:
    """Why this reservation could not be deleted and written again; None if it could. netsh is asked to show it with the same
    argument that would delete it, because a code page or netsh's own parser may change the prefix. Raises StepError
    netsh_unreadable."""
    if (why := netsh_values.why_not(row)) or netsh_values.is_plain(row):
        return why
    text = (await program.run("netsh", "http", "show", "urlacl", f"url={netsh_values.url(row.url)}")).text
    return None if row in netsh_text.parse_urlacl(text).rows else "netsh does not find it by the name that it prints"


async def bindings(port: int) -> tuple[Binding, ...]:
    """The certificate bindings on this port, for all addresses and names. Raises StepError netsh_unreadable if the output, or
    the hash of one of these rows, is not understood."""
    found, text = await _sslcert()
    rows = tuple(row for row in found if row.port == port)
    if any(row.certhash is None and not row.central for row in rows):
        raise _unreadable("sslcert", text)
    return rows


async def all_bindings() -> tuple[Binding, ...]:
    """The certificate bindings of all ports, also those whose hash cannot be read. Raises StepError netsh_unreadable if the
    output is not understood."""
    return (await _sslcert())[0]


async def _sslcert() -> tuple[tuple[Binding, ...], str]:
    """All rows, and the text that they were read from. Raises StepError netsh_unreadable."""
    text = (await program.run("netsh", "http", "show", "sslcert")).text
    parsed = netsh_text.parse_sslcert(text)
    if not parsed.rows and not parsed.certain:
        raise _unreadable("sslcert", text)
    return parsed.rows, text


async def iplisten() -> tuple[str, ...]:
    """The addresses to which http.sys is restricted; empty: no restriction. Raises StepError netsh_unreadable."""
    text = (await program.run("netsh", "http", "show", "iplisten")).text
    if (found := netsh_text.parse_iplisten(text)) is None:
        raise _unreadable("iplisten", text)
    return found


async def add_reservation(url: str, sddl: str) -> None:
    """Add a reservation. Does nothing if an identical one exists. Raises StepError."""
    number, text = await _change("add", "urlacl", f"url={netsh_values.url(url)}", f"sddl={netsh_values.checked('sddl', sddl)}")
    if number is not None and Reservation(url, sddl) not in await reservations():
        raise _refused(f"the reservation of {url}", number, text)


async def delete_reservation(url: str) -> None:
    """Delete a reservation. Does nothing if it does not exist. Raises StepError."""
    number, text = await _change("delete", "urlacl", f"url={netsh_values.url(url)}")
    if number is not None and any(row.url == url for row in await reservations()):
        raise _refused(f"deleting the reservation of {url}", number, text)


async def add_binding(row: Binding) -> None:
    """Add a binding. Does nothing if an identical one exists. Raises StepError, foreign_binding if the endpoint has another
    binding."""
    number, text = await _change("add", "sslcert", *_arguments(row))
    if number is None:
        return
    there = [other for other in await bindings(row.port) if other.endpoint == row.endpoint]
    if not any(same(other, row) for other in there):
        raise foreign(there[0]) if there else _refused(f"binding the certificate to {row.endpoint}", number, text)


async def delete_binding(row: Binding) -> None:
    """Delete exactly this binding, after checking that it is ours and unchanged. Does nothing if it does not exist. Raises
    StepError, foreign_binding if the endpoint has another binding."""
    there = [other for other in await bindings(row.port) if other.endpoint == row.endpoint]
    if not there:
        return
    if not same(there[0], row) or not ours(there[0]):
        raise foreign(there[0])
    number, text = await _change("delete", "sslcert", f"ipport={netsh_values.endpoint(row.endpoint)}")
    if number is not None and await bindings(row.port):
        raise _refused(f"deleting the binding of {row.endpoint}", number, text)


def check_binding(row: Binding) -> None:
    """Raises StepError value_refused for a binding that could not be written again."""
    _arguments(row)


def ours(row: Binding) -> bool:
    """Whether this agent made the row."""
    return (row.appid or "").lower() == APPID


def same(one: Binding, other: Binding) -> bool:
    """Same endpoint, certificate and owner. The store's name is not compared, because Windows may spell it differently or omit
    it."""
    return (one.endpoint, one.certhash, (one.appid or "").lower()) == (
        other.endpoint,
        other.certhash,
        (other.appid or "").lower(),
    )


def foreign(row: Binding) -> StepError:
    """The finding for a binding that another program has made."""
    what = "the Central Certificate Store" if row.central else f"certificate {row.certhash}"
    return StepError(
        "foreign_binding",
        f"{row.endpoint} is bound to {what} by {row.appid or 'an unknown program'}",
        "Find out which program made this binding (netsh http show sslcert) and remove it, or use another port.",
    )


def _arguments(row: Binding) -> list[str]:
    values = {"certhash": row.certhash, "appid": row.appid}
    if row.store is not None:
        values["certstorename"] = row.store
    checked = [f"{name}={netsh_values.checked(name, value)}" for name, value in values.items()]
    return [f"ipport={netsh_values.endpoint(row.endpoint)}", *checked]


async def _change(*arguments: str) -> tuple[int | None, str]:
    """Run a changing command. Returns (None, text) when it says that it succeeded, else (number or 0, text)."""
    netsh_values.fits("http", *arguments)
    output = await program.run("netsh", "http", *arguments)
    number = netsh_text.error_number(output.text)
    if output.code == 0 and number is None:
        return None, output.text
    return number or 0, output.text


def _unreadable(what: str, text: str) -> StepError:
    return StepError(
        "netsh_unreadable",
        f"the output of netsh http show {what} is not understood: {text.strip()[:200]!r}",
        "Run the command on the server by hand and send its output to support. Nothing was changed.",
    )


def _refused(what: str, number: int, text: str) -> StepError:
    """The finding for an error number of netsh (docs/windows.md lists them). An unknown number is reported with netsh's text.
    None is retryable, because the same command would be refused again."""
    code, why, remedy = _WORDS.get(number, ("netsh_failed", f"({number}) {text.strip()[:300]!r}", "Look up the error number."))
    return StepError(code, f"{what} failed: {why}", remedy)


_WORDS = {
    # No number: netsh itself refused the command, or the bare text of 87.
    0: (
        "netsh_refused",
        "netsh did not accept the command: this Windows does not know it, or regards a value as malformed",
        "Run netsh http show sslcert and show urlacl on the server by hand and send both to support.",
    ),
    5: ("access_denied", "access was denied", "Run the agent as LocalSystem or an administrator."),
    87: ("netsh_value", "Windows regards a value as malformed", "Send the agent's log to support."),
    183: (
        "record_exists",
        "Windows says that it exists already, but shows another one or none",
        "Look at netsh http show sslcert and show urlacl: delete what no program needs, then try again.",
    ),
    1312: (
        "certificate_key_missing",
        "Windows finds no private key for the certificate in the machine's store",
        "Import the PFX into Personal of the computer account, with its key.",
    ),
    1332: (
        "unknown_account",
        "the access list names an account that this Windows does not know",
        "Look at netsh http show urlacl for an account that was deleted, and reserve the URL anew by hand.",
    ),
}
