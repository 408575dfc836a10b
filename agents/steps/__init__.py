"""The steps of the catalogue: how each one is checked, applied, undone and verified.

Begin with server.py and terminal.py: each has all steps of its role in order, with undo right below apply.

    base.py            Step (what a step must promise) and Context (what it works with)
    server.py          the server's steps
    terminal.py        the terminal's steps
    step_executor.py   carries out a list of steps forward, and back through the journal
    switch.py          the setting that decides between HTTP and HTTPS, both roles
    touch.py           Touch as a program that is restarted, terminals
    services.py        Windows services, and the Services Monitor
    dependents.py      the services that need NetPOS.Net
    httpsys.py         URL reservations and certificate bindings
"""

from agents.protocol import Role
from agents.steps import server, terminal
from agents.steps.base import Step


def steps(role: Role) -> dict[str, Step]:
    """Every step of this role, by its name in the catalogue."""
    kinds: tuple[type[Step], ...] = server.STEPS if role == "server" else terminal.STEPS
    return {kind.name: kind() for kind in kinds}
