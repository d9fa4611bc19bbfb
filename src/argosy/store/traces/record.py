"""Traces: what whoever made one tells of it, its tags, the runs that it belongs to; and deletion, which is for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.store.codec import from_json, to_json, to_micros
from argosy.store.rows import execute, execute_many, next_id, within
from argosy.store.traces.tables import trace
from argosy.store.tracking import changes, experiments, files, labels, place, runs
from argosy.store.tracking.changes import TRACE, Change, Hand

UNKNOWN, RUNNING, SUCCEEDED, FAILED = "unknown", "running", "succeeded", "failed"
NAME_TAG, RUN_KEY = "mlflow.traceName", "mlflow.sourceRun"
FIELDS = "id, trace, experiment_id, name, at_ms, took_ms, state, request, response, client, metadata, spanned"


class Trace(NamedTuple):
    """A trace: when it began and how many milliseconds it took, and short forms of what it was asked and answered."""

    trace: str
    experiment_id: int
    name: str | None
    at_ms: int
    took_ms: int | None
    state: str
    request: str | None = None
    response: str | None = None
    client: str | None = None
    metadata: Mapping[str, str] = {}
    spanned: bool = False
    id: int = 0


def put(tx: Connection, told: Trace, tags: Mapping[str, str], hand: Hand) -> Trace:
    """Keep what is told of a trace; of one that is known, it takes the place of what its spans say.

    Metadata and tags are added to those that are there. Raises UnknownError for an experiment that is not, InputError
    for one that is deleted.
    """
    experiments.active(tx, told.experiment_id)
    known = some(tx, [told.trace]).get(told.trace)
    if known is None:
        new = told._replace(id=next_id(tx, trace))
        add(tx, [new], hand, told=True)
    else:
        new = told._replace(
            id=known.id, spanned=known.spanned, metadata={**known.metadata, **told.metadata},
            name=told.name if told.name is not None else known.name,
            request=told.request if told.request is not None else known.request,
            response=told.response if told.response is not None else known.response,
        )  # fmt: skip
        sql = (
            "UPDATE trace SET experiment_id = ?, name = ?, at_ms = ?, took_ms = ?, state = ?, request = ?, "
            "response = ?, client = ?, metadata = ?, told = ? WHERE id = ?"
        )
        execute(tx, sql, (*new[1:9], to_json(dict(new.metadata)), True, new.id))
    labels.put(tx, TRACE, new.trace, tags, hand)
    if run := told.metadata.get(RUN_KEY):
        link(tx, [new.id], run)
    return new


def add(tx: Connection, new: Sequence[Trace], hand: Hand, *, told: bool) -> None:
    """Keep new traces, which bear their ids."""
    execute_many(
        tx,
        "INSERT INTO trace (id, trace, experiment_id, name, at_ms, took_ms, state, request, response, client, "
        "metadata, spanned, told, at, actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (each.id, *each[:9], to_json(dict(each.metadata)), each.spanned, told, to_micros(hand.at), hand.actor)
            for each in new
        ],
    )


def get(conn: Connection, name: str) -> Trace:
    """The trace of a name. Raises UnknownError."""
    found = some(conn, [name]).get(name)
    if found is None:
        raise UnknownError(f"Trace with ID '{name[:300]}' not found", next="search the experiment's traces")
    return found


def some(conn: Connection, names: Iterable[str]) -> dict[str, Trace]:
    """The traces of some names, by name."""
    clause, bound = within(conn, "trace", names)
    return {row[1]: made(row) for row in execute(conn, f"SELECT {FIELDS} FROM trace WHERE {clause}", (bound,))}


def set_tag(tx: Connection, name: str, key: str, value: str, hand: Hand) -> None:
    """Set a tag; that of the name renames the trace. Raises UnknownError."""
    found = get(tx, name)
    if key != NAME_TAG:
        labels.put(tx, TRACE, name, {key: value}, hand)
    elif value != found.name:
        execute(tx, "UPDATE trace SET name = ? WHERE id = ?", (value, found.id))
        changes.add(tx, hand, [Change(TRACE, name, "name", found.name, value)])


def delete_tag(tx: Connection, name: str, key: str, hand: Hand) -> None:
    """Remove a tag. Raises UnknownError where there is none."""
    labels.remove(tx, TRACE, get(tx, name).trace, key, hand)


def attach(tx: Connection, names: Sequence[str], run: str) -> None:
    """Have traces belong to a run too. Raises UnknownError where the run is not; traces that are not are left out."""
    runs.get(tx, run)
    link(tx, [each.id for each in some(tx, names).values()], run)


def link(tx: Connection, ids: Sequence[int], run: str) -> None:
    """Have the traces of ids belong to a run."""
    sql = "INSERT INTO trace_run (trace_id, run) VALUES (?, ?) ON CONFLICT DO NOTHING"
    execute_many(tx, sql, [(id, run) for id in ids])


def delete(
    tx: Connection, experiment_id: int, hand: Hand, *, names: Sequence[str] | None = None, until_ms: int | None = None,
    limit: int | None = None,
) -> int:  # fmt: skip
    """Delete traces of an experiment with all that belongs to them, for good; returns how many there were.

    Those of `names` and those that began until a moment, where they are given; of these the oldest `limit`.
    """
    sql, values = "SELECT id, trace FROM trace WHERE experiment_id = ?", [experiment_id]
    bound: list[Any] = [*values]
    if names is not None:
        clause, wanted = within(tx, "trace", names)
        sql, bound = f"{sql} AND {clause}", [*bound, wanted]
    if until_ms is not None:
        sql, bound = f"{sql} AND at_ms <= ?", [*bound, until_ms]
    sql += " ORDER BY at_ms, trace" + ("" if limit is None else f" LIMIT {int(limit)}")
    gone = execute(tx, sql, bound).fetchall()
    ids, entities = [id for id, _ in gone], [name for _, name in gone]
    location = experiments.get(tx, experiment_id).location
    for folder in (place.root(location, f"traces/{name}") for name in entities):
        if folder is not None:
            files.remove(tx, folder, hand.at)
    for table in ("span", "trace_run", "assessment"):
        clause, wanted = within(tx, "trace_id", ids)
        execute(tx, f"DELETE FROM {table} WHERE {clause}", (wanted,))
    clause, wanted = within(tx, "entity", entities)
    execute(tx, f"DELETE FROM label WHERE kind = ? AND {clause}", (TRACE, wanted))
    clause, wanted = within(tx, "id", ids)
    execute(tx, f"DELETE FROM trace WHERE {clause}", (wanted,))
    changes.add(tx, hand, [Change(TRACE, name, "deleted", None, hand.at.isoformat()) for name in entities])
    return len(gone)


def made(row: Any) -> Trace:
    """The trace of a row of `FIELDS`."""
    id, name, experiment_id, title, at, took, state, request, response, client, metadata, spanned = row
    held = from_json(metadata)
    return Trace(name, experiment_id, title, at, took, state, request, response, client, held, bool(spanned), id)
