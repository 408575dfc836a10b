"""The server's steps in http.sys: one port can serve one scheme only, so the other one's reservation goes
first, and everything that goes is remembered with all that is needed to bring it back."""

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable
from typing import cast

from agents.errors import StepError
from agents.hosts import netsh, netsh_values
from agents.hosts.host import ServerHost
from agents.hosts.netsh_text import Binding, Reservation
from agents.steps.base import Context, Evidence, Saved, Step

MOST_SHOWN, MOST_ROWS_SHOWN = 400, 40


class SwapReservation(Step):
    """The URL reservation of the old scheme goes, that of the new one comes."""

    name = "swap_reservation"

    async def check(self, ctx: Context) -> bool:
        rows = ctx.memory["rows"] = _on_port(ctx, await netsh.reservations())
        return bool(rows) and all(row.scheme == ctx.instruction.to_scheme for row in rows)

    async def save(self, ctx: Context) -> Saved:
        rows: list[Reservation] = ctx.memory["rows"]
        await check_reservations(ctx, rows)
        removed, added = _planned(ctx, rows)
        return {"removed": _dump(removed), "added": _dump(added)}

    async def apply(self, ctx: Context) -> None:
        saved = ctx.saved[self.name]
        for row in _load(saved["removed"]):
            await netsh.delete_reservation(row.url)
        for row in _load(saved["added"]):
            await netsh.add_reservation(row.url, row.sddl or netsh.EVERYONE_LISTENS)

    async def verify(self, ctx: Context) -> Evidence:
        rows = _on_port(ctx, await netsh.reservations())
        if not rows or any(row.scheme != ctx.instruction.to_scheme for row in rows):
            raise StepError("reservation_wrong", f"the port's reservations are {_short(rows)}", "Look for another program.")
        return {"before": _short(_load(ctx.saved.get(self.name, {}).get("removed", []))), "after": _short(rows)}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        there = set(await netsh.reservations())
        for row in _load(saved["added"]):
            if any(other.url == row.url for other in there):
                await netsh.delete_reservation(row.url)
        for row in _load(saved["removed"]):
            if row not in there:
                if any(other.url == row.url for other in there):
                    await netsh.delete_reservation(row.url)
                await netsh.add_reservation(row.url, row.sddl or netsh.EVERYONE_LISTENS)
        rows = _on_port(ctx, await netsh.reservations())
        if missing := [row.url for row in _load(saved["removed"]) if row not in rows]:
            raise StepError("reservation_wrong", f"{missing[0]} did not come back", "Add it by hand.")
        return {"after": _short(rows)}


class BindCertificate(Step):
    """The certificate comes to the port; towards HTTP, ours goes."""

    name = "bind_certificate"

    async def check(self, ctx: Context) -> bool:
        rows = ctx.memory["rows"] = await netsh.bindings(ctx.instruction.port)
        check_port(ctx, rows)
        return [_key(row) for row in rows if netsh.ours(row)] == [_key(row) for row in _wanted(ctx)]

    async def save(self, ctx: Context) -> Saved:
        check_certificate(ctx)
        rows: tuple[Binding, ...] = ctx.memory["rows"]
        return {"removed": [dataclasses.asdict(row) for row in rows if netsh.ours(row)], "added": _dump(_wanted(ctx))}

    async def apply(self, ctx: Context) -> None:
        rows: tuple[Binding, ...] = ctx.memory["rows"]
        wanted = _wanted(ctx)
        for row in rows:
            if netsh.ours(row) and not any(netsh.same(row, other) for other in wanted):
                await netsh.delete_binding(row)
        for row in wanted:
            await netsh.add_binding(row)

    async def verify(self, ctx: Context) -> Evidence:
        rows = await netsh.bindings(ctx.instruction.port)
        if [_key(row) for row in rows if netsh.ours(row)] != [_key(row) for row in _wanted(ctx)]:
            raise StepError("binding_wrong", f"the port's bindings are {_dump(rows)}", "Look for another program.")
        return {"before": ctx.saved.get(self.name, {}).get("removed", []), "after": _dump(rows)}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        removed = [Binding(**row) for row in saved["removed"]]
        for row in (Binding(**row) for row in saved["added"]):
            there = await netsh.bindings(row.port)
            # A row that is as it was before us is not ours to delete: apply never happened.
            if any(netsh.same(other, row) for other in there) and not any(netsh.same(old, row) for old in removed):
                await netsh.delete_binding(row)
        for row in removed:
            await netsh.add_binding(row)
        rows = await netsh.bindings(ctx.instruction.port)
        if missing := [row.endpoint for row in removed if not any(netsh.same(row, other) for other in rows)]:
            raise StepError("binding_wrong", f"{missing[0]} did not come back", "Bind the old certificate by hand.")
        return {"after": _dump(rows)}


