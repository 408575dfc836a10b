"""How long things take, from measured timings; careful figures where nothing was measured yet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, each a median over what was measured at this site, or the defaults of a first night.
    server_*: the whole of its steps; terminal_*: one terminal; parallel: how many go at once."""

    server_forward_s: float = 12.0
    server_back_s: float = 12.0
    terminal_forward_s: float = 2.0
    terminal_back_s: float = 2.0
    parallel: int = 50


def forward_s(terminals: int, timings: Timings) -> float:
    """Seconds that the outage part of a cutover is expected to take."""
    return timings.server_forward_s + timings.terminal_forward_s * _rounds(terminals, timings)


def rollback_s(terminals: int, timings: Timings) -> float:
    """Seconds that a full rollback is expected to take: the server, then its terminals."""
    return timings.server_back_s + timings.terminal_back_s * _rounds(terminals, timings)


def _rounds(terminals: int, timings: Timings) -> int:
    return -(-terminals // timings.parallel) if terminals else 0
