"""What the domain knows of a cutover when it decides, and what it can decide: frozen values without a database."""

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
    """One device in one cutover."""

    id: int
    name: str
    kind: Literal["server", "terminal"]
    state: Run
    wave: int = 0  # counted from 0
    asked: Action | None = None  # what it was asked for in the cutover's present epoch, answered or not
    touched: bool = False  # a switch was asked for at least once
    deadline: dt.datetime | None = None  # after this moment its silence counts as a failure
    finding: Finding | None = None  # what is known to be wrong with it
    confirm_due: bool = False  # a verified terminal whose second lookup is due
    by_hand: bool = False  # a person does what an agent would do, and says how it went


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One cutover at one moment."""

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
    limits: tuple[int, ...]  # limits[i]: how many terminals of wave i may fail
    paused_from: Cutover | None = None  # the state before the pause
    waived: frozenset[int] = field(default_factory=frozenset)  # waves whose limit a person chose to ignore by Resume
    window_waived: bool = False  # a person chose to go on after the point of no return
    server_checked: bool = False  # the server passed the last check of `verifying`
    forward_s: float = 0.0  # seconds that the way forward will take; set when the window opens
    superseded: bool = False  # the site has a later cutover, which decides
    server_back: bool = False  # the server is proven to answer in the old scheme again, even if its undo failed in part

    @property
    def runs(self) -> tuple[RunView, ...]:
        """The server's run and the terminals'."""
        return (self.server, *self.terminals)


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a cutover pause, roll back or need a person by itself."""

    code: str  # of a finding
    message: str  # what happened
    remedy: str  # what a person can do
    devices: tuple[str, ...] = ()  # names of the devices that it happened to


@dataclass(frozen=True, slots=True)
class Move:
    """The cutover changes its state."""

    to: Cutover
    reason: str
    finding: Finding | None = None
    cause: Cause | None = None  # set where the cutover stops or turns back by itself


@dataclass(frozen=True, slots=True)
class MoveRun:
    """A device run changes its state."""

    run: int  # its id
    to: Run
    reason: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """These devices are to get an instruction of the present epoch."""

    runs: tuple[int, ...]  # ids of device runs
    action: Action


Step = Move | MoveRun | Ask
