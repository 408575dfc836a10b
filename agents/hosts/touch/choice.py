"""Which class stands for Touch on this machine."""

import sys

from agents.hosts.touch.elsewhere import NoTouch
from agents.hosts.touch.program import TouchProgram
from agents.hosts.touch.windows import WindowsTouch
from agents.profiles.restart import TouchRestart


def of(restart: TouchRestart) -> TouchProgram:
    """Touch as this profile describes it."""
    return WindowsTouch(restart) if sys.platform == "win32" else NoTouch()
