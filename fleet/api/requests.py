"""What scripts send. The rules that need the database are in services.cutovers.planning and services.devices."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from fleet.api.fields import (
    CutoverState,
    Id,
    Input,
    Limit,
    Moment,
    Note,
    Offset,
    QueryId,
    QueryText,
    TerminalState,
    Thumbprint,
    blank_is_none,
)
from fleet.cutover.waves import Wave
from fleet.services.cutovers.by_hand import MAX_NOTE
from fleet.services.cutovers.planning import MAX_BY_HAND_MINUTES, MAX_WAVES, Plan
from fleet.services.devices.descriptions import MAX_PORT

# Default of a field that may be left out but must not be null.
ABSENT: Any = None


class WaveIn(Input):
    """Terminals that are switched together, in order of name. Give either `size` or `percent` (of all terminals, rounded
    up), and at most one of the limits; without a limit no terminal may fail."""

    size: int = Field(ABSENT, ge=1, le=100_000)
    percent: int = Field(ABSENT, ge=1, le=100)
    max_failed: int = Field(ABSENT, ge=0, le=100_000)
    max_failed_percent: int = Field(ABSENT, ge=0, le=100)


class NewCutover(Input):
    """A plan. Only `site` is required. The defaults: to HTTPS, now, one hour, a canary of one terminal and then the rest
    with 10 percent, and the newest certificate of the server that has a key."""

    site: Id
    to_scheme: Literal["https", "http"] = "https"
    starts_at: Moment | None = Field(None, description="With an offset; null starts when it is approved.")
    duration_minutes: int = Field(60, ge=1, le=1440)
    waves: list[WaveIn] = Field([], max_length=MAX_WAVES)
    on_window_close: Literal["finish", "hold", "roll_back"] = "hold"
    on_threshold: Literal["roll_back", "pause"] = "roll_back"
    exclude: list[str] = Field([], max_length=10_000, description="Names of terminals that stay as they are.")
    certificate_thumbprint: Thumbprint | None = Field(
        None, description="SHA-1, 40 hex digits. Needed for a plan to HTTPS where the server is done by hand."
    )
    note: Note = ""
    by_hand_minutes: int = Field(
        15, ge=1, le=MAX_BY_HAND_MINUTES, description="How long a person may take for one device by hand."
    )

    def plan(self) -> Plan:
        """The same as a value for the service."""
        return Plan(
            site_id=self.site,
            to_scheme=self.to_scheme,
            starts_at=self.starts_at,  # type: ignore[arg-type]  # the validator has converted it to a time
            duration_minutes=self.duration_minutes,
            waves=[Wave(**wave.model_dump(exclude_unset=True)) for wave in self.waves],
            on_window_close=self.on_window_close,
            on_threshold=self.on_threshold,
            exclude=self.exclude,
            certificate_thumbprint=self.certificate_thumbprint or "",
            note=self.note,
            by_hand_minutes=self.by_hand_minutes,
        )


class Nothing(Input):
    """These requests take no fields; send `{}` or no body at all."""


class NewRehearsal(Input):
    """Send `{}` or no body for the newest certificate of the server that has a key."""

    certificate_thumbprint: Thumbprint | None = Field(None, description="SHA-1, 40 hex digits.")


class TerminalChanges(Input):
    """Only the given fields change. A name is unique within its site."""

    name: str = Field(ABSENT, description="1 to 100 characters; no control characters and no comma.")
    note: str = Field(ABSENT, description="One line of at most 500 characters.")
    tags: list[str] = Field(ABSENT, description="At most 20, of at most 40 characters each.")
    by_hand: bool = Field(ABSENT, description="A person sets this terminal in a cutover; its agent, if any, is not asked.")
    address: str = Field(ABSENT, description="The terminal's own IP address; empty for none.")


class ServerChanges(Input):
    """Only the given fields change."""

    by_hand: bool = Field(ABSENT, description="A person types the server's commands in a cutover; its agent is not asked.")
    port: int = Field(
        ABSENT, ge=1, le=MAX_PORT, description="On which it listens. An agent that reads its settings corrects it."
    )


def _as_word(value: Any) -> Any:
    """The words of the page's buttons ("Does not work") as the answer's value."""
    return value.strip().lower().replace(" ", "_") if isinstance(value, str) else value


class ByHand(Input):
    """What a person says about one terminal by hand, or about the server by hand."""

    terminal: str = Field(description="Its name, or that of the server.")
    result: Annotated[Literal["done", "does_not_work"], BeforeValidator(_as_word)] = Field(
        description="done: it is set as asked, and a member lookup works; does_not_work: it is set, and that fails. The words "
        "of the page's buttons are taken, too."
    )
    note: str = Field("", description=f"What was seen, one line of at most {MAX_NOTE} characters.")
    scheme: Literal["http", "https"] | None = Field(
        None,
        description="What it was set to. An answer about another scheme than is wanted now is refused with 409. Needed in an "
        "answer about the server.",
    )


class CutoverFilter(BaseModel):
    """An empty value does not filter."""

    site: QueryId = None
    state: Annotated[CutoverState | None, BeforeValidator(blank_is_none)] = None


class TerminalFilter(BaseModel):
    """An empty value does not filter."""

    site: QueryId = None
    state: Annotated[TerminalState | None, BeforeValidator(blank_is_none)] = Field(
        None, description="In the latest started cutover of its site; idle: it takes part in none."
    )
    q: QueryText = Field("", description="Part of a name, a note or a tag.")
    limit: Limit = 100
    offset: Offset = 0
