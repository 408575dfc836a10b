"""The kinds of mail for agents: instructions of a cutover, probes of a rehearsal, a person's inquiries."""

from collections.abc import Collection, Sequence

from agents import failpoints, protocol
from fleet.models import Inquiry, Instruction, TerminalCheck
from fleet.services import clock
from fleet.services.cutovers import instructions
from fleet.services.probes import inquiries
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


class Inquiries:
    """Signed inquiries of people. See mailbox.Kind."""

    name = "inquiries"

    def waiting(self, agent_ids: Collection[str], *, unsent_only: bool) -> Sequence[Inquiry]:
        """Those that have not ended and are not begun yet, or are to be stopped."""
        return inquiries.waiting(agent_ids, clock.now(), unsent_only=unsent_only)

    def message(self, item: Inquiry) -> protocol.Message:
        """As it was signed."""
        return protocol.Inquire(item.body, item.signature)

    def mark_sent(self, ids: Collection[int]) -> None:
        """With the time now."""
        inquiries.mark_sent(ids, clock.now())
