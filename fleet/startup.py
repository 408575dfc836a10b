"""What a process of the dashboard checks before it begins to serve."""

import logging
import sys

from django.conf import settings
from django.db import DatabaseError

from agents.log import said
from fleet.services import keys

log = logging.getLogger(__name__)


def refuse_without_keys() -> None:
    """End this process with one sentence if a key is missing that enrolled agents know. If the database is away, this is
    not known yet; then keys.Missing is raised later, where the key is needed."""
    if not settings.SIGNS:
        return
    try:
        keys.refuse_missing()
    except keys.Missing as error:
        log.critical("%s", error)
        sys.exit(1)
    except DatabaseError as error:
        log.warning("cannot look whether agents are enrolled: %s", said(error))
