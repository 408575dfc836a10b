"""Why a service refused.

ServiceError
├── Invalid      the input is wrong; it names every wrong field
├── Forbidden    this person's role may not do this
├── NotFound     what was asked for does not exist
└── Conflict     the present state forbids it; it gives the reason
"""


class ServiceError(Exception):
    """The base class. Its text is written for people."""


class Invalid(ServiceError):
    """The input is wrong. errors: pairs of field and message; a field is a path such as waves[0].percent."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in errors))
        self.errors = list(errors)


class Forbidden(ServiceError):
    """This person's role may not do this."""


class NotFound(ServiceError):
    """What was asked for does not exist."""


class Conflict(ServiceError):
    """The present state forbids it."""


class StaleState(Exception):
    """A guarded update did not find the state that it expected, because somebody else was first."""
