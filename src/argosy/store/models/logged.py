"""Logged models: made, finished, tagged and put into the trash; and what runs read and made of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import InputError, UnknownError
from argosy.store.codec import EPOCH, from_json, from_micros, to_json, to_micros
from argosy.store.models.tables import logged
from argosy.store.rows import execute, execute_many, next_id, within
from argosy.store.tracking import changes, experiments, labels
from argosy.store.tracking.changes import LOGGED, Change, Hand

IN, OUT = "in", "out"
UNKNOWN, PENDING, READY, FAILED = "unknown", "pending", "ready", "failed"
STATUSES = (UNKNOWN, PENDING, READY, FAILED)
FIELDS = "id, model, experiment_id, name, type, status, run, at, updated_at, deleted_at, parameters"


class Logged(NamedTuple):
    """A logged model now; `model` is the name that programs call it by, `run` the name of the run that made it."""

    id: int
    model: str
    experiment_id: int
    name: str
    type: str
    status: str
    run: str | None
    at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    parameters: Mapping[str, str]


def create(
    tx: Connection, experiment_id: int, name: str, hand: Hand, *, type: str = "", run: str | None = None,
    parameters: Mapping[str, str] | None = None, tags: Mapping[str, str] | None = None,
) -> Logged:  # fmt: skip
    """Begin a model. Raises UnknownError for an experiment that is not, InputError for one that is deleted."""
    experiments.active(tx, experiment_id)
    id, model = next_id(tx, logged), f"m-{uuid.uuid4().hex}"
    held = dict(parameters or {})
    made = Logged(id, model, experiment_id, name, type, PENDING, run, hand.at, hand.at, None, held)
    add(tx, made, hand)
    labels.put(tx, LOGGED, model, tags or {}, hand)
    return made


def add(tx: Connection, model: Logged, hand: Hand) -> None:
    """Have a model that is as it says; its id and its name are free."""
    *rest, at, updated, deleted, parameters = model
    times = map(to_micros, (at, updated, deleted))
    execute(
        tx,
        f"INSERT INTO logged ({FIELDS}, actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*rest, *times, to_json(dict(parameters)), hand.actor),
    )


def get(conn: Connection, model: str) -> Logged:
    """The model of a name, deleted or not. Raises UnknownError."""
    found = execute(conn, f"SELECT {FIELDS} FROM logged WHERE model = ?", (model,)).fetchone()
    if found is None:
        raise UnknownError(f"Logged model with ID '{model[:300]}' not found", next="search for it by its name")
    return made(found)


def active(conn: Connection, model: str) -> Logged:
    """The same; raises UnknownError for one in the trash."""
    found = get(conn, model)
    if found.deleted_at is not None:
        raise UnknownError(f"Logged model with ID '{model}' not found: it is deleted", next="restore it first")
    return found


def some(conn: Connection, ids: Iterable[int]) -> dict[int, Logged]:
    """The models of some ids."""
    clause, bound = within(conn, "id", ids)
    return {row[0]: made(row) for row in execute(conn, f"SELECT {FIELDS} FROM logged WHERE {clause}", (bound,))}


def named(conn: Connection, names: Iterable[str]) -> dict[str, Logged]:
    """The models of some names, of those that there are, deleted or not."""
    clause, bound = within(conn, "model", names)
    return {row[1]: made(row) for row in execute(conn, f"SELECT {FIELDS} FROM logged WHERE {clause}", (bound,))}


def finish(tx: Connection, model: str, status: str, hand: Hand) -> Logged:
    """Give a model another status. Raises UnknownError."""
    found = active(tx, model)
    new = found._replace(status=status, updated_at=hand.at)
    execute(tx, "UPDATE logged SET status = ?, updated_at = ? WHERE id = ?", (status, to_micros(hand.at), found.id))
    if status != found.status:
        changes.add(tx, hand, [Change(LOGGED, model, "status", found.status, status)])
    return new


def set_parameters(tx: Connection, model: str, parameters: Mapping[str, str], hand: Hand) -> None:
    """Set parameters. Raises InputError where one has another value already: nothing is set then."""
    found = active(tx, model)
    for key, value in parameters.items():
        if found.parameters.get(key, value) != value:
            raise InputError(
                f"Changing param values is not allowed. Param with key={key!r} was already logged with "
                f"value={found.parameters[key][:300]!r} for logged model {model!r}, and not {value[:300]!r}",
                next="log it under another name, or with a model of its own",
            )
    sql = "UPDATE logged SET parameters = ?, updated_at = ? WHERE id = ?"
    execute(tx, sql, (to_json({**found.parameters, **parameters}), to_micros(hand.at), found.id))


def set_tags(tx: Connection, model: str, tags: Mapping[str, str], hand: Hand) -> None:
    """Set tags. Raises UnknownError."""
    labels.put(tx, LOGGED, active(tx, model).model, tags, hand)


def delete_tag(tx: Connection, model: str, key: str, hand: Hand) -> None:
    """Remove a tag. Raises UnknownError where there is none."""
    labels.remove(tx, LOGGED, active(tx, model).model, key, hand)


def delete(tx: Connection, model: str, hand: Hand, reason: str = "") -> None:
    """Put a model into the trash; one that is there stays. Raises UnknownError."""
    found = get(tx, model)
    if found.deleted_at is None:
        _place(tx, found, to_micros(hand.at), hand, Change(LOGGED, model, "deleted", None, hand.at.isoformat(), reason))


def restore(tx: Connection, model: str, hand: Hand, reason: str = "") -> None:
    """Take a model out of the trash. Raises UnknownError."""
    found = get(tx, model)
    if found.deleted_at is not None:
        told = Change(LOGGED, model, "deleted", found.deleted_at.isoformat(), None, reason)
        _place(tx, found, None, hand, told)


def _place(tx: Connection, found: Logged, deleted_at: int | None, hand: Hand, told: Change) -> None:
    sql = "UPDATE logged SET deleted_at = ?, updated_at = ? WHERE id = ?"
    execute(tx, sql, (deleted_at, to_micros(hand.at), found.id))
    changes.add(tx, hand, [told])


def made(row: Any) -> Logged:
    """The model of a row of `FIELDS`."""
    id, model, experiment_id, name, type, status, run, at, updated, deleted, parameters = row
    return Logged(
        id, model, experiment_id, name, type, status, run, from_micros(at) or EPOCH, from_micros(updated) or EPOCH,
        from_micros(deleted), from_json(parameters),
    )  # fmt: skip


def flow(tx: Connection, run_id: int, direction: str, models: Sequence[tuple[str, int]]) -> None:
    """Record that a run read or made logged models, each at a step."""
    execute_many(
        tx,
        "INSERT INTO logged_flow (run_id, direction, model, step) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(run_id, direction, model, step) for model, step in models],
    )


def flows(conn: Connection, run_ids: Iterable[int]) -> dict[int, list[tuple[str, str, int]]]:
    """(direction, model, step) of what runs read and made, by run."""
    clause, bound = within(conn, "run_id", run_ids)
    sql = f"SELECT run_id, direction, model, step FROM logged_flow WHERE {clause} ORDER BY run_id, step, model"
    found: dict[int, list[tuple[str, str, int]]] = {}
    for run_id, *rest in execute(conn, sql, (bound,)):
        found.setdefault(run_id, []).append((rest[0], rest[1], rest[2]))
    return found
