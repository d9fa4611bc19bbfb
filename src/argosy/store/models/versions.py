"""Versions of registered models: numbered from 1, never again; each is at a stage, the older way to point at one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.store.codec import EPOCH, from_micros, to_micros
from argosy.store.models import aliases, registered
from argosy.store.models.registered import Registered
from argosy.store.rows import execute, within
from argosy.store.tracking import changes, labels
from argosy.store.tracking.changes import VERSION, Change, Hand

NONE, STAGING, PRODUCTION, ARCHIVED = STAGES = ("None", "Staging", "Production", "Archived")
FIELDS = (
    "v.id, v.model_id, m.name, v.number, v.description, v.source, coalesce(v.location, v.source), v.run, v.logged, "
    "v.stage, v.owner, v.at, v.updated_at"
)
JOIN = "registered_version v JOIN registered m ON m.id = v.model_id"
_STAGES = ", ".join(f"('{stage}')" for stage in STAGES)


class Version(NamedTuple):
    """A version of the model `name` now; `run` and `logged` are what it was made by, as programs call them."""

    id: int
    model_id: int
    name: str
    number: int
    description: str
    source: str
    location: str
    run: str | None
    logged: str | None
    stage: str
    owner: str
    at: datetime
    updated_at: datetime

    @property
    def entity(self) -> str:
        """What its tags and changes are kept under."""
        return str(self.id)


def create(
    tx: Connection, model: Registered, source: str, hand: Hand, *, location: str | None = None, run: str | None = None,
    logged: str | None = None, description: str = "", tags: Mapping[str, str] | None = None,
) -> Version:  # fmt: skip
    """Add a version, whose files lie at `location`, or where `source` says. `model` is as this transaction read it."""
    made = Version(
        0, model.id, model.name, model.versions + 1, description, source, location or source, run, logged, NONE,
        hand.actor, hand.at, hand.at,
    )  # fmt: skip
    made = add(tx, made, hand)
    labels.put(tx, VERSION, made.entity, tags or {}, hand)
    return made


def add(tx: Connection, version: Version, hand: Hand) -> Version:
    """Have a version that is as it says, under the next id, with which it is returned; its number is free.

    Lower numbers are never given any more, and the model has changed when the version did.
    """
    v, location = version, None if version.location == version.source else version.location
    at = to_micros(v.updated_at)
    sql = (
        "UPDATE registered SET versions = CASE WHEN versions < ? THEN ? ELSE versions END, "
        "updated_at = CASE WHEN updated_at < ? THEN ? ELSE updated_at END WHERE id = ?"
    )
    execute(tx, sql, (v.number, v.number, at, at, v.model_id))
    [[id]] = execute(
        tx,
        "INSERT INTO registered_version (id, model_id, number, description, source, location, run, logged, stage, "
        "owner, at, updated_at, actor) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM registered_version), "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (v.model_id, v.number, v.description, v.source, location, v.run, v.logged, v.stage, v.owner, to_micros(v.at),
         at, hand.actor),
    ).fetchall()  # fmt: skip
    return v._replace(id=id)


def get(conn: Connection, model: Registered, number: int) -> Version:
    """The version of a number. Raises UnknownError where there is none, or it is deleted."""
    sql = f"SELECT {FIELDS} FROM {JOIN} WHERE v.model_id = ? AND v.number = ? AND v.deleted_at IS NULL"
    found = execute(conn, sql, (model.id, number)).fetchone()
    if found is None:
        raise UnknownError(
            f"Model Version (name={model.name}, version={number}) not found", next="search for its versions"
        )
    return made(found)


def numbered(conn: Connection, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], Version]:
    """The versions of some numbers of models, by model and number, of those that there are; deleted ones too."""
    clause, bound = within(conn, "v.model_id", {model_id for model_id, _ in wanted})
    other, numbers = within(conn, "v.number", {number for _, number in wanted})
    rows = execute(conn, f"SELECT {FIELDS} FROM {JOIN} WHERE {clause} AND {other}", (bound, numbers))
    return {(each.model_id, each.number): each for each in map(made, rows) if (each.model_id, each.number) in wanted}


def newest(conn: Connection, model: Registered) -> Version:
    """The version of the highest number. Raises UnknownError where there is none."""
    sql = f"SELECT {FIELDS} FROM {JOIN} WHERE v.model_id = ? AND v.deleted_at IS NULL ORDER BY v.number DESC LIMIT 1"
    found = execute(conn, sql, (model.id,)).fetchone()
    if found is None:
        raise UnknownError(f"Latest version not found for model {model.name}: it has none", next="add a version to it")
    return made(found)


def latest(conn: Connection, model_ids: Iterable[int]) -> dict[int, list[Version]]:
    """The version of the highest number at each stage, by model.

    A look into an index for each stage of each model, however many versions there are.
    """
    clause, bound = within(conn, "o.id", model_ids)
    each = (
        "SELECT w.id FROM registered_version w WHERE w.model_id = o.id AND w.stage = s.stage AND w.deleted_at IS NULL "
        "ORDER BY w.number DESC LIMIT 1"
    )
    sql = (
        f"WITH s(stage) AS (VALUES {_STAGES}) SELECT {FIELDS} FROM {JOIN} WHERE v.id IN "
        f"(SELECT ({each}) FROM registered o CROSS JOIN s WHERE {clause}) ORDER BY v.model_id, v.number DESC"
    )
    found: dict[int, list[Version]] = {}
    for version in map(made, execute(conn, sql, (bound,))):
        found.setdefault(version.model_id, []).append(version)
    return found


def describe(tx: Connection, found: Version, description: str, hand: Hand) -> Version:
    """Give a version another description."""
    sql = "UPDATE registered_version SET description = ?, updated_at = ? WHERE id = ?"
    execute(tx, sql, (description, to_micros(hand.at), found.id))
    if description != found.description:
        changes.add(tx, hand, [Change(VERSION, found.entity, "description", found.description, description)])
    return found._replace(description=description, updated_at=hand.at)


def move(tx: Connection, found: Version, stage: str, hand: Hand, *, archive: bool = False) -> Version:
    """Have a version at a stage; with `archive`, the others that are there are archived."""
    others: Sequence[int] = ()
    if archive:
        sql = (
            "SELECT id FROM registered_version WHERE model_id = ? AND stage = ? AND deleted_at IS NULL AND id <> ? "
            "ORDER BY number"
        )
        others = [id for (id,) in execute(tx, sql, (found.model_id, stage, found.id))]
        _put(tx, others, ARCHIVED, hand)
    _put(tx, [found.id], stage, hand)
    registered.touch(tx, found.model_id, hand)
    made = [Change(VERSION, str(id), "stage", stage, ARCHIVED) for id in others]
    if stage != found.stage:
        made.append(Change(VERSION, found.entity, "stage", found.stage, stage))
    changes.add(tx, hand, made)
    return found._replace(stage=stage, updated_at=hand.at)


def delete(tx: Connection, found: Version, hand: Hand, reason: str = "") -> None:
    """Put a version into the trash; the aliases that point at it are no more."""
    at = to_micros(hand.at)
    aliases.drop(tx, found.model_id, found.number, hand)
    _place(tx, found, at, hand, Change(VERSION, found.entity, "deleted", None, hand.at.isoformat(), reason))


def trashed(conn: Connection, model: Registered, number: int) -> tuple[Version, datetime] | None:
    """The version of a number that was deleted, and when; None where none was, or it is gone."""
    sql = (
        f"SELECT {FIELDS}, v.deleted_at FROM {JOIN} WHERE v.model_id = ? AND v.number = ? AND v.deleted_at IS NOT NULL"
    )
    found = execute(conn, sql, (model.id, number)).fetchone()
    return None if found is None else (made(found[:-1]), from_micros(found[-1]) or EPOCH)


def restore(tx: Connection, found: Version, deleted_at: datetime, hand: Hand, reason: str = "") -> None:
    """Take a version out of the trash, of a model that is not there; aliases do not come back."""
    _place(tx, found, None, hand, Change(VERSION, found.entity, "deleted", deleted_at.isoformat(), None, reason))


def made(row: Any) -> Version:
    """The version of a row of `FIELDS`."""
    *rest, at, updated = row
    return Version._make([*rest, from_micros(at) or EPOCH, from_micros(updated) or EPOCH])


def _place(tx: Connection, found: Version, deleted_at: int | None, hand: Hand, told: Change) -> None:
    sql = "UPDATE registered_version SET deleted_at = ?, updated_at = ? WHERE id = ?"
    execute(tx, sql, (deleted_at, to_micros(hand.at), found.id))
    registered.touch(tx, found.model_id, hand)
    changes.add(tx, hand, [told])


def _put(tx: Connection, ids: Sequence[int], stage: str, hand: Hand) -> None:
    clause, bound = within(tx, "id", ids)
    sql = f"UPDATE registered_version SET stage = ?, updated_at = ? WHERE {clause}"
    execute(tx, sql, (stage, to_micros(hand.at), bound))
