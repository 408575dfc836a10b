"""x"""

from agents.hosts.touch.elsewhere import NoTouch
from agents.profiles.restart import TouchRestart


class WindowsTouch(NoTouch):
    """x"""

    def __init__(self, restart: TouchRestart) -> None:
        pass
