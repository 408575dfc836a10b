"""What needs attention from this person: one list for the Fleet page and for scripts. Each source takes a fixed number of
queries, however large the fleet is."""

import datetime as dt
from typing import Any

from fleet.services.attention import agents, cutovers, sites, terminals
from fleet.services.attention.items import LIMIT, Found, Item

__all__ = ["LIMIT", "Found", "Item", "of"]


def of(user: Any, now: dt.datetime) -> Found:
    """All of it, the most important first, in an order that is the same while nothing changes. At most LIMIT items; count
    says how many there are."""
    found = [
        *terminals.sources(),
        *cutovers.sources(user),
        *sites.sources(now),
        *agents.sources(now),
    ]
    items = [item for one in found for item in one.items]
    items.sort(key=lambda item: (item.severity != "error", item.rank))  # stable: within a rank as its source has them
    return Found(items[:LIMIT], sum(one.count for one in found))
