"""What an agent can prove of the instructions that it was given: one of ours, signed, for this very agent.

A number that an agent merely says is worth nothing: one till that was taken over could pause a site with it, or drive
the site's own numbers out of every bound."""

import logging
from dataclasses import dataclass

from agents import protocol
from agents.log import said
from fleet.services import keys

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proven:
    """The numbers of an instruction that this dashboard has signed for the agent that shows it."""

    epoch: int
    seq: int


def read(agent_id: str, proof: protocol.Proof | None) -> Proven | None:
    """What this proves; None for no proof, or one that is not of ours, not for this agent or not within the bounds."""
    if proof is None:
        return None
    if not keys.verify(proof.body, proof.signature):
        log.warning("agent %s: its proof is not signed by this dashboard", agent_id)
        return None
    try:
        instruction = protocol.parse_instruction(proof.body)
    except protocol.ProtocolError as error:
        log.warning("agent %s: its proof is no instruction: %s", agent_id, said(error))
        return None
    return Proven(instruction.epoch, instruction.seq) if instruction.agent == agent_id else None
