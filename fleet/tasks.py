"""Celery tasks: load by primary key, call one service, enqueue what it returns."""
