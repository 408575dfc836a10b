"""What people do to a site as a whole."""

from typing import Any

from django.db import transaction

from fleet.models import Role, Site, role_of
from fleet.services.errors import Forbidden


def dismiss_warning(user: Any, site_id: int) -> None:
    """Take down what a site was warned of: somebody has looked. Raises Forbidden."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin dismisses a warning")
    with transaction.atomic():
        Site.objects.filter(pk=site_id).update(warning=None)
