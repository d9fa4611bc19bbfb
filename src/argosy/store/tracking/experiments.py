"""Experiments: what runs belong to. A name is taken by one that is not deleted; that of a deleted one is free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import InputError, TakenError, UnknownError
from argosy.store.codec import EPOCH, from_micros, to_micros
from argosy.store.rows import execute, next_id, within
from argosy.store.tracking import changes, labels
from argosy.store.tracking.changes import EXPERIMENT, Change, Hand
from argosy.store.tracking.place import SCHEME
from argosy.store.tracking.tables import experiment

DEFAULT, NAME = 0, "Default"
_FIELDS = "id, name, location, at, updated_at, deleted_at"


class Experiment(NamedTuple):
    """One experiment; its artifacts lie below `location`."""

    id: int
    name: str
    location: str
    at: datetime
    updated_at: datetime
    deleted_at: datetime | None


def ensure_default(tx: Connection) -> None:
    """Have the experiment 0, which runs belong to where none is named."""
    sql = "INSERT INTO experiment (id, name, location, at, updated_at, actor) VALUES (?, ?, ?, 0, 0, 'argosy')"
    execute(tx, f"{sql} ON CONFLICT DO NOTHING", (DEFAULT, NAME, f"{SCHEME}{DEFAULT}"))


def create(
    tx: Connection, name: str, hand: Hand, location: str = "", tags: Mapping[str, str] | None = None
) -> int:  # fmt: skip
    """Make an experiment; returns its id. Raises TakenError where one of this name is."""
    if (there := find(tx, name)) is not None:
        raise TakenError(f"experiment {name!r} already exists, as {there.id}", next="use it, or another name")
    id = fresh(tx)
    add(tx, Experiment(id, name, location or f"{SCHEME}{id}", hand.at, hand.at, None), hand)
    labels.put(tx, EXPERIMENT, str(id), tags or {}, hand)
    return id


def fresh(tx: Connection) -> int:
    """An id that no experiment had before."""
    return max(1, next_id(tx, experiment), changes.purged(tx, EXPERIMENT) + 1)


def add(tx: Connection, found: Experiment, hand: Hand) -> None:
    """Have an experiment that is as it says; its id is free, and so is its name unless it is deleted."""
    *rest, at, updated, deleted = found
    sql = f"INSERT INTO experiment ({_FIELDS}, actor) VALUES (?, ?, ?, ?, ?, ?, ?)"
    execute(tx, sql, (*rest, *map(to_micros, (at, updated, deleted)), hand.actor))


def get(conn: Connection, id: int) -> Experiment:
    """The experiment of an id, deleted or not. Raises UnknownError."""
    found = execute(conn, f"SELECT {_FIELDS} FROM experiment WHERE id = ?", (id,)).fetchone()
    if found is None:
        raise UnknownError(f"there is no experiment {id}", next="argosy get experiments")
    return made(found)


def active(conn: Connection, id: int) -> Experiment:
    """The same; raises InputError where it is deleted."""
    found = get(conn, id)
    if found.deleted_at is not None:
        raise InputError(f"experiment {id} must be in the 'active' state, and is deleted", next="restore it first")
    return found


def some(conn: Connection, ids: Iterable[int]) -> dict[int, Experiment]:
    """The experiments of some ids."""
    clause, bound = within(conn, "id", ids)
    return {row[0]: made(row) for row in execute(conn, f"SELECT {_FIELDS} FROM experiment WHERE {clause}", (bound,))}


def trashed(conn: Connection, name: str) -> list[Experiment]:
    """The deleted experiments of a name, the last deleted one first."""
    sql = (
        f"SELECT {_FIELDS} FROM experiment WHERE name = ? AND deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC"
    )
    return [made(row) for row in execute(conn, sql, (name,))]


def find(conn: Connection, name: str) -> Experiment | None:
    """The experiment of a name that is not deleted."""
    sql = f"SELECT {_FIELDS} FROM experiment WHERE name = ? AND deleted_at IS NULL"
    found = execute(conn, sql, (name,)).fetchone()
    return None if found is None else made(found)


def rename(tx: Connection, id: int, name: str, hand: Hand) -> None:
    """Give an experiment another name. Raises TakenError where it is taken, InputError for a deleted one."""
    found = active(tx, id)
    if name == found.name:
        return
    if find(tx, name) is not None:
        raise TakenError(f"experiment {name!r} already exists", next="use another name")
    _change(tx, found, hand, "name", found.name, name)
    execute(tx, "UPDATE experiment SET name = ? WHERE id = ?", (name, id))


def delete(tx: Connection, id: int, hand: Hand, reason: str = "") -> None:
    """Put an experiment with its runs into the trash. Raises UnknownError where it is not, or is there already."""
    found = get(tx, id)
    if found.deleted_at is not None:
        raise UnknownError(f"there is no active experiment {id}", next="it is deleted already")
    at = to_micros(hand.at)
    _change(tx, found, hand, "deleted", None, hand.at.isoformat(), reason)
    execute(tx, "UPDATE experiment SET deleted_at = ? WHERE id = ?", (at, id))
    execute(tx, "UPDATE tracked SET deleted_at = ? WHERE experiment_id = ? AND deleted_at IS NULL", (at, id))


def restore(tx: Connection, id: int, hand: Hand, reason: str = "") -> None:
    """Take an experiment out of the trash, with the runs that went there with it.

    Raises UnknownError where it is not in the trash, TakenError where its name was given to another meanwhile.
    """
    found = get(tx, id)
    if found.deleted_at is None:
        raise UnknownError(f"there is no deleted experiment {id}", next="it is active")
    if find(tx, found.name) is not None:
        raise TakenError(f"experiment {found.name!r} already exists", next="rename that one first")
    _change(tx, found, hand, "deleted", found.deleted_at.isoformat(), None, reason)
    execute(tx, "UPDATE experiment SET deleted_at = NULL WHERE id = ?", (id,))
    sql = "UPDATE tracked SET deleted_at = NULL WHERE experiment_id = ? AND deleted_at = ?"
    execute(tx, sql, (id, to_micros(found.deleted_at)))


def set_tags(tx: Connection, id: int, tags: Mapping[str, str], hand: Hand) -> None:
    """Set tags. Raises InputError for a deleted experiment."""
    active(tx, id)
    labels.put(tx, EXPERIMENT, str(id), tags, hand)


def made(row: Any) -> Experiment:
    """The experiment of a row of its fields."""
    id, name, location, *times = row
    at, updated, deleted = map(from_micros, times)
    return Experiment(id, name, location, at or EPOCH, updated or EPOCH, deleted)


def _change(
    tx: Connection, found: Experiment, hand: Hand, field: str, before: str | None, after: str | None, reason: str = ""
) -> None:
    changes.add(tx, hand, [Change(EXPERIMENT, str(found.id), field, before, after, reason)])
    execute(tx, "UPDATE experiment SET updated_at = ? WHERE id = ?", (to_micros(hand.at), found.id))
