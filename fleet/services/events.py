"""The audit of what is no change of a cutover's state: who was let in, shut out, given a token."""

import datetime as dt

from fleet.models import Device, Event
from fleet.services.sanitize import fit_text


def note(device: Device | None, code: str, text: str, now: dt.datetime, *, actor: str) -> None:
    """Write it down. Call it in the transaction of what it tells, so that neither is there without the other."""
    name, site = (device.name, device.site_id) if device else ("", None)
    Event.objects.create(at=now, site_id=site, device_name=name, actor=actor[:150], code=code, text=fit_text(text)[:1000])
