"""The certificates of a server's store, as its agent reported them."""

import datetime as dt

from fleet.models import Device
from fleet.preflight import site_view
from fleet.preflight.site_reading import server_view
from fleet.services.errors import Conflict


def newest(server: Device | None, now: dt.datetime) -> str:
    """The thumbprint of the one that has a key and is valid the longest: the one that readiness judges. Raises Conflict
    where there is none."""
    found = site_view.newest(server_view(server.name, "yes", server.facts), now) if server else None
    if found is None:
        raise Conflict(
            "the server's store has no certificate with a private key that is valid now; "
            "import one (PFX, into Personal of the computer), then plan again"
        )
    return found.thumbprint
