"""Keeping what a person has confirmed on the Site page: found.toml beside the agent's configuration."""

import json
from pathlib import Path
from typing import Any

from agents import config
from agents.config import Config, ConfigError
from agents.errors import StepError
from agents.hosts.finding import looking
from agents.probes.inquiry import Adopted
from agents.storage import atomic

_HEADER = (
    "# What a person has confirmed on Tillway's Site page. The agent writes this file; it counts where agent.toml says\n"
    "# nothing, from the agent's next start on.\n"
)


async def adopt(own: Config, wanted: tuple[Adopted, ...]) -> dict[str, Any]:
    """Write these settings. The agent looks again, and takes only what it proposes itself at this moment. Returns the facts.
    Raises StepError, not_proposed for anything else; then nothing is written."""
    if own.file is None:
        raise StepError("no_configuration", "this agent was started without a configuration file", "Start it with --config.")
    if not wanted or len({one.field for one in wanted}) < len(wanted):
        raise StepError("not_proposed", "each setting can be confirmed once", "Choose one value for each setting.")
    proposed = {(one.field, one.value): one for one in await looking.find(own)}
    for one in wanted:
        found = proposed.get((one.field, one.value))
        if found is None or found.state in ("told", "fixed"):
            raise StepError(
                "not_proposed",
                f"this agent does not propose {one.value!r} as {one.field}"
                + (": its agent.toml names another value" if found is not None else ""),
                "Look again. What agent.toml says can only be changed there.",
            )
    try:
        kept = config.found(own.file.parent, own.role)
    except ConfigError as error:
        raise StepError("found_unreadable", str(error), f"Delete {config.FOUND} beside agent.toml.") from error
    _write(own.file.parent / config.FOUND, kept | {one.field: one.value for one in wanted})
    return {"adopted": [{"field": one.field, "value": one.value} for one in wanted], "file": config.FOUND}


def _write(path: Path, values: dict[str, str]) -> None:
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in sorted(values.items())]
    try:
        atomic.replace(path, (_HEADER + "".join(lines)).encode())
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise StepError("found_not_writable", message, "Check the agent's rights on its own folder.") from error
