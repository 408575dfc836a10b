"""The database of a trial's demo: the embedded one, or a fresh one on a PostgreSQL server. Locked from outside,
as a backup program or a curious admin would."""

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

LOCK_WITHIN_S = 3


class NotLocked(Exception):
    """Somebody else held it too long; the text says who or what."""


@dataclass(frozen=True, slots=True)
class Sqlite:
    """The demo's own file."""

    file: Path
    url: None = None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What this query finds. Raises NotLocked when the database does not let us."""
        try:
            with contextlib.closing(sqlite3.connect(self.file, timeout=LOCK_WITHIN_S)) as live:
                return live.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            raise NotLocked(str(error)) from error

    def size(self) -> int:
        """Bytes that its pages take up. Raises NotLocked."""
        return int(self.rows("PRAGMA page_count")[0][0]) * int(self.rows("PRAGMA page_size")[0][0])

    def lock(self) -> Callable[[], None]:
        """Lock everything; the unlock. Raises NotLocked."""
        lock = sqlite3.connect(self.file, timeout=LOCK_WITHIN_S, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            lock.close()
            raise NotLocked(str(error)) from error
        return lock.close

    def back_up(self) -> None:
        """A copy as it is now, beside the demo's folder. Raises NotLocked when the database does not let us."""
        self._copy.unlink(missing_ok=True)
        try:
            with contextlib.closing(sqlite3.connect(self.file, timeout=LOCK_WITHIN_S)) as live:
                live.execute("VACUUM INTO ?", (str(self._copy),))
        except sqlite3.OperationalError as error:
            raise NotLocked(str(error)) from error

    def restore(self) -> bool:
        """Put the copy in its place; nobody may have it open. False when there is none."""
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
    """A database made for one demo."""

    url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What this query finds. Raises psycopg.Error."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql.SQL(query)).fetchall()

    def size(self) -> int:
        """Bytes that it takes up on the server's disk. Raises psycopg.Error."""
        return int(self.rows("SELECT pg_database_size(current_database())")[0][0])

    def lock(self) -> Callable[[], None]:
        """Lock every table, also against reading; the unlock. Raises NotLocked."""
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
