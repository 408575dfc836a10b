"""The database of a trial's demo: the embedded one, or a new one on a PostgreSQL server. It can be locked from outside, as
a backup program does it."""

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

LOCK_WITHIN_S = 3  # how long to wait for a lock


class NotLocked(Exception):
    """Another connection held the lock too long. The text is the database's."""


@dataclass(frozen=True, slots=True)
class Sqlite:
    """The demo's own file."""

    file: Path
    url: None = None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of this query. Raises NotLocked if the database is locked."""
        try:
            with contextlib.closing(sqlite3.connect(self.file, timeout=LOCK_WITHIN_S)) as live:
                return live.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            raise NotLocked(str(error)) from error

    def size(self) -> int:
        """The size of its pages in bytes. Raises NotLocked."""
        return int(self.rows("PRAGMA page_count")[0][0]) * int(self.rows("PRAGMA page_size")[0][0])

    def lock(self) -> Callable[[], None]:
        """Lock everything, and return a function that unlocks it. Raises NotLocked."""
        lock = sqlite3.connect(self.file, timeout=LOCK_WITHIN_S, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            lock.close()
            raise NotLocked(str(error)) from error
        return lock.close

    def back_up(self) -> None:
        """Copy it as it is now to a file next to the demo's folder. Raises NotLocked."""
        self._copy.unlink(missing_ok=True)
        try:
            with contextlib.closing(sqlite3.connect(self.file, timeout=LOCK_WITHIN_S)) as live:
                live.execute("VACUUM INTO ?", (str(self._copy),))
        except sqlite3.OperationalError as error:
            raise NotLocked(str(error)) from error

    def restore(self) -> bool:
        """Replace the database by the copy. No process may have it open. Returns False if there is no copy."""
        if not self._copy.exists():
            return False
        for end in ("-wal", "-shm"):
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)
        self._copy.replace(self.file)
        return True

    @property
    def _copy(self) -> Path:
        return self.file.parent.with_name("backup.sqlite3")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database that was made for one demo."""

    url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of this query. Raises psycopg.Error."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql.SQL(query)).fetchall()

    def size(self) -> int:
        """Its size on the server's disk in bytes. Raises psycopg.Error."""
        return int(self.rows("SELECT pg_database_size(current_database())")[0][0])

    def lock(self) -> Callable[[], None]:
        """Lock every table, also against reading, and return a function that unlocks them. Raises NotLocked."""
        lock = psycopg.connect(self.url)
        try:
            lock.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(f"{LOCK_WITHIN_S}s")))
            names = [row[0] for row in lock.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            tables = sql.SQL(", ").join(map(sql.Identifier, sorted(names)))
            lock.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(tables))
        except psycopg.Error as error:
            lock.close()
            raise NotLocked(str(error)) from error
        return lock.close


def fresh(server: str) -> Postgres:
    """A new database on this server. server: a DATABASE_URL with the right to make databases. Raises psycopg.Error."""
    name = f"tillway_{uuid4().hex[:12]}"
    with contextlib.closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return Postgres(urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
