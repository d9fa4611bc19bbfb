"""Drafts: runs of Argosy's own as they are to be told of, written many at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from argosy.store.codec import to_micros
from argosy.store.rows import execute, execute_many, next_id, within
from argosy.store.tracking import experiments, place
from argosy.store.tracking.changes import RUN, Hand
from argosy.store.tracking.metrics import Point, pack
from argosy.store.tracking.place import SCHEME
from argosy.store.tracking.runs import NAME_TAG
from argosy.store.tracking.tables import HEAD, block, data_source, tracked
from argosy.store.tracking.texts import PARAMETER, TAG

ACTOR = "argosy"
SOURCE = "argosy"
"""The source type of a dataset of Argosy's own: its digest is the number of the version."""


class Draft(msgspec.Struct, gc=False):
    """A run. Times are microseconds since 1970; `steps` are those of metrics that are not at step 0.

    `inputs` are versions of datasets (`flights@3`), `files` names below its artifacts with what lies there.
    """

    run: str
    experiment: str
    name: str
    status: str
    started: int
    ended: int | None
    owner: str = ACTOR
    execution_id: int | None = None
    metrics: dict[str, float] = {}
    steps: dict[str, int] = {}
    parameters: dict[str, str] = {}
    tags: dict[str, str] = {}
    inputs: Collection[str] = ()
    files: Sequence[tuple[str, str]] = ()


class _Place(NamedTuple):
    id: int
    experiment_id: int


_Placed = tuple[_Place, Draft]


def write(tx: Connection, drafts: Sequence[Draft], now: datetime) -> None:
    """Have the runs be as they are drafted, those too that are there already; a constant number of statements.

    Tags that somebody changed or removed meanwhile stay as they are.
    """
    if not drafts:
        return
    homes = _homes(tx, {each.experiment for each in drafts}, now)
    placed = list(zip(_runs(tx, drafts, homes, now), drafts, strict=True))
    _metrics(tx, placed)
    _texts(tx, PARAMETER, placed, [each.parameters for each in drafts])
    theirs = _changed(tx, drafts)
    tags = [{**each.tags, NAME_TAG: each.name} for each in drafts]
    _texts(tx, TAG, placed, [
        {key: value for key, value in held.items() if (each.run, f"tag:{key}") not in theirs}
        for each, held in zip(drafts, tags, strict=True)
    ])  # fmt: skip
    _inputs(tx, placed)
    _files(tx, drafts, homes, now)


def _homes(tx: Connection, names: Iterable[str], now: datetime) -> dict[str, tuple[int, str]]:
    """Id and location of the experiments of some names; those that are not there are made."""
    clause, bound = within(tx, "name", names)
    sql = f"SELECT name, id, location FROM experiment WHERE {clause} AND deleted_at IS NULL"
    found = {name: (id, location) for name, id, location in execute(tx, sql, (bound,))}
    for name in sorted(set(names) - set(found)):
        id = experiments.create(tx, name, Hand(ACTOR, now))
        found[name] = (id, f"{SCHEME}{id}")
    return found


def _runs(tx: Connection, drafts: Sequence[Draft], homes: dict[str, tuple[int, str]], now: datetime) -> list[_Place]:
    """The places of the runs: one that is there stays where it is."""
    clause, bound = within(tx, "run", [each.run for each in drafts])
    sql = f"SELECT run, id, experiment_id FROM tracked WHERE {clause}"
    there = {run: _Place(id, home) for run, id, home in execute(tx, sql, (bound,))}
    new = [each for each in drafts if each.run not in there]
    fresh = {each.run: id for id, each in enumerate(new, next_id(tx, tracked))}
    execute_many(
        tx,
        "INSERT INTO tracked (id, run, experiment_id, name, owner, status, started_at, ended_at, at, actor, "
        "execution_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (fresh[each.run], each.run, homes[each.experiment][0], each.name, each.owner, each.status, each.started,
             each.ended, to_micros(now), ACTOR, each.execution_id)
            for each in new
        ],
    )  # fmt: skip
    execute_many(
        tx,
        "UPDATE tracked SET status = ?, ended_at = ? WHERE run = ?",
        [(each.status, each.ended, each.run) for each in drafts if each.run in there],
    )
    there |= {each.run: _Place(fresh[each.run], homes[each.experiment][0]) for each in new}
    return [there[each.run] for each in drafts]


