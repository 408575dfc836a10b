"""What is wrong with an agent itself. It is kept in Agent.alarm until a person has dealt with it, and shown as attention."""

import datetime as dt
from collections.abc import Collection
from dataclasses import asdict

from agents.protocol import Finding
from fleet.models import Agent
from fleet.services.sanitize import fit_text

IDENTITY_USED_TWICE = "identity_used_twice"
INSTRUCTIONS_REFUSED = "instructions_refused"
# An agent that refuses with one of these codes will refuse every instruction of this dashboard, not only this one.
UNREADABLE = frozenset({"bad_instruction", "bad_signature", "wrong_agent"})
MOST_TEXT = 500  # characters of the agent's own reason


def refused(finding: Finding) -> Finding:
    """The alarm for an agent that refuses what this dashboard has signed. finding: the reason that the agent gave."""
    return Finding(
        INSTRUCTIONS_REFUSED,
        f"Its agent refuses this dashboard's instructions: {fit_text(finding.message)[:MOST_TEXT]} ({finding.code[:64]})",
        "Enrol this device again with a new token: its agent then knows this dashboard's key and numbers.",
    )


def sound(agent_ids: Collection[str], finding: Finding, now: dt.datetime) -> None:
    """Set this alarm for these agents, except where they have the same one already. Call it in a transaction."""
    row = {**asdict(finding), "at": now.isoformat()}
    Agent.objects.filter(pk__in=agent_ids).exclude(alarm__code=finding.code).update(alarm=row)


def end(agent_ids: Collection[str], code: str) -> None:
    """Remove the alarm with this code from these agents. Call it in a transaction."""
    Agent.objects.filter(pk__in=agent_ids, alarm__code=code).update(alarm=None)
