"""Views of a site's devices: what each told, together with what the dashboard knows about it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from agents.protocol import Finding
from fleet.device_facts.facts import CheckFacts, ListenerFacts, ServerFacts, TerminalFacts
from fleet.preflight.site.view import Contact, RehearsalView, ServerView, TerminalCheckView, TerminalView

_NAMES = {kind: tuple(one.name for one in fields(kind)) for kind in (TerminalFacts, ServerFacts, CheckFacts)}


def terminal_view(
    name: str,
    contact: Contact,
    facts: TerminalFacts,
    *,
    host: str = "",
    port: int | None = None,
    alarm: Finding | None = None,
    by_hand: bool = False,
    address: str = "",
) -> TerminalView:
    """A terminal. host, port: what an earlier inventory told, for where this one tells none. by_hand, address:
    what people have entered."""
    told = _values(facts) | {"host": facts.host or host or None, "port": facts.port or port}
    return TerminalView(name, contact, alarm, by_hand, address, **told)


def server_view(
    name: str,
    contact: Contact,
    facts: ServerFacts,
    *,
    port: int | None = None,
    alarm: Finding | None = None,
    by_hand: bool = False,
) -> ServerView:
    """A server. port: what an earlier inventory told, for where this one tells none. by_hand: what people have entered; then
    nothing that its agent told, if it ever had one, is judged."""
    told = ServerFacts() if by_hand else facts
    return ServerView(name, contact, alarm, by_hand, **_values(told) | {"port": told.port or port, "scheme": facts.scheme})


def check_view(terminal: str, answered: bool, finding: Finding | None, facts: CheckFacts) -> TerminalCheckView:
    """One terminal's check in a rehearsal."""
    return TerminalCheckView(terminal, answered, finding, **_values(facts))


def rehearsal_view(
    at: dt.datetime, thumbprint: str, facts: ListenerFacts, checks: Iterable[TerminalCheckView]
) -> RehearsalView:
    """A rehearsal that ended at `at`."""
    return RehearsalView(at, thumbprint, facts.chain, tuple(checks))


def _values(facts: TerminalFacts | ServerFacts | CheckFacts) -> dict[str, Any]:
    """All fields, not copied deep as dataclasses.asdict would."""
    return {name: getattr(facts, name) for name in _NAMES[type(facts)]}
