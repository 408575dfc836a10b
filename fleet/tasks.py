"""Celery tasks: load by primary key, call one service, enqueue what it returns."""

from fleet.services.outcome import Next


def follow(after: Next) -> None:
    """Carry out what a service returned. Call it after the service's transaction has been committed."""
    raise NotImplementedError
