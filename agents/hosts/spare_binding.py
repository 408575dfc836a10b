"""The certificate binding of a rehearsal's spare port, from before it is made until after it is gone: http.sys keeps
bindings over a crash and a restart, so it is written down first, and whoever starts next takes away what it finds there.

One at a time. Rows of other programs and of the live port are never touched."""

import dataclasses
import json
import logging
from pathlib import Path

from agents.errors import StepError
from agents.hosts import netsh
from agents.hosts.netsh_text import Binding
from agents.storage import atomic

log = logging.getLogger(__name__)

FILE = "rehearsal-binding.json"


def recorded(state: Path) -> Binding | None:
    """The binding that a rehearsal has made, or was about to make, by this agent's state folder; None for none. Never
    raises: a record that cannot be read is as good as none."""
    path = state / FILE
    try:
        row = Binding(**json.loads(path.read_bytes()))
        return row if row.endpoint == netsh.endpoint(row.port) else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.error("%s cannot be read, so nothing is done about it: %s", path, error)
        return None


async def add(state: Path, row: Binding) -> None:
    """Bind. Raises StepError, foreign_binding where somebody else has the endpoint; OSError where it cannot be written
    down, and then nothing was bound. Either way remove() is to be called, and may be."""
    atomic.make_folder(state)
    atomic.replace(state / FILE, json.dumps(dataclasses.asdict(row)).encode())
    await netsh.add_binding(row)


async def remove(state: Path, live_port: int) -> None:
    """Take away what is written down, if it is still ours, and forget it. live_port: NetPOS.Net's, whose binding is no
    rehearsal's whatever is written down. Raises StepError or OSError; then it stays written down."""
    row = recorded(state)
    if row is not None and row.port == live_port:
        log.warning("the service has moved to port %s, which was a rehearsal's: its binding stays", live_port)
    elif row is not None:
        try:
            await netsh.delete_binding(row)
        except StepError as error:
            if error.finding.code != "foreign_binding":
                raise
            log.warning("%s belongs to somebody else by now and stays: %s", row.endpoint, error.finding.message)
    (state / FILE).unlink(missing_ok=True)
