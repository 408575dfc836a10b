"""The certificate binding of a rehearsal's spare port. http.sys keeps bindings after a crash and a restart, so the agent
records the binding in its state folder before it adds it. The next start of the agent deletes a binding that it finds
recorded.

There is one such binding at a time. Rows of other programs and of the live port are never touched."""

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
    """The binding that a rehearsal has added or was about to add, from the record in this folder; None if there is none. Never
    raises: a record that cannot be read counts as none."""
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
    """Record the binding and add it. Raises OSError if it cannot be recorded; then nothing was added. Raises StepError,
    foreign_binding if another program has the endpoint. Call remove() afterwards in any case."""
    atomic.make_folder(state)
    atomic.replace(state / FILE, json.dumps(dataclasses.asdict(row)).encode())
    await netsh.add_binding(row)


async def remove(state: Path, live_port: int) -> None:
    """Delete the recorded binding, if it is still ours, and its record. live_port: NetPOS.Net's port, whose binding is never
    deleted here. Raises StepError or OSError; then the record stays."""
    row = recorded(state)
    if row is not None and row.port == live_port:
        log.warning("the service has moved to port %s, which a rehearsal had used: its binding stays", live_port)
    elif row is not None:
        try:
            await netsh.delete_binding(row)
        except StepError as error:
            if error.finding.code != "foreign_binding":
                raise
            log.warning("%s now belongs to another program and stays: %s", row.endpoint, error.finding.message)
    (state / FILE).unlink(missing_ok=True)
