"""The errors of an agent's own work, as one tree. Its building blocks have errors of their own beside them: ConfigError,
ProfileError, and those of agents/winapi.

AgentError
├── StepError         a step could not be done; carries a Finding for the person at the dashboard
├── Superseded        steps/step_executor.py: a newer instruction has come, this one ends between two steps
├── Rejected          transport.py: the gateway refuses this agent
└── IdentityError     identity.py: this device is not enrolled, or its identity cannot be read
"""

from agents.protocol import Finding


class AgentError(Exception):
    """Base of all errors that the agent raises on purpose, except ProtocolError (agents/bounds.py): it means a message that
    cannot be read, and the dashboard raises it as well."""


class StepError(AgentError):
    """A step could not be done, or what it did could not be verified."""

    def __init__(self, code: str, message: str, remedy: str, *, retryable: bool = False) -> None:
        """code: a stable word that tools rely on; message: what happened and why; remedy: what to do; retryable: whether the
        same attempt may succeed later without anybody acting."""
        super().__init__(f"{code}: {message}")
        self.finding = Finding(code=code, message=message, remedy=remedy)
        self.retryable = retryable
