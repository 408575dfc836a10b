"""How long things take, from measured timings; careful figures where nothing was measured yet."""

from dataclasses import dataclass

# Seconds that all steps of a terminal take when it restarts Touch, each way: closing and starting a program; restarting the
# machine. They stand beside the ways in which a settings profile may restart it.
RESTART_S = {"program": 20.0, "reboot": 240.0}

# Seconds for a person who types the server's commands, each way.
SERVER_BY_HAND_S = 300.0


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
    restarts: tuple[tuple[str, int], ...] = ()  # (a way of RESTART_S, how many terminals restart Touch so)


def forward_s(terminals: int, timings: Timings, by_hand: int = 0) -> float:
    """Seconds that the outage part of a cutover is expected to take. by_hand: how many of the terminals a person sets.
    Waves come one after the other, so that agents work meanwhile saves little, and is not counted."""
    agents_s = _agents_s(terminals - by_hand, timings.terminal_forward_s, timings)
    return timings.server_forward_s + agents_s + timings.by_hand_s * by_hand


def rollback_s(terminals: int, timings: Timings, by_hand: int = 0) -> float:
    """Seconds that a full rollback is expected to take: the server, then its terminals. by_hand: as above."""
    agents_s = _agents_s(terminals - by_hand, timings.terminal_back_s, timings)
    return timings.server_back_s + agents_s + timings.by_hand_s * by_hand


def _agents_s(terminals: int, each_s: float, timings: Timings) -> float:
    """Seconds for all terminals that have an agent. A round with one that restarts Touch takes as long as that one: in the
    worst case each of them is in another round. So a single terminal that claims to restart slows down one round, and not
    the whole site."""
    rounds = _rounds(terminals, timings)
    slower = sum(min(rounds, count) * max(0.0, RESTART_S[way] - each_s) for way, count in timings.restarts)
    return each_s * rounds + slower


def _rounds(terminals: int, timings: Timings) -> int:
    return -(-terminals // timings.parallel) if terminals else 0
