"""Why a service refused.

ServiceError
├── Invalid      the input is wrong; names every field
├── Forbidden    this person's role may not
├── NotFound     there is no such thing
└── Conflict     the state of things forbids it, with the reason
"""


class ServiceError(Exception):
    """Base; the text is fit for a person."""


class Invalid(ServiceError):
    """errors: (field, message) pairs; a field is a path such as waves[0].percent."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in errors))
        self.errors = list(errors)


class Forbidden(ServiceError):
    """The role may not."""


class NotFound(ServiceError):
    """There is no such thing."""


class Conflict(ServiceError):
    """The state of things forbids it."""


class StaleState(Exception):
    """A guarded update did not find the state it expected: somebody else was first."""
