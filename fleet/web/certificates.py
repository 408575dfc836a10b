"""The certificates in a server's store, as pages show them."""

import datetime as dt
from typing import Any

from fleet.device_facts.facts import ServerFacts
from fleet.models import Device

_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def certificates_of(server: Device | None) -> list[dict[str, Any]]:
    """One dictionary for each certificate of this server; none without a server."""
    return certificate_rows(server.server_facts) if server else []


def certificate_rows(facts: ServerFacts) -> list[dict[str, Any]]:
    """One dictionary for each certificate: those with a private key first, then the longest valid first."""
    told = [row for row in facts.listed or () if row.thumbprint]
    told.sort(key=lambda row: (bool(row.has_key), row.not_after or _NEVER), reverse=True)
    return [
        {
            "thumbprint": row.thumbprint,
            "subject": row.subject or "",
            "names": ", ".join(row.names),
            "not_after": row.not_after.isoformat() if row.not_after else "",
            "has_key": row.has_key,
            "machine_key": row.machine_key,
        }
        for row in told
    ]
