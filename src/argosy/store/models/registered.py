"""Registered models: names under which versions are kept. The name of a deleted one is free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import TakenError, UnknownError
from argosy.store.codec import EPOCH, from_micros, to_micros
from argosy.store.models.tables import registered
from argosy.store.rows import execute, next_id, within
from argosy.store.tracking import changes, labels
from argosy.store.tracking.changes import MODEL, Change, Hand

FIELDS = "m.id, m.name, m.description, m.at, m.updated_at, m.versions"
_LIVE = f"SELECT {FIELDS} FROM registered m WHERE m.deleted_at IS NULL"


class Registered(NamedTuple):
    """A registered model now; `versions` is the number of the last version that it was given."""

    id: int
    name: str
    description: str
    at: datetime
    updated_at: datetime
    versions: int

    @property
    def entity(self) -> str:
        """What its tags and changes are kept under: names are given to others."""
        return str(self.id)


def create(
    tx: Connection, name: str, hand: Hand, description: str = "", tags: Mapping[str, str] | None = None
) -> Registered:  # fmt: skip
    """Take a name. Raises TakenError where it is taken."""
    _free(tx, name)
    made = Registered(
        max(next_id(tx, registered), changes.purged(tx, MODEL) + 1), name, description, hand.at, hand.at, 0
    )
    add(tx, made, hand)
    labels.put(tx, MODEL, made.entity, tags or {}, hand)
    return made


def add(tx: Connection, model: Registered, hand: Hand) -> None:
    """Have a model that is as it says; its id and its name are free."""
    *rest, at, updated, versions = model
    sql = "INSERT INTO registered (id, name, description, at, updated_at, versions, actor) VALUES (?, ?, ?, ?, ?, ?, ?)"
    execute(tx, sql, (*rest, to_micros(at), to_micros(updated), versions, hand.actor))


def find(conn: Connection, name: str) -> Registered | None:
    """The model of a name that is not deleted."""
    found = execute(conn, f"{_LIVE} AND m.name = ?", (name,)).fetchone()
    return None if found is None else made(found)


def get(conn: Connection, name: str) -> Registered:
    """The same. Raises UnknownError."""
    found = find(conn, name)
    if found is None:
        raise UnknownError(f"Registered Model with name={name[:300]} not found", next="search for the models there are")
    return found


def some(conn: Connection, names: Iterable[str]) -> dict[str, Registered]:
    """The models of some names, of those that there are."""
    clause, bound = within(conn, "m.name", names)
    return {row[1]: made(row) for row in execute(conn, f"{_LIVE} AND {clause}", (bound,))}


def rename(tx: Connection, found: Registered, name: str, hand: Hand) -> Registered:
    """Give a model another name. Raises TakenError where it is taken."""
    if name == found.name:
        return found
    _free(tx, name)
    execute(tx, "UPDATE registered SET name = ? WHERE id = ?", (name, found.id))
    _changed(tx, found, hand, "name", found.name, name)
    return found._replace(name=name, updated_at=hand.at)


def describe(tx: Connection, found: Registered, description: str, hand: Hand) -> Registered:
    """Give a model another description."""
    execute(tx, "UPDATE registered SET description = ? WHERE id = ?", (description, found.id))
    _changed(tx, found, hand, "description", found.description, description)
    return found._replace(description=description, updated_at=hand.at)


def delete(tx: Connection, found: Registered, hand: Hand, reason: str = "") -> None:
    """Put a model with its versions into the trash: they have the same moment there. Its aliases stay with it."""
    at = to_micros(hand.at)
    execute(tx, "UPDATE registered SET deleted_at = ? WHERE id = ?", (at, found.id))
    sql = "UPDATE registered_version SET deleted_at = ? WHERE model_id = ? AND deleted_at IS NULL"
    execute(tx, sql, (at, found.id))
    _changed(tx, found, hand, "deleted", None, hand.at.isoformat(), reason)


def trashed(conn: Connection, name: str) -> list[tuple[Registered, datetime]]:
    """The deleted models of a name and when they were deleted, the last deleted one first."""
    sql = (
        f"SELECT {FIELDS}, m.deleted_at FROM registered m WHERE m.name = ? AND m.deleted_at IS NOT NULL "
        "ORDER BY m.deleted_at DESC, m.id DESC"
    )
    return [(made(row), from_micros(at) or EPOCH) for *row, at in execute(conn, sql, (name,))]


def restore(tx: Connection, found: Registered, deleted_at: datetime, hand: Hand, reason: str = "") -> None:
    """Take a model out of the trash, with its aliases and the versions that went there with it.

    Raises TakenError where its name was given to another meanwhile.
    """
    _free(tx, found.name)
    execute(tx, "UPDATE registered SET deleted_at = NULL WHERE id = ?", (found.id,))
    sql = "UPDATE registered_version SET deleted_at = NULL WHERE model_id = ? AND deleted_at = ?"
    execute(tx, sql, (found.id, to_micros(deleted_at)))
    _changed(tx, found, hand, "deleted", deleted_at.isoformat(), None, reason)


def touch(tx: Connection, id: int, hand: Hand) -> None:
    """Have a model changed now, as one of its versions was."""
    execute(tx, "UPDATE registered SET updated_at = ? WHERE id = ?", (to_micros(hand.at), id))


def made(row: Any) -> Registered:
    """The model of a row of `FIELDS`."""
    id, name, description, at, updated, versions = row
    return Registered(id, name, description, from_micros(at) or EPOCH, from_micros(updated) or EPOCH, versions)


def _free(conn: Connection, name: str) -> None:
    if find(conn, name) is not None:
        raise TakenError(f"Registered Model (name={name}) already exists", next="add a version to it, or rename it")


def _changed(
    tx: Connection, found: Registered, hand: Hand, field: str, before: str | None, after: str | None, reason: str = ""
) -> None:
    touch(tx, found.id, hand)
    if before != after:
        changes.add(tx, hand, [Change(MODEL, found.entity, field, before, after, reason)])
