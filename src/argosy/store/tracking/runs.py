"""Runs: made, changed, put into the trash and taken out again; each change of one is kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import InputError, UnknownError
from argosy.store.codec import EPOCH, from_micros, to_micros
from argosy.store.rows import execute, within
from argosy.store.tracking import changes, experiments, naming, texts
from argosy.store.tracking.changes import RUN, Change, Hand

RUNNING, SCHEDULED, SUCCEEDED, FAILED, CANCELLED = "running", "scheduled", "succeeded", "failed", "cancelled"
STATUSES = (RUNNING, SCHEDULED, SUCCEEDED, FAILED, CANCELLED)
NAME_TAG, PARENT_TAG = "mlflow.runName", "mlflow.parentRunId"
FIELDS = "id, run, experiment_id, name, owner, status, started_at, ended_at, deleted_at"


class Run(NamedTuple):
    """A run now; `run` is the name that programs call it by."""

    id: int
    run: str
    experiment_id: int
    name: str
    owner: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    deleted_at: datetime | None


def create(
    tx: Connection, experiment_id: int, name: str, started_at: datetime, hand: Hand, *, owner: str = "",
    tags: Mapping[str, str] | None = None,
) -> Run:  # fmt: skip
    """Begin a run. Raises UnknownError for an experiment that is not, InputError for one that is deleted."""
    experiments.active(tx, experiment_id)
    return begin(tx, experiment_id, name, started_at, hand, owner=owner, tags=tags)


def begin(
    tx: Connection, experiment_id: int, name: str, started_at: datetime, hand: Hand, *, owner: str = "",
    tags: Mapping[str, str] | None = None,
) -> Run:  # fmt: skip
    """The same in an experiment that this transaction found to be active."""
    made = add(tx, Run(0, uuid.uuid4().hex, experiment_id, name, owner, RUNNING, started_at, None, None), hand)
    texts.put(tx, texts.TAG, made.id, experiment_id, {**(tags or {}), NAME_TAG: name}, hand, new=True)
    return made


def add(tx: Connection, run: Run, hand: Hand) -> Run:
    """Have a run that is as it says, under the next id, with which it is returned; its name is free."""
    _, *rest, started, ended, deleted = run
    times = map(to_micros, (started, ended, deleted, hand.at))
    sql = (
        f"INSERT INTO tracked ({FIELDS}, at, actor) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM tracked), "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
    )
    [[id]] = execute(tx, sql, (*rest, *times, hand.actor)).fetchall()
    return run._replace(id=id)


def get(conn: Connection, run: str) -> Run:
    """The run of a name, deleted or not. Raises UnknownError."""
    found = execute(conn, f"SELECT {FIELDS} FROM tracked WHERE run = ?", (run,)).fetchone()
    if found is None:
        raise UnknownError(f"Run with id={run[:300]} not found: there is no such run", next="argosy runs")
    return made(found)


def location(conn: Connection, run: str) -> str | None:
    """The location of the experiment that a run belongs to; None where there is no such run."""
    sql = "SELECT e.location FROM tracked r JOIN experiment e ON e.id = r.experiment_id WHERE r.run = ?"
    found = execute(conn, sql, (run,)).fetchone()
    return None if found is None else str(found[0])


def active(conn: Connection, run: str) -> Run:
    """The same; raises InputError for one in the trash."""
    found = get(conn, run)
    if found.deleted_at is not None:
        raise InputError(f"The run {run} must be in the 'active' state, and is deleted", next="restore it first")
    return found


def writable(conn: Connection, run: str) -> Run:
    """The same; raises InputError too for one that tells of what Argosy did itself: it takes nothing but tags."""
    if naming.is_own(run):
        get(conn, run)
        raise InputError(f"run {run} tells of what Argosy did itself, and cannot be changed", next="set tags on it")
    return active(conn, run)


def some(conn: Connection, ids: Iterable[int]) -> dict[int, Run]:
    """The runs of some ids."""
    clause, bound = within(conn, "id", ids)
    return {row[0]: made(row) for row in execute(conn, f"SELECT {FIELDS} FROM tracked WHERE {clause}", (bound,))}


def named(conn: Connection, names: Iterable[str]) -> dict[str, Run]:
    """The runs of some names, of those that there are, deleted or not."""
    clause, bound = within(conn, "run", names)
    return {row[1]: made(row) for row in execute(conn, f"SELECT {FIELDS} FROM tracked WHERE {clause}", (bound,))}


def execution(conn: Connection, id: int) -> int | None:
    """The execution that the run of an id is, once it has ended."""
    found = execute(conn, "SELECT execution_id FROM tracked WHERE id = ?", (id,)).fetchone()
    return None if found is None else found[0]


def children(conn: Connection, found: Run, limit: int = 1000) -> list[Run]:
    """The runs that are nested under a run, of its experiment and not deleted, the newest first."""
    fields = ", ".join(f"r.{name}" for name in FIELDS.split(", "))
    sql = (
        f"SELECT {fields} FROM tag t JOIN tracked r ON r.id = t.run_id WHERE t.experiment_id = ? AND t.key = ? "
        "AND t.head = ? AND r.deleted_at IS NULL ORDER BY r.started_at DESC, r.id DESC LIMIT ?"
    )
    return [made(row) for row in execute(conn, sql, (found.experiment_id, PARENT_TAG, found.run, limit))]


def change(
    tx: Connection, found: Run, hand: Hand, *, status: str | None = None, ended_at: datetime | None = None,
    name: str | None = None,
) -> Run:  # fmt: skip
    """Give a run another status, end or name; None leaves it as it is."""
    new = found._replace(
        status=status or found.status, ended_at=ended_at or found.ended_at, name=name or found.name
    )  # fmt: skip
    if new == found:
        return found
    sql = "UPDATE tracked SET status = ?, ended_at = ?, name = ? WHERE id = ?"
    execute(tx, sql, (new.status, to_micros(new.ended_at), new.name, new.id))
    made = [("status", found.status, new.status), ("name", found.name, new.name)]
    changes.add(tx, hand, [Change(RUN, new.run, field, *pair) for field, *pair in made if pair[0] != pair[1]])
    if new.name != found.name:
        texts.put(tx, texts.TAG, new.id, new.experiment_id, {NAME_TAG: new.name}, hand, run=new.run)
    return new


def set_tags(tx: Connection, found: Run, tags: Mapping[str, str], hand: Hand) -> None:
    """Set tags of a run; that of its name renames it."""
    rest = dict(tags)
    name = rest.pop(NAME_TAG, None)
    if name:
        change(tx, found, hand, name=name)
    texts.put(tx, texts.TAG, found.id, found.experiment_id, rest, hand, run=found.run)


def delete(tx: Connection, run: str, hand: Hand, reason: str = "") -> None:
    """Put a run into the trash; one that is there stays. Raises UnknownError."""
    found = get(tx, run)
    if found.deleted_at is None:
        execute(tx, "UPDATE tracked SET deleted_at = ? WHERE id = ?", (to_micros(hand.at), found.id))
        changes.add(tx, hand, [Change(RUN, run, "deleted", None, hand.at.isoformat(), reason)])


def restore(tx: Connection, run: str, hand: Hand, reason: str = "") -> None:
    """Take a run out of the trash. Raises UnknownError."""
    found = get(tx, run)
    if found.deleted_at is not None:
        execute(tx, "UPDATE tracked SET deleted_at = NULL WHERE id = ?", (found.id,))
        changes.add(tx, hand, [Change(RUN, run, "deleted", found.deleted_at.isoformat(), None, reason)])


def made(row: Any) -> Run:
    """The run of a row of its fields."""
    id, run, experiment_id, name, owner, status, started, ended, deleted = row
    return Run(
        id, run, experiment_id, name, owner, status, from_micros(started) or EPOCH, from_micros(ended),
        from_micros(deleted),
    )  # fmt: skip
