"""Engines for the two databases: how each begins a snapshot and how each admits one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError

from argosy.errors import ConflictError, InputError, MissingExtraError, UnreachableError

PATIENCE = 30.0
"""Seconds that a writer waits for its turn."""

_WRITER = 0x4152474F5359
"""The PostgreSQL advisory lock that admits one writer of facts at a time ("ARGOSY")."""

_TURN, _IN_TURN = "argosy_turn", f"BEGIN; SELECT pg_advisory_xact_lock({_WRITER})"

_PLANNING = "SET jit = off; SET random_page_cost = 1.1; SET max_parallel_workers_per_gather = 0"
"""Our queries read little, by indexes: compiling one or starting helpers for it takes longer than it does."""

_FRESH = 1.0
"""Seconds for which a connection that was given back is taken for alive: asking costs as much as a small query."""


def is_url(home: str) -> bool:
    """Whether `home` names a PostgreSQL database rather than a directory."""
    return home.startswith(("postgresql://", "postgresql+psycopg://", "postgres://"))


def postgres_url(home: str) -> URL:
    """The URL with our driver in it."""
    url = make_url(home).set(drivername="postgresql+psycopg")
    if not url.database:
        raise InputError(f"{url.render_as_string()} names no database", next="end the URL with /NAME")
    return url


def sqlite_engine(path: str, *, write: bool) -> Engine:
    """Connections to one file. Readers cannot write; a writer's transaction begins IMMEDIATE.

    One whose file another has taken the place of is opened anew; where there is none any more, it is UnreachableError.
    """
    size = {"pool_size": 1, "max_overflow": 0} if write else {"pool_size": 8, "max_overflow": 56}
    engine = create_engine(
        URL.create("sqlite", database=path),
        connect_args={"timeout": PATIENCE, "check_same_thread": False, "isolation_level": None},
        pool_timeout=PATIENCE,
        hide_parameters=True,
        **size,
    )

    made = not write  # a writer comes first, and its first connection makes the file where there is none

    @event.listens_for(engine, "do_connect")
    def _connecting(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        nonlocal made
        if made:
            _identity(path)
        made = True

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, record: Any) -> None:
        _insist(lambda: connection.execute("PRAGMA journal_mode=WAL"))
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-8192")
        if write:
            connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
        else:
            connection.execute("PRAGMA query_only=ON")
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def _taken(connection: sqlite3.Connection, record: Any, proxy: Any) -> None:
        if _identity(path) != record.info["file"]:
            raise DisconnectionError("another file has its place")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        if write:
            _insist(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def clear_log(engine: Engine) -> None:
    """Have SQLite's log of writes hold nothing that is in its file already: nor, so, what has been deleted there.

    Where somebody reads or writes just now it stays, and is overwritten with time.
    """
    if engine.dialect.name == "sqlite" and engine.url.database:
        at_once = closing(sqlite3.connect(engine.url.database, timeout=0))
        with suppress(sqlite3.OperationalError), at_once as connection:  # it may be locked
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _identity(path: str) -> tuple[int, int]:
    """Which file this is, whatever was in its place before."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise UnreachableError(f"the store {path} is gone: {error.strerror}", next="put it back, or a backup") from None
    return found.st_dev, found.st_ino


def postgres_engine(home: str, *, write: bool) -> Engine:
    """Connections to PostgreSQL through psycopg. A writer's transaction begins in its turn: see `aside`."""
    try:
        import psycopg  # noqa: F401  (an extra)
    except ImportError:
        raise MissingExtraError("a PostgreSQL home needs psycopg", next="pip install 'argosy[postgres]'") from None
    engine = create_engine(
        postgres_url(home),
        pool_size=8,
        max_overflow=24,
        pool_timeout=PATIENCE,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"{_PLANNING}; SET lock_timeout = '{int(PATIENCE)}s'")
        connection.commit()
        connection.autocommit = write  # its transactions are begun below: with their turn, in one question

    if write:

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            turn = connection.get_execution_options().get(_TURN, True)
            cursor: Any = connection.connection.cursor()
            cursor.execute(_IN_TURN if turn else "BEGIN", prepare=False)

    @event.listens_for(engine, "checkin")
    def _given_back(connection: Any, record: Any) -> None:
        record.info["idle since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: Any, proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle since", time.monotonic()) > _FRESH:
            try:
                alive = engine.dialect.do_ping(connection)
            except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
                raise DisconnectionError("the database has closed the connection") from error
            if not alive:
                raise DisconnectionError("the database has closed the connection")

    return engine


def aside(engine: Engine) -> Connection:
    """A writer's connection whose transactions, on PostgreSQL, do not wait until no other writes facts.

    What others do: ids then grow in commit order, as on SQLite, where a transaction that writes is alone in any case.
    """
    return engine.connect().execution_options(**{_TURN: False})


def _insist(act: Callable[[], object]) -> None:
    """Do what SQLite refuses while others hold the file; raises ConflictError once `PATIENCE` is over.

    SQLite waits by itself for its turn to write, but gives up at once where a journal mode is to change.
    """
    deadline, pause = time.monotonic() + PATIENCE, 0.01
    while True:
        try:
            act()
            return
        except (OperationalError, sqlite3.OperationalError) as error:
            if not _is_busy(error):
                raise
            if time.monotonic() > deadline:
                raise ConflictError(
                    f"the store was busy with other writers for {PATIENCE:.0f} s",
                    next="try again; a long write transaction elsewhere is holding it",
                ) from error
            time.sleep(pause)
            pause = min(2 * pause, 0.1)


def _is_busy(error: OperationalError | sqlite3.OperationalError) -> bool:
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
