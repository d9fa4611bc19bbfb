"""The store: one home of facts and blobs, safe to use from many threads and processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, PoolProxiedConnection

from argosy.errors import InputError, UnknownError
from argosy.store import database, migration
from argosy.store.blobs import Blobs
from argosy.store.faults import translated
from argosy.store.rows import driven


class Store:
    """Facts in SQL tables and blobs in a directory.

    Make one with `open`. Threads may share it; a process opens its own, with
    `Store.open(store.home, blobs=store.blobs.root)`.
    """

    def __init__(self, home: str, blobs: Blobs, reader: Engine, writer: Engine) -> None:
        self.home = home
        self.blobs = blobs
        self._reader = reader
        self._writer = writer
        self._peeking = threading.Lock()
        self._peeked: PoolProxiedConnection | None = None

    @classmethod
    def open(cls, home: str | Path, *, blobs: Path | None = None, create: bool = True) -> Store:
        """Open a home: a directory, or a `postgresql://` URL together with a directory for `blobs`.

        Tables are created or migrated to this software's version. Raises `UnknownError` if there is
        nothing there and `create` is false, and `ConflictError` if newer software wrote it.
        """
        if database.is_url(str(home)):
            if blobs is None:
                raise InputError("a PostgreSQL home keeps no blobs", next="pass blobs=DIRECTORY beside the URL")
            reader, writer = (database.postgres_engine(str(home), write=write) for write in (False, True))
            address = str(home)
        else:
            root = Path(home).expanduser().resolve()
            path = root / "argosy.db"
            if not create and not path.exists():
                raise UnknownError(f"no store in {root}", next="argosy init, or set ARGOSY_HOME to an existing home")
            root.mkdir(parents=True, exist_ok=True)
            blobs = blobs or root / "blobs"
            writer = database.sqlite_engine(str(path), write=True)
            reader = database.sqlite_engine(str(path), write=False)
            address = str(root)
        store = cls(address, Blobs(blobs), reader, writer)
        try:
            with translated():
                migration.ensure(writer, create=create)
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot: every query inside sees the same moment. Writing fails."""
        with translated(), self._reader.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    def peek(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """The first column of one query in plain SQL, a `?` for each value: what is committed by now, in no snapshot.

        A tenth of the cost of a snapshot with one query, where one query after another decides what comes next.
        """
        if self._reader.dialect.name != "sqlite":
            with self.read() as conn:
                return driven(conn, sql, values)
        with translated(), self._peeking:
            if self._peeked is None:
                self._peeked = self._reader.raw_connection()
            return [row[0] for row in self._peeked.cursor().execute(sql, tuple(values))]

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it lands, or none. One writer at a time; do not nest, keep it short.

        Raises `ConflictError` when a row is already there or another writer did not finish in 30 s,
        and `CapacityError` when the disk is full.
        """
        with translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def claim(self) -> Iterator[Connection]:
        """A transaction over leases only: on PostgreSQL it does not wait for the writer of facts."""
        with translated(), database.aside(self._writer) as connection, connection.begin():
            yield connection

    def clear_log(self) -> None:
        """Have nothing that was deleted stay in the log of the file's writes, unless somebody is at work on it."""
        database.clear_log(self._writer)

    def close(self) -> None:
        """Give back all connections."""
        if self._peeked is not None:
            self._peeked.close()
            self._peeked = None
        self._reader.dispose()
        self._writer.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def shown(self) -> str:
        """The home as it may be told: `home`, a password in it hidden."""
        return database.postgres_url(self.home).render_as_string() if database.is_url(self.home) else self.home

    def __repr__(self) -> str:
        return f"Store({self.shown!r})"
