"""What is wrong with a site as a whole: warnings, work of the dashboard that keeps failing, certificates that expire."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from fleet.device_facts.facts import ServerFacts, StoredCertificate
from fleet.device_facts.lenient import mapping, moment, whole
from fleet.device_facts.parse import parse_server
from fleet.models import Device, Site
from fleet.preflight.site.certificate_rules import EXPIRES_SOON
from fleet.services.attention.items import LIMIT, Found, Item, Rank, Severity, at, bounded, code_of, page_of, said
from fleet.services.devices.current import newest_of

AT_ONCE = dt.timedelta(days=3)
_RENEW = "Renew it, import the new one on the server and bind it before this one expires."


def sources(now: dt.datetime) -> Iterator[Found]:
    """Everything that this file finds."""
    rows, count = bounded(_with_words())
    items = [item for row in rows for item in _words(row)]
    yield Found(items[:LIMIT], count + len(items) - len(rows))
    items = [item for row in _on_https().iterator() for item in _ending(row, now)]
    yield Found(items[:LIMIT], len(items))


def _with_words() -> QuerySet[Any]:
    found = Site.objects.filter(Q(warning__isnull=False) | Q(trouble__isnull=False))
    return found.order_by("name", "pk").values("id", "name", "warning", "trouble")


def _words(row: dict[str, Any]) -> Iterator[Item]:
    """An item for its warning, and one for its trouble."""
    path = f"{reverse('fleet')}?site={row['id']}"
    if (warning := row["warning"]) is not None:
        message = said(warning, "message", "the site has a warning")
        code, remedy = code_of(warning, "warning"), said(warning, "remedy")
        yield Item(Rank.SITE, code, "error", row["id"], row["name"], None, message, remedy, path, dismiss=True)
    if (trouble := row["trouble"]) is not None:
        message = said(trouble, "message", "the dashboard repeatedly fails at this site") + _tries(trouble)
        code, remedy = code_of(trouble, "trouble"), said(trouble, "remedy", "Check the dashboard's log.")
        yield Item(Rank.SITE, code, "error", row["id"], row["name"], None, message, remedy, path)


def _tries(trouble: Any) -> str:
    tries, again = whole(mapping(trouble).get("tries"), 1), moment(mapping(trouble).get("next_at"))
    told = [f"tried {tries} times"] if tries else []
    told += [f"next at {at(again)}"] if again else []
    return f" ({', '.join(told)})" if told else ""


def _on_https() -> QuerySet[Any]:
    """The servers that are on HTTPS, with only those two of their facts that are needed."""
    found = Device.objects.filter(kind=Device.Kind.SERVER, scheme="https")
    moved_with = Subquery(newest_of(OuterRef("site")).filter(to_scheme="https").values("certificate_thumbprint")[:1])
    fields = ("id", "kind", "name", "port", "site_id", "site__name", "facts__certificates", "facts__sslcert", "moved_with")
    rows: QuerySet[Any] = found.annotate(moved_with=moved_with).order_by("site__name", "pk").values(*fields)
    return rows


def _ending(row: dict[str, Any], now: dt.datetime) -> Iterator[Item]:
    told = parse_server({"certificates": row["facts__certificates"], "sslcert": row["facts__sslcert"]})
    for one in _served(told, row["port"], (row["moved_with"] or "").upper()):
        if one.not_after is None or one.not_after - now > EXPIRES_SOON:
            continue
        over = one.not_after <= now
        named = f"{one.label or 'The certificate'} ({one.thumbprint[:8]}…), which {row['name']} serves,"
        message = f"{named} {'expired' if over else 'expires'} on {at(one.not_after)}" + (
            ": terminals refuse it" if over else ""
        )
        severity: Severity = "error" if one.not_after - now <= AT_ONCE else "warning"
        yield Item(
            Rank.CERTIFICATE, "certificate_ending", severity, row["site_id"], row["site__name"], row["name"], message, _RENEW,
            page_of(row, ""),
        )  # fmt: skip


def _served(server: ServerFacts, port: int | None, moved_with: str) -> list[StoredCertificate]:
    """The certificates that are bound at the server's port, or if no binding could be read, the last cutover's."""
    bound = {row.certhash for row in server.bindings or () if row.port == port and not row.rehearsal} - {None}
    return [row for row in server.certificates or () if row.thumbprint in (bound or {moved_with})]
