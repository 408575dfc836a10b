"""Writing and signing inquiries, by a worker, before they are sent."""

import datetime as dt

from django.db import transaction

from agents.probes import inquiry as orders
from agents.probes.inquiry import Adopted
from fleet.models import Inquiry
from fleet.services import keys
from fleet.services.after_commit import AfterCommit
from fleet.services.clock import to_ms
from fleet.services.probes import versions
from fleet.services.probes.inquiries import GRACE, unwritten


def write(inquiry_id: int, now: dt.datetime) -> AfterCommit:
    """Write and sign this inquiry. A second call finds nothing to do, and so does one for an inquiry whose time is over."""
    with transaction.atomic():
        inquiry = unwritten().select_for_update(of=("self",)).filter(pk=inquiry_id, expires_at__gt=now + GRACE).first()
        if inquiry is None:
            return AfterCommit()
        body = orders.dump(_order(inquiry))
        Inquiry.objects.filter(pk=inquiry.pk, body="").update(body=body, signature=keys.sign(body))
    return AfterCommit(notify={inquiry.agent_id})


def _order(inquiry: Inquiry) -> orders.Inquiry:
    recording = inquiry.action == Inquiry.Action.RECORD
    return orders.Inquiry(
        agent=inquiry.agent_id or "",
        inquiry=inquiry.pk,
        action="stop" if inquiry.stopping_at else inquiry.action,  # type: ignore[arg-type]
        expires_ms=to_ms(inquiry.expires_at - GRACE),
        member=inquiry.site.member,
        probes=tuple(versions.for_agents(probe["text"]) for probe in inquiry.probes),
        transport_path=versions.transport_path(inquiry.site.server),
        seconds=inquiry.seconds,
        terminal=inquiry.terminal.name if recording and inquiry.terminal else "",
        adopt=tuple(Adopted(one["field"], one["value"]) for one in inquiry.confirmed),
    )
