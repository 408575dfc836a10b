"""What an agent can prove about the instructions that it has had: it shows one that this dashboard signed for it.

A number that an agent only claims does not count. Otherwise one hijacked till could pause a site, or drive the site's
numbers out of their bounds."""

import logging
from dataclasses import dataclass

from agents import protocol
from agents.log import said
from fleet.services import keys

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proven:
    """The numbers of an instruction that this dashboard has signed for the agent which shows it."""

    epoch: int
    seq: int


def read(agent_id: str, proof: protocol.Proof | None) -> Proven | None:
    """What this proves. None where there is no proof, or where it is not signed by this dashboard, not for this agent, or
    not within the bounds."""
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
