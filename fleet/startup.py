"""What a part of the dashboard looks at before it begins to serve."""

import logging
import sys

from django.conf import settings
from django.db import DatabaseError

from agents.log import said
from fleet.services import keys

log = logging.getLogger(__name__)


def refuse_without_keys() -> None:
    """Ends this process with one sentence where a key is missing that enrolled agents know. Where the database cannot
    be asked yet, whoever needs the key finds out later: keys.Missing is raised there, too."""
    if not settings.SIGNS:
        return
    try:
        keys.refuse_missing()
    except keys.Missing as error:
        log.critical("%s", error)
        sys.exit(1)
    except DatabaseError as error:
        log.warning("cannot look whether agents are enrolled: %s", said(error))