async def check_reservations(ctx: Context, rows: Iterable[Reservation]) -> None:
    """Whether every reservation on the port that will be deleted, and what comes in its place, can be written: what cannot
    be written again must not be deleted. Asked when the server is armed, before it is stopped, and before the first one
    goes. Raises StepError reservation_refused."""
    removed, added = _planned(ctx, _on_port(ctx, rows))
    for row in (*removed, *added):
        if why := await netsh.why_not_moved(row) if row in removed else netsh_values.why_not(row):
            raise StepError(
                "reservation_refused",
                f"the reservation {_cut(row.url)} could not be moved and brought back: {why}",
                "Nothing was changed. Look at netsh http show urlacl on the server: delete this reservation by hand if no "
                "program needs it, or reserve it anew so that it can be moved; then try again.",
            )


def check_bindings(ctx: Context, rows: Iterable[Binding]) -> None:
    """Whether every binding on the port that will be deleted, and what comes in its place, can be written. Raises
    StepError."""
    check_port(ctx, rows)
    for row in (*rows, *_wanted(ctx)):
        netsh.check_binding(row)


def check_certificate(ctx: Context) -> None:
    """No binding without a certificate, its key, and a time in which it is valid. Asked when the server is armed and
    again before it is stopped, because days may lie between approval and window. Raises StepError."""
    if ctx.instruction.to_scheme == "http":
        return
    host, thumbprint = cast(ServerHost, ctx.host), ctx.instruction.thumbprint
    host.check_certificate(thumbprint)
    _check_validity(ctx, host, thumbprint or "")


def _check_validity(ctx: Context, host: ServerHost, thumbprint: str) -> None:
    """By the dashboard's clock, which is more to be trusted than this machine's."""
    now = dt.datetime.fromtimestamp(ctx.clock.now_ms() / 1000, dt.UTC)
    times = host.validity(thumbprint)
    if times and now > times[1]:
        message = f"certificate {thumbprint} has expired on {times[1]:%Y-%m-%d %H:%M} UTC"
        raise StepError("certificate_expired", message, "Import a certificate that is valid, then plan again with it.")
    if times and now < times[0]:
        message = f"certificate {thumbprint} is valid only from {times[0]:%Y-%m-%d %H:%M} UTC on"
        raise StepError("certificate_not_yet_valid", message, "Plan the window for later, or use another certificate.")


def check_port(ctx: Context, rows: Iterable[Binding]) -> None:
    """Nobody else's certificate on our port: not on our endpoint, and not on one that is more specific and
    would win over ours. Raises StepError foreign_binding."""
    for row in rows:
        if not netsh.ours(row) or row.endpoint != netsh.endpoint(ctx.instruction.port):
            raise netsh.foreign(row)


def _wanted(ctx: Context) -> list[Binding]:
    if ctx.instruction.to_scheme == "http":
        return []
    return [Binding(netsh.endpoint(ctx.instruction.port), ctx.instruction.thumbprint, netsh.APPID, "MY")]


def _key(row: Binding) -> tuple[str, str | None]:
    return row.endpoint, row.certhash


def _on_port(ctx: Context, rows: Iterable[Reservation]) -> list[Reservation]:
    return [row for row in rows if row.port == ctx.instruction.port]


def _planned(ctx: Context, rows: list[Reservation]) -> tuple[list[Reservation], list[Reservation]]:
    """Of these on the port: which go, and which come."""
    removed = [row for row in rows if row.scheme != ctx.instruction.to_scheme]
    kept = {row.url.lower() for row in rows}
    if not removed and rows:
        return [], []
    return removed, [row for row in _mirrored(ctx, removed) if row.url.lower() not in kept]


def _mirrored(ctx: Context, rows: list[Reservation]) -> list[Reservation]:
    """The same reservations in the new scheme: same host, port, path and access list, because http.sys takes
    them literally. Without any, the service's account needed none; the vendor's instructions add this one."""
    scheme, port = ctx.instruction.to_scheme, ctx.instruction.port
    if not rows:
        return [Reservation(f"{scheme}://+:{port}/", netsh.EVERYONE_LISTENS)]
    return [Reservation(re.sub(r"^https?", scheme, row.url, flags=re.IGNORECASE), row.sddl) for row in rows]


def _dump(rows: list[Reservation] | list[Binding] | tuple[Binding, ...]) -> list[dict[str, str | None]]:
    return [dataclasses.asdict(row) for row in rows]


def _short(rows: list[Reservation]) -> list[dict[str, str | None]]:
    """For evidence and messages, which must fit: a prefix or an access list may have 30,000 characters."""
    return [{"url": _cut(row.url), "sddl": row.sddl and _cut(row.sddl)} for row in rows[:MOST_ROWS_SHOWN]]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _load(rows: list[dict[str, str]]) -> list[Reservation]:
    return [Reservation(row["url"], row["sddl"]) for row in rows]
