"""The one Django app. The Celery app is imported here and not in fleet/__init__.py, so that
`import fleet.cutover` stays free of Celery."""

from importlib import import_module

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The dashboard."""

    name = "fleet"
    verbose_name = "Tillway"

    def ready(self) -> None:
        import_module("fleet.celery_app")
