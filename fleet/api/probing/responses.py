"""What scripts get about probe profiles and inquiries."""

from typing import Literal

from pydantic import AwareDatetime, Field

from agents.protocol import Finding
from fleet.api.responses import Response


class Probe(Response):
    """How the proofs of a site ask its server."""

    proof: Literal["application", "transport"] = Field(
        description="application: the server answers a member lookup. transport: it answers at all; no profile is in use."
    )
    version: int | None = Field(description="The version in use; null for transport proofs.")
    text: str = Field(description='The profile (TOML); "" for transport proofs.')
    source: Literal["uploaded", "recorded"] | None
    created_at: AwareDatetime | None
    warnings: list[str] = Field(description="What a person should look at before the next cutover.")


class AskedRequest(Response):
    """One request of a device. Of the response there is never any content."""

    section: str = Field(description="interfaces, member or transport")
    finding: Finding | None = Field(description="Why there was no response.")
    status: int | None
    type: str | None = Field(description="Media type.")
    size: int | None = Field(description="Bytes.")
    sha256: str | None
    matched: bool = Field(description="The response was as expected.")
    missed: str | None = Field(description="The expectation that was not met.")
    by_http_sys: bool | None = Field(description="Windows answered by itself, without the service.")
    tls: str | None
    ms: float | None


class Checked(Response):
    """The requests of one probe profile."""

    version: int | None = Field(description="Its version, where it is in use.")
    proof: Literal["application", "transport"] = Field(
        description="transport, although a profile was given: the server lacks a value of it, such as the access code."
    )
    good: bool = Field(description="A proof would count these responses as good.")
    scheme: str | None
    requests: list[AskedRequest]


class Exchange(Response):
    """One request that was seen."""

    method: str
    target: str
    status: int | None
    type: str
    size: int | None


class Reason(Response):
    """Why the proposal is as it is."""

    section: str
    reason: str


class Proposed(Response):
    """What was learnt. Read it before you PUT it to /sites/{id}/probe."""

    text: str = Field(description='A probe profile (TOML); "" where something is missing.')
    reasons: list[Reason]
    missing: list[str]


class Recorded(Response):
    """A recording so far."""

    addresses: list[str] = Field(description="Of the device that listens.")
    port: int | None = Field(description="null until it listens.")
    ends_at: AwareDatetime | None
    count: int = Field(description="Requests that were seen.")
    unreachable: int = Field(description="How often the server could not be reached.")
    left: bool = Field(
        description="At the end the terminal's settings still named this port, at which nobody listens any more: put host and "
        "port back."
    )
    exchanges: list[Exchange] = Field(description="The newest, oldest first.")
    proposal: Proposed | None = Field(description="null while it goes on.")


class Found(Response):
    """One thing that was found on the device."""

    field: str
    value: str
    reason: str
    state: Literal["in_use", "new", "fixed", "told"] = Field(
        description="new: it can be confirmed with `adopt`. in_use: the agent uses it. fixed: its agent.toml says something "
        "else. told: there is nothing to confirm."
    )


class Inquiry(Response):
    """What one device was asked, and its answer so far. Texts come from the device: plain text, to be escaped."""

    id: int
    site: int
    device: str
    action: Literal["check", "record", "find", "adopt"]
    done: bool = Field(description="There will be no other answer.")
    requested_by: str
    created_at: AwareDatetime
    answered_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    finding: Finding | None = Field(description="Why it could not be done.")
    checked: list[Checked] = Field(description="check")
    recorded: Recorded | None = Field(description="record")
    found: list[Found] = Field(description="find")
