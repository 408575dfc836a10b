"""What scripts send about probe profiles and inquiries."""

from typing import Literal

from pydantic import Field

from fleet.api.fields import Id, Input
from fleet.api.requests import ABSENT


class SiteChanges(Input):
    """Only the given fields change."""

    member: str = Field(
        ABSENT, description="The number of a member made for testing; it is sent in every proof. 1 to 32 visible characters."
    )


class NewProbe(Input):
    """A probe profile."""

    text: str = Field(description="TOML, at most 16 KiB.")


class Setting(Input):
    """One setting of an agent that a person confirms."""

    field: str
    value: str


class NewInquiry(Input):
    """What one device is asked."""

    action: Literal["check", "record", "find", "adopt"] = Field(
        description="check: ask the server once. record: listen, and learn a probe profile. find: look for service and "
        "settings. adopt: keep what you confirm of what the device's last `find` has found."
    )
    device: Id = Field(description="The device's id: it asks, listens or looks.")
    probe: str = Field(
        ABSENT, description='check: the probe profile, "" for a transport proof. Left out: the one that is in use.'
    )
    seconds: int = Field(120, ge=10, le=600, description="record: how long it listens.")
    terminal: Id | None = Field(None, description="record by the server: the terminal that is learnt from.")
    settings: list[Setting] = Field([], max_length=8, description="adopt: at most one value for each field.")
