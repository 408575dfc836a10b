"""Entry point of the web part, served by granian."""

import os
from importlib import import_module

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet.settings")
_django = get_asgi_application()
import_module("fleet.urls")  # now, so that the first request does not pay for it

from fleet.api.limits import BodyLimit  # noqa: E402 — needs Django's apps to be loaded
from fleet.startup import refuse_without_keys  # noqa: E402

refuse_without_keys()
application = BodyLimit(_django, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
