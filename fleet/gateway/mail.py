"""The two kinds of mail for agents: instructions of a cutover and probes of a rehearsal."""

from collections.abc import Collection, Sequence

from agents import failpoints, protocol
from fleet.models import Instruction, TerminalCheck
from fleet.services import clock
from fleet.services.cutovers import instructions
from fleet.services.rehearsals import lifecycle


class Instructions:
    """Signed instructions of cutovers. See mailbox.Kind."""

    name = "instructions"

    def waiting(self, agent_ids: Collection[str], *, unsent_only: bool) -> Sequence[Instruction]:
        """Those that are not finished."""
        rows = instructions.waiting(agent_ids, unsent_only=unsent_only)
        if rows:
            failpoints.reached("gateway.instructions_read")
        return rows

    def message(self, item: Instruction) -> protocol.Message:
        """As it was signed."""
        return protocol.Instruct(item.body, item.signature)

    def mark_sent(self, ids: Collection[int]) -> None:
        """With the time now."""
        failpoints.reached("gateway.instructions_sent")
        instructions.mark_sent(ids, clock.now())
        failpoints.reached("gateway.instructions_marked")


class Probes:
    """Signed probes of rehearsals. See mailbox.Kind."""

    name = "probes of a rehearsal"

    def waiting(self, agent_ids: Collection[str], *, unsent_only: bool) -> Sequence[TerminalCheck]:
        """Those that are not answered and not too old."""
        return lifecycle.waiting(agent_ids, clock.now(), unsent_only=unsent_only)

    def message(self, item: TerminalCheck) -> protocol.Message:
        """As it was signed."""
        return protocol.Rehearse(item.body, item.signature)

    def mark_sent(self, ids: Collection[int]) -> None:
        """With the time now."""
        lifecycle.mark_sent(ids, clock.now())
