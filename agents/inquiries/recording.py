"""Learning what a terminal asks: a relay that listens for a while on a free port of this device, and a proposal at the end.
Nothing of what went through stays, and only what the proposal needs leaves this device."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from agents.errors import StepError
from agents.hosts.host import Host, TerminalHost
from agents.probes import validator, writer
from agents.probes.filling import content_type
from agents.probes.inquiry import Inquiry
from agents.probes.profile import ProbeError
from agents.probes.recording.exchanges import Exchange, Transcript
from agents.probes.recording.masking import masked, without_numbers
from agents.probes.recording.proposal import Proposal, propose
from agents.probes.recording.relay import Relay

MOST_EXCHANGES = 300  # that the proposal is made from
MOST_KEPT = 16 * 1024 * 1024  # bytes of their bodies, until the proposal is made
SHOWN = 30  # of the newest exchanges
MAX_TARGET, MAX_REASON = 200, 600  # characters
MOST_ADDRESSES = 8
_OWN = "127.0.0.1"
TELL_EVERY_S = 0.5  # at most so often the dashboard hears of new exchanges


class Recording:
    """One recording. told(): called when there is something new to tell."""

    def __init__(self, host: Host, inquiry: Inquiry, told: Callable[[], None]) -> None:
        self._host, self._inquiry, self._told = host, inquiry, told
        self._own = isinstance(host, TerminalHost)
        self._exchanges: list[Exchange] = []
        self._lines: list[dict[str, Any]] = []
        self._kept = 0
        self._count = 0
        self._port = 0
        self._refused = 0
        self._ends_ms = 0
        self._proposal: dict[str, Any] | None = None
        self._left: bool | None = None
        self._stopped = asyncio.Event()
        self._news = asyncio.Event()

    def stop(self) -> None:
        """A person wants the end now."""
        self._stopped.set()
        self._news.set()

    def facts(self) -> dict[str, Any]:
        """Everything so far. There is nothing of any content in it."""
        return {
            "on": self._host.config.role,
            "addresses": [_OWN] if self._own else _addresses(self._host.config.gateway),
            "port": self._port or None,
            "ends_ms": self._ends_ms or None,
            "count": self._count,
            "unreachable": self._refused,
            "left": self._left,
            "exchanges": self._lines[-SHOWN:],
            "proposal": self._proposal,
        }

    async def run(self, now_ms: int, seconds: float) -> None:
        """Listen for so many seconds, or until stop(). Raises StepError where it cannot listen. now_ms: the dashboard's
        time."""
        target = self._host.target(None)
        if target.tls:
            raise StepError(
                "recording_needs_http",
                "this device speaks HTTPS, and what is encrypted cannot be recorded",
                "Record before the site moves to HTTPS, or write the profile by hand (docs/probes.md).",
            )
        relay = Relay(target.host, target.port, lambda number: Transcript(number, self._found))
        try:
            # On a terminal nobody but its own Touch may come; to the server the terminals come over the network.
            self._port = await relay.open(_OWN if self._own else None, 0)
        except OSError as error:
            message = f"no port can be opened on this device: {error.strerror or error}"
            raise StepError("cannot_listen", message, "Let the agent on the other device listen.") from error
        self._ends_ms = now_ms + round(seconds * 1000)
        self._told()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._listen(relay)
        finally:
            await relay.close()
            self._refused = relay.refused
        self._left = self._is_left()
        self._propose()

    async def _listen(self, relay: Relay) -> None:
        """Tell what is new now and then, until somebody stops it."""
        while not self._stopped.is_set():
            await self._news.wait()
            self._news.clear()
            if not self._stopped.is_set():
                self._refused = relay.refused
                self._told()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TELL_EVERY_S):
                        await self._stopped.wait()

    def _found(self, exchange: Exchange) -> None:
        self._count += 1
        self._lines = [*self._lines[1 - SHOWN :], _line(exchange, self._members)]
        size = len(exchange.body or b"") + len(exchange.response_body or b"")
        if len(self._exchanges) < MOST_EXCHANGES and self._kept + size <= MOST_KEPT:
            self._exchanges.append(exchange)
            self._kept += size
        self._news.set()

    @property
    def _members(self) -> list[str]:
        """The numbers that everybody may see."""
        return [self._inquiry.member] if self._inquiry.member else []

    def _is_left(self) -> bool | None:
        """Whether this terminal's settings still name the port at which nobody listens any more; None where that cannot be
        known."""
        if not self._own:
            return None
        try:
            return self._host.target(None).port == self._port
        except StepError:
            return None

    def _propose(self) -> None:
        """Make the proposal, and forget what was recorded."""
        terminal = self._host.config.name if self._own else self._inquiry.terminal
        self._proposal = _row(propose(self._exchanges, self._members, terminal), self._members)
        self._exchanges.clear()


def _row(proposal: Proposal, known: list[str]) -> dict[str, Any]:
    """For a message. A profile that its own validator refuses is not proposed."""
    said = {name: tuple(without_numbers(one, known) for one in found) for name, found in proposal.reasons.items()}
    reasons = [{"section": section, "reason": reason[:MAX_REASON]} for section, found in said.items() for reason in found]
    missing, warnings, text = list(proposal.missing), [], ""
    if proposal.profile is not None:
        text = writer.write(proposal.profile, said)
        try:
            warnings = list(validator.parse(text.encode()).warnings)
        except ProbeError as error:
            missing, text = [f"What was seen makes no usable profile: {error}"[:MAX_REASON]], ""
    return {"text": text, "reasons": reasons, "missing": missing, "warnings": warnings}


def _line(exchange: Exchange, known: list[str]) -> dict[str, Any]:
    """One exchange without its content."""
    media_type, _ = content_type(exchange.response_headers)
    size = None if exchange.response_body is None else len(exchange.response_body)
    target = without_numbers(masked(exchange.target)[0], known)[:MAX_TARGET]
    return {"method": exchange.method[:20], "target": target, "status": exchange.status, "type": media_type[:100], "size": size}


def _addresses(gateway: str) -> list[str]:
    """Addresses of this device at which others may reach it, the one that faces the dashboard first."""
    found = []
    where = urlsplit(gateway)
    with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((where.hostname or "127.0.0.1", where.port or 443))  # sends nothing: it only chooses the way
        found.append(str(probe.getsockname()[0]))
    with contextlib.suppress(OSError):
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    return [one for one in dict.fromkeys(found) if not one.startswith("127.")][:MOST_ADDRESSES]
