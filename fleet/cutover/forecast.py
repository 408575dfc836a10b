"""How long things take, from measured timings; careful figures where nothing was measured yet."""

from collections.abc import Collection
from dataclasses import dataclass, replace

# Seconds that restarting Touch adds to a terminal's steps, each way, where nothing was measured: closing and starting a
# program; restarting a machine. They stand beside the ways in which a settings profile may restart it.
RESTART_S = {"program": 20.0, "reboot": 240.0}


@dataclass(frozen=True, slots=True)
class Timings:
    """How long the steps take at this site: medians of what was measured, or the defaults where nothing was."""

    # Seconds for all steps of the server.
    server_forward_s: float = 12.0
    server_back_s: float = 12.0
    # Seconds for all steps of one terminal.
    terminal_forward_s: float = 2.0
    terminal_back_s: float = 2.0
    parallel: int = 50  # how many terminals go at the same time
    by_hand_s: float = 120.0  # for one terminal that a person sets; a person does one after the other


def restarting(timings: Timings, ways: Collection[str]) -> Timings:
    """The same timings where some terminals restart Touch. ways: of RESTART_S, those that are used; empty for none."""
    more = max((RESTART_S[way] for way in ways), default=0.0)
    forward, back = timings.terminal_forward_s + more, timings.terminal_back_s + more
    return replace(timings, terminal_forward_s=forward, terminal_back_s=back)


def forward_s(terminals: int, timings: Timings, by_hand: int = 0) -> float:
    """Seconds that the outage part of a cutover is expected to take. by_hand: how many of the terminals a person sets.
    Waves come one after the other, so that agents work meanwhile saves little, and is not counted."""
    rounds = _rounds(terminals - by_hand, timings)
    return timings.server_forward_s + timings.terminal_forward_s * rounds + timings.by_hand_s * by_hand


def rollback_s(terminals: int, timings: Timings, by_hand: int = 0) -> float:
    """Seconds that a full rollback is expected to take: the server, then its terminals. by_hand: as above."""
    rounds = _rounds(terminals - by_hand, timings)
    return timings.server_back_s + timings.terminal_back_s * rounds + timings.by_hand_s * by_hand


def _rounds(terminals: int, timings: Timings) -> int:
    return -(-terminals // timings.parallel) if terminals else 0
