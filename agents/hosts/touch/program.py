"""What an agent can do with Touch as a program: see whether it runs, close it as a person would, and start it again. The lab
has a class of its own, so the steps do not know how it is done."""

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from agents.errors import StepError

POLL_S = 0.1
NOBODY = "no_user_session"  # the finding's code, which steps look at


@dataclass(frozen=True, slots=True)
class TouchState:
    """Whether Touch runs now."""

    running: bool | None  # None: this agent cannot tell
    since_ms: int | None = None  # when it started, by this machine's clock, in ms since 1970; None where it does not run


UNKNOWN = TouchState(None)


class TouchProgram(ABC):
    """Touch on one terminal. Every method raises StepError when it cannot be done."""

    @abstractmethod
    async def state(self) -> TouchState:
        """Whether it runs, and since when."""

    @abstractmethod
    def check(self) -> None:
        """Find out what would keep a restart from working, before anything is changed."""

    @abstractmethod
    async def close(self, limit_s: float, *, kill: bool) -> None:
        """Ask it to close and wait until it has ended. A Touch that does not run is closed already. kill: end it hard if it has
        not closed within limit_s seconds. Otherwise raises touch_busy, and nothing has changed."""

    @abstractmethod
    async def start(self) -> None:
        """Start it in the user's session. It may run only a moment later, see appears()."""

    @abstractmethod
    async def reboot(self, limit_s: float) -> None:
        """Restart the machine. Returns only if that has not happened within limit_s seconds after its announcement."""

    @abstractmethod
    def boot(self) -> str:
        """A text that stays the same until the machine is started again, and then is another one."""

    async def appears(self, within_s: float) -> bool:
        """Whether it runs, at the latest after within_s seconds."""
        end = time.monotonic() + within_s
        while not (await self.state()).running:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(POLL_S)
        return True


def busy(limit_s: float) -> StepError:
    """Touch has not closed."""
    message = f"Touch did not close within {limit_s:.0f} s: a sale or a dialog is open"
    return StepError("touch_busy", message, "Finish it at the till, then press Retry failed.", retryable=True)


def not_started(why: str) -> StepError:
    """Touch could not be started."""
    return StepError("touch_not_started", f"Touch was not started: {why}", "Start Touch by hand at the till.", retryable=True)


def no_user_session() -> StepError:
    """Touch has a window, so it needs a user who is logged in."""
    message = "nobody is logged in at this terminal, so Touch can neither be closed nor started"
    return StepError(NOBODY, message, "Log in at the till, then press Retry failed.", retryable=True)