def _metrics(tx: Connection, placed: Sequence[_Placed]) -> None:
    last: list[tuple[Any, ...]] = []
    blocks: list[tuple[Any, ...]] = []
    first = next_id(tx, block)
    for (id, home), each in placed:
        if not each.metrics:
            continue
        at = (each.started if each.ended is None else each.ended) // 1000
        points = [Point(key, value, each.steps.get(key, 0), at) for key, value in each.metrics.items()]
        last += [(id, point.key, home, point.value, point.step, at) for point in points]
        blocks.append((first + len(blocks), id, len(points), pack(points)))
    execute_many(tx, "INSERT INTO block (id, run_id, points, data) VALUES (?, ?, ?, ?)", blocks)
    execute_many(
        tx,
        "INSERT INTO metric (run_id, key, experiment_id, value, step, at_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT "
        "(run_id, key) DO UPDATE SET value = excluded.value, step = excluded.step, at_ms = excluded.at_ms",
        last,
    )


def _texts(tx: Connection, table: str, placed: Sequence[_Placed], values: Sequence[dict[str, str]]) -> None:
    execute_many(
        tx,
        f"INSERT INTO {table} (run_id, key, experiment_id, value, head, at, actor) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, head = excluded.head",
        [
            (place.id, key, place.experiment_id, value, value[:HEAD], each.started, ACTOR)
            for (place, each), held in zip(placed, values, strict=True)
            for key, value in held.items()
        ],
    )


def _changed(tx: Connection, drafts: Sequence[Draft]) -> set[tuple[str, str]]:
    """Run and field of what somebody changed or removed."""
    clause, bound = within(tx, "entity", [each.run for each in drafts])
    rows = execute(tx, f"SELECT DISTINCT entity, field FROM change WHERE kind = ? AND {clause}", (RUN, bound))
    return {(run, field) for run, field in rows}


def _inputs(tx: Connection, placed: Sequence[_Placed]) -> None:
    read = [(place.id, (place.experiment_id, *_split(name))) for place, each in placed for name in each.inputs]
    if not read:
        return
    wanted = {source for _, source in read}
    clause, bound = within(tx, "experiment_id", {home for home, _, _ in wanted})
    other, names = within(tx, "name", {name for _, name, _ in wanted})
    sql = f"SELECT experiment_id, name, digest, id FROM data_source WHERE {clause} AND {other}"
    sources = {(home, name, digest): id for home, name, digest, id in execute(tx, sql, (bound, names))}
    new = sorted(wanted - set(sources))
    sources |= {source: id for id, source in enumerate(new, next_id(tx, data_source))}
    execute_many(
        tx,
        "INSERT INTO data_source (id, experiment_id, name, digest, source_type, source) VALUES (?, ?, ?, ?, ?, ?)",
        [(sources[source], *source, SOURCE, f"{source[1]}@{source[2]}") for source in new],
    )
    execute_many(
        tx,
        "INSERT INTO intake (run_id, source_id, tags) VALUES (?, ?, '{}') ON CONFLICT DO NOTHING",
        [(id, sources[source]) for id, source in read],
    )


def _split(reference: str) -> tuple[str, str]:
    name, _, number = reference.rpartition("@")
    return name, number


def _files(tx: Connection, drafts: Sequence[Draft], homes: dict[str, tuple[int, str]], now: datetime) -> None:
    """Those whose artifacts are on record, and whose experiments keep their artifacts here."""
    clause, bound = within(tx, "digest", {digest for each in drafts for _, digest in each.files})
    there = {digest for (digest,) in execute(tx, f"SELECT digest FROM artifact WHERE {clause}", (bound,))}
    values = []
    for each in drafts:
        root = place.root(homes[each.experiment][1], each.run)
        if root is not None:
            values += [
                (f"{root}/{name}", digest, to_micros(now), ACTOR) for name, digest in each.files if digest in there
            ]
    sql = "INSERT INTO file (path, digest, at, actor) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
    execute_many(tx, sql, values)
