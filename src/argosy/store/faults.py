"""What a database says when it refuses, in our words."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, TimeoutError

from argosy.errors import ArgosyError, CapacityError, ConflictError, CorruptError, InputError, UnreachableError

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_SHMSIZE}
_DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT}
_CLOSED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_BUSY_STATES = {"55P03", "40001", "40P01"}  # lock_not_available, serialization_failure, deadlock_detected
_FULL_STATES = {"53100", "53200"}  # disk_full, out_of_memory
_AWAY_STATES = {"57P01", "57P02", "57P03"}  # admin_shutdown, crash_shutdown, cannot_connect_now
_LARGE_STATE = "54000"  # program_limit_exceeded: an index takes no text of thousands of bytes


@contextmanager
def translated() -> Iterator[None]:
    """Turn a driver's error that says what is wrong into an `ArgosyError`; others pass as they are."""
    try:
        yield
    except _raised() as error:
        known = _named(error.orig if isinstance(error, DBAPIError) else error)
        if known is None:
            raise
        raise known from error
    except TimeoutError as error:
        raise ConflictError(
            "no connection to the store came free in time", next="close transactions sooner, and never nest writes"
        ) from error


def _raised() -> tuple[type[Exception], ...]:
    """What SQLAlchemy raises, and the drivers themselves where a statement is run on their own cursor."""
    loaded = sys.modules.get("psycopg")
    return (DBAPIError, sqlite3.Error) if loaded is None else (DBAPIError, sqlite3.Error, loaded.Error)


def _named(error: BaseException | None) -> ArgosyError | None:
    code = getattr(error, "sqlite_errorcode", 0) or 0
    state = getattr(error, "sqlstate", "") or ""
    if code in _FULL or state in _FULL_STATES:
        return CapacityError(f"the store has no room left: {error}", next="free disk space; nothing was written")
    if code & 0xFF == sqlite3.SQLITE_BUSY or state in _BUSY_STATES:
        return ConflictError(f"the store is busy: {error}", next="try again")
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT or state.startswith("23"):
        return ConflictError(f"the store refused a row: {error}", next="read the current state and try again")
    if code & 0xFF in _DAMAGED:
        return CorruptError(f"the store is damaged: {error}", next="put a backup of it in its place")
    if code & 0xFF in _CLOSED:
        return UnreachableError(f"the store cannot be opened: {error}", next="see that it is there and may be written")
    if state in _AWAY_STATES or state[:2] == "08" or (not state and _is_away(error)):
        said = " ".join(str(error).split())
        return UnreachableError(f"the database does not answer: {said}", next="see that it runs, and where")
    if state == _LARGE_STATE:
        return InputError(f"a name is too long to be found by: {error}", next="give a shorter one")
    return None


def _is_away(error: BaseException | None) -> bool:
    """Whether PostgreSQL let nobody in, or went in the middle of a talk: then it has no state to tell."""
    loaded = sys.modules.get("psycopg")
    return loaded is not None and isinstance(error, loaded.OperationalError)
