"""The certificates of a server's store, as its agent reported them."""

import datetime as dt

from fleet.models import Device
from fleet.services.errors import Conflict


def newest(server: Device | None, now: dt.datetime) -> str:
    """The thumbprint of the one that has a key and is valid the longest. Raises Conflict where there is none."""
    usable = [
        (str(c.get("not_after")), str(c["thumbprint"]))
        for c in (server.facts.get("certificates") or [] if server else [])
        if c.get("has_key") and str(c.get("not_after")) > now.isoformat()
    ]
    if not usable:
        raise Conflict(
            "the server's store has no certificate with a private key that is valid now; "
            "import one (PFX, into Personal of the computer), then plan again"
        )
    return max(usable)[1]
