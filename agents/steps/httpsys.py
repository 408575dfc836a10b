"""What the server's steps share about http.sys: its URL reservations and its certificate bindings. http.sys serves one scheme
on a port. Whatever the agent deletes there, it saves with everything that is needed to write it again."""

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Sequence

from agents.catalogue import APPID, EVERYONE_LISTENS
from agents.errors import StepError
from agents.hosts import httpsys_registry, netsh, netsh_values
from agents.hosts.netsh_text import Binding, Reservation
from agents.steps.base import Context
from agents.steps.services import server

MOST_SHOWN, MOST_ROWS_SHOWN = 400, 40
Row = dict[str, str | None]


async def check_port(ctx: Context) -> None:
    """Everything that http.sys has on the port is understood, is ours to change, and can be put back. Raises StepError."""
    port = ctx.instruction.port
    reservations, bindings = await netsh.reservations(), await netsh.bindings(port)
    httpsys_registry.compare(httpsys_registry.read(), port, bindings, reservations)
    check_bindings(ctx, bindings)
    await check_reservations(ctx, reservations)


async def check_reservations(ctx: Context, rows: Iterable[Reservation]) -> None:
    """Every reservation on the port that will be deleted or added can be written: what cannot be written again must not be
    deleted. Called when the server is armed, before it is stopped, and before the first reservation is deleted. Raises
    StepError reservation_refused."""
    removed, added = planned(ctx, on_port(ctx, rows))
    for row in (*removed, *added):
        if why := await netsh.why_not_moved(row) if row in removed else netsh_values.why_not(row):
            raise StepError(
                "reservation_refused",
                f"the reservation {_cut(row.url)} could not be moved and brought back: {why}",
                "Nothing was changed. Look at netsh http show urlacl on the server: delete this reservation by hand if no "
                "program needs it, or reserve it anew so that it can be moved; then try again.",
            )


def check_bindings(ctx: Context, rows: Iterable[Binding]) -> None:
    """Every binding on the port is ours and can be written again, and so can the planned one. Raises StepError."""
    check_owner(ctx, rows)
    for row in (*rows, *wanted(ctx)):
        netsh.check_binding(row)


def check_owner(ctx: Context, rows: Iterable[Binding]) -> None:
    """No other program has a certificate on our port: neither on our endpoint, nor on a more specific one, which http.sys would
    prefer to ours. Raises StepError foreign_binding."""
    for row in rows:
        if not netsh.ours(row) or row.endpoint != netsh.endpoint(ctx.instruction.port):
            raise netsh.foreign(row)


def check_certificate(ctx: Context) -> None:
    """The certificate to bind is in the store, has its key, and is valid now. Called when the server is armed and again before
    it is stopped, because days may lie between approval and window. Raises StepError."""
    if ctx.instruction.to_scheme == "http":
        return
    thumbprint = ctx.instruction.thumbprint
    server(ctx).check_certificate(thumbprint)
    _check_validity(ctx, thumbprint or "")


def _check_validity(ctx: Context, thumbprint: str) -> None:
    """Uses the dashboard's clock, because this machine's may be wrong."""
    now = dt.datetime.fromtimestamp(ctx.clock.now_ms() / 1000, dt.UTC)
    times = server(ctx).validity(thumbprint)
    if times and now > times[1]:
        message = f"certificate {thumbprint} has expired on {times[1]:%Y-%m-%d %H:%M} UTC"
        raise StepError("certificate_expired", message, "Import a certificate that is valid, then plan again with it.")
    if times and now < times[0]:
        message = f"certificate {thumbprint} is valid only from {times[0]:%Y-%m-%d %H:%M} UTC on"
        raise StepError("certificate_not_yet_valid", message, "Plan the window for later, or use another certificate.")


def wanted(ctx: Context) -> list[Binding]:
    """The bindings that the port shall have: one, or none on the way to HTTP."""
    if ctx.instruction.to_scheme == "http":
        return []
    return [Binding(netsh.endpoint(ctx.instruction.port), ctx.instruction.thumbprint, APPID, "MY")]


def as_wanted(ctx: Context, rows: Iterable[Binding]) -> bool:
    """Whether our bindings among these are exactly the wanted ones."""
    return [_key(row) for row in rows if netsh.ours(row)] == [_key(row) for row in wanted(ctx)]


def _key(row: Binding) -> tuple[str, str | None]:
    return row.endpoint, row.certhash


def on_port(ctx: Context, rows: Iterable[Reservation]) -> list[Reservation]:
    """Those on the instruction's port."""
    return [row for row in rows if row.port == ctx.instruction.port]


def planned(ctx: Context, rows: list[Reservation]) -> tuple[list[Reservation], list[Reservation]]:
    """rows: the port's reservations. Returns those to delete and those to add."""
    removed = [row for row in rows if row.scheme != ctx.instruction.to_scheme]
    kept = {row.url.lower() for row in rows}
    if not removed and rows:
        return [], []
    return removed, [row for row in _mirrored(ctx, removed) if row.url.lower() not in kept]


def _mirrored(ctx: Context, rows: list[Reservation]) -> list[Reservation]:
    """The same reservations in the new scheme, with the same host, port, path and access list, because http.sys compares them
    literally. If the port has none, the service's account needs none for HTTP; the vendor's instructions add this one."""
    scheme, port = ctx.instruction.to_scheme, ctx.instruction.port
    if not rows:
        return [Reservation(f"{scheme}://+:{port}/", EVERYONE_LISTENS)]
    return [Reservation(re.sub(r"^https?", scheme, row.url, flags=re.IGNORECASE), row.sddl) for row in rows]


def dump(rows: Sequence[Reservation] | Sequence[Binding]) -> list[Row]:
    """As JSON for the journal and for evidence."""
    return [dataclasses.asdict(row) for row in rows]


def load(rows: list[dict[str, str]]) -> list[Reservation]:
    """Reservations from the journal."""
    return [Reservation(row["url"], row["sddl"]) for row in rows]


def shown(rows: list[Reservation]) -> list[Row]:
    """For evidence and messages, which have a size limit: a prefix or an access list may have 30,000 characters."""
    return [{"url": _cut(row.url), "sddl": row.sddl and _cut(row.sddl)} for row in rows[:MOST_ROWS_SHOWN]]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
