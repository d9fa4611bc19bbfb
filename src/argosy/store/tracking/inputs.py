"""Datasets that runs read, as clients describe them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.store.codec import from_json, to_json
from argosy.store.rows import execute, execute_many, next_id, within
from argosy.store.tracking.sought import CONTEXT
from argosy.store.tracking.tables import data_source

_FIELDS = "name, digest, source_type, source, schema, profile"


class Source(NamedTuple):
    """A dataset by name and digest, where it came from, its schema and profile as the client wrote them."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


class Input(NamedTuple):
    """A dataset that a run read, with tags that say what for."""

    dataset: Source
    tags: Mapping[str, str]


def log(tx: Connection, run_id: int, experiment_id: int, given: Sequence[Input]) -> None:
    """Record that a run read datasets; one of a name and digest that the experiment knows is that one."""
    wanted = {(each.dataset.name, each.dataset.digest): each for each in reversed(given)}
    clause, bound = within(tx, "name", {name for name, _ in wanted})
    sql = f"SELECT name, digest, id FROM data_source WHERE experiment_id = ? AND {clause}"
    ids = {(name, digest): id for name, digest, id in execute(tx, sql, (experiment_id, bound))}
    fresh = [each for place, each in wanted.items() if place not in ids]
    for id, each in enumerate(fresh, next_id(tx, data_source)):
        ids[each.dataset.name, each.dataset.digest] = id
    execute_many(
        tx,
        f"INSERT INTO data_source (id, experiment_id, {_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(ids[each.dataset.name, each.dataset.digest], experiment_id, *each.dataset) for each in fresh],
    )
    execute_many(
        tx,
        "INSERT INTO intake (run_id, source_id, tags) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(run_id, ids[place], to_json(dict(each.tags))) for place, each in wanted.items()],
    )


def known(conn: Connection, experiments: Iterable[int]) -> list[tuple[int, str, str, str | None]]:
    """(experiment, name, digest, context) of the datasets that runs of experiments read; what for, where it is told."""
    clause, bound = within(conn, "d.experiment_id", experiments)
    sql = (
        "SELECT DISTINCT d.experiment_id, d.name, d.digest, i.tags FROM data_source d "
        "JOIN intake i ON i.source_id = d.id "
        f"WHERE {clause} ORDER BY d.experiment_id, d.name, d.digest"
    )
    found = (
        (id, name, digest, from_json(tags).get(CONTEXT)) for id, name, digest, tags in execute(conn, sql, (bound,))
    )
    return list(dict.fromkeys(found))


def of(conn: Connection, run_ids: Iterable[int]) -> dict[int, list[Input]]:
    """The datasets that runs read, by run."""
    clause, bound = within(conn, "i.run_id", run_ids)
    fields = ", ".join(f"d.{name}" for name in _FIELDS.split(", "))
    sql = f"SELECT i.run_id, i.tags, {fields} FROM intake i JOIN data_source d ON d.id = i.source_id WHERE {clause}"
    found: dict[int, list[Input]] = {}
    for run_id, tags, *source in execute(conn, f"{sql} ORDER BY i.run_id, d.id", (bound,)):
        found.setdefault(run_id, []).append(Input(Source(*source), from_json(tags)))
    return found
