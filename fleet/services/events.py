"""The log of what happens outside cutovers: agents that enrol or are revoked, tokens that are made."""

import datetime as dt

from fleet.models import Device, Event
from fleet.services.sanitize import fit_text


def note(device: Device | None, code: str, text: str, now: dt.datetime, *, actor: str) -> None:
    """Write an Event. Call it in the same transaction as the change that it reports, so that both are kept or none."""
    name, site = (device.name, device.site_id) if device else ("", None)
    Event.objects.create(at=now, site_id=site, device_name=name, actor=actor[:150], code=code, text=fit_text(text)[:1000])
