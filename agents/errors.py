"""Everything that can go wrong in an agent, as one tree:

AgentError
├── ProtocolError     a message that cannot be read, or one that this agent must refuse
└── StepError         a step could not be done; carries a Finding for the person at the dashboard
"""

from agents.protocol import Finding


class AgentError(Exception):
    """Base of all errors raised on purpose by the agent."""


class StepError(AgentError):
    """A step could not be done, or what it did could not be verified.

    code: stable word that tools rely on; message: what happened and why; remedy: what to do;
    retryable: whether the same attempt may succeed later without anybody acting.
    """

    def __init__(self, code: str, message: str, remedy: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.finding = Finding(code=code, message=message, remedy=remedy)
        self.retryable = retryable
