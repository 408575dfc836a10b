"""What the domain needs to know of a cutover to decide: plain frozen values, no database."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from agents.protocol import Action, Finding, Scheme
from fleet.cutover.states import Cutover, Run

OnClose = Literal["finish", "hold", "roll_back"]
OnThreshold = Literal["roll_back", "pause"]
Direction = Literal["forward", "back"]


@dataclass(frozen=True, slots=True)
class RunView:
    """One device in one cutover. asked: the instruction of the cutover's current epoch that waits for
    its answer or has been answered; touched: a switch was ever asked for; deadline: when silence counts; finding: what
    is known to be wrong with it; confirm_due: a verified terminal is to be asked for its second lookup."""

    id: int
    name: str
    kind: Literal["server", "terminal"]
    state: Run
    wave: int = 0
    asked: Action | None = None
    touched: bool = False
    deadline: dt.datetime | None = None
    finding: Finding | None = None
    confirm_due: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One cutover at one moment. limits[i]: how many terminals of wave i may fail; waived: waves whose
    limit a person chose to ignore by resuming; window_waived: the same for the window's close;
    server_checked: the final check of `verifying` came back good; forward_s: the forecast of the way
    forward, looked up when the window opens; superseded: a later cutover of the site decides; server_back: the
    server was proven to answer in the old scheme again, even if not all of its undo could be done."""

    state: Cutover
    direction: Direction
    to_scheme: Scheme
    starts_at: dt.datetime
    ends_at: dt.datetime
    no_return_at: dt.datetime
    on_window_close: OnClose
    on_threshold: OnThreshold
    server: RunView
    terminals: tuple[RunView, ...]
    limits: tuple[int, ...]
    paused_from: Cutover | None = None
    waived: frozenset[int] = field(default_factory=frozenset)
    window_waived: bool = False
    server_checked: bool = False
    forward_s: float = 0.0
    superseded: bool = False
    server_back: bool = False

    @property
    def runs(self) -> tuple[RunView, ...]:
        """The server's run and the terminals'."""
        return (self.server, *self.terminals)


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a cutover pause, turn back or need a person by itself: a finding's code, what happened, what to do, and
    the names of the devices that it happened to."""

    code: str
    message: str
    remedy: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """The cutover changes its state. cause: why, where it is by itself and no good end."""

    to: Cutover
    reason: str
    finding: Finding | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class MoveRun:
    """A device run changes its state."""

    run: int
    to: Run
    reason: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """These devices are to be given an instruction of the current epoch."""

    runs: tuple[int, ...]
    action: Action


Step = Move | MoveRun | Ask
