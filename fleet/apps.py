"""The only Django app of this project. It imports the Celery app, which fleet/__init__.py does not, so that
`import fleet.cutover` does not load Celery."""

from importlib import import_module

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The dashboard."""

    name = "fleet"
    verbose_name = "Tillway"

    def ready(self) -> None:
        import_module("fleet.celery_app")
