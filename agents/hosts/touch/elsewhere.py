"""Touch on a system that is not Windows: it does not exist there, and an agent says so instead of pretending."""

import sys

from agents.errors import StepError
from agents.hosts.touch.program import UNKNOWN, TouchProgram, TouchState


class NoTouch(TouchProgram):
    """Can tell nothing and restart nothing."""

    async def state(self) -> TouchState:
        return UNKNOWN

    def check(self) -> None:
        raise _impossible()

    async def close(self, limit_s: float, *, kill: bool) -> None:
        raise _impossible()

    async def start(self) -> None:
        raise _impossible()

    async def reboot(self, limit_s: float) -> None:
        raise _impossible()

    def boot(self) -> str:
        raise _impossible()


def _impossible() -> StepError:
    message = f"this agent can restart Touch on Windows only, and this is {sys.platform}"
    return StepError("restart_impossible", message, 'Write how = "never" in [restart] of this terminal\'s profile.')
