"""The runs of an experiment as a table: filtered, sorted, with the columns that the URL names, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import links, words
from argosy.console.page import Page
from argosy.store.tracking import census, clause, column, experiments, keys, labels, metrics, runs, search, texts
from argosy.store.tracking.changes import EXPERIMENT
from argosy.store.tracking.clause import Order
from argosy.store.tracking.grammar import RUNS
from argosy.store.tracking.runs import PARENT_TAG
from argosy.store.tracking.search import ACTIVE, DELETED

SIZE = 50
"""Runs on a page."""
NOTE = "mlflow.note.content"
_CHOICE, _DEFAULT, _LETTERS = 12, 5, 60
_TABLES = {"metric": "metrics", "parameter": "parameters", "tag": "tags"}
_FIXED = ("status", "start_time", "user_id")
_STATES = (("running", "RUNNING"), ("failed", "FAILED"), ("succeeded", "FINISHED"))
Value = float | str | None


class Head(msgspec.Struct, frozen=True):
    """A column: its name in searches, what stands above it, and the links that sort by it and that drop it.

    `sorted` is ascending or descending for the one that the table is sorted by.
    """

    name: str
    label: str
    entity: str
    sort: str
    sorted: str = ""
    drop: str = ""


class Line(msgspec.Struct, frozen=True):
    """A run of the table, with the values of its columns; `nested` is whether another run began it."""

    run: str
    name: str
    status: str
    started_at: datetime
    took: float | None
    owner: str
    nested: bool
    values: tuple[Value, ...]


class Offer(msgspec.Struct, frozen=True):
    """A column that the table does not show, and the link that adds it."""

    label: str
    link: str


class Chip(msgspec.Struct, frozen=True):
    """A filter that a click sets or takes off."""

    words: str
    link: str
    on: bool


class ExperimentPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of an experiment shows; `error` is what is wrong with the filter.

    `offers` are columns to add, by what they are of: the first that hold `keys`. `fixed` columns come before `heads`.
    """

    id: int
    name: str
    note: str
    location: str
    at: datetime
    deleted_at: datetime | None
    count: int
    deleted: int
    where: str
    sort: str
    columns: str
    view: str
    keys: str
    chips: tuple[Chip, ...]
    fixed: tuple[Head, ...]
    heads: tuple[Head, ...]
    runs: tuple[Line, ...]
    offers: dict[str, tuple[Offer, ...]]
    cursor: str | None
    next: str | None
    error: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the URL asks for: a filter, what to sort by, columns, and the texts that keys to choose from hold."""

    where: str = ""
    sort: str = ""
    columns: str = ""
    view: str = ACTIVE
    keys: str = ""
    cursor: str | None = None


def page(conn: Connection, id: int, asked: Asked, now: datetime) -> Page:
    """The runs that are asked for. Raises UnknownError, and UsageError for what cannot be read."""
    data = read(conn, id, asked, now)
    live = links.with_query("/experiments/live", id=id, **_query(asked)) if asked.cursor is None else ""
    crumbs = (("experiments", links.experiments()), (data.name, None))
    command = f"argosy runs --experiment '{data.name}'" + (f' --where "{asked.where}"' if asked.where else "")
    return Page(
        data.name, "experiment.html", data, now, trail=crumbs, here="experiments", live=live,
        command=command + (f" --sort {asked.sort}" if asked.sort else ""), results="experiment-results.html",
    )  # fmt: skip


def read(conn: Connection, id: int, asked: Asked, now: datetime) -> ExperimentPage:
    """The snapshot of the page; a constant number of queries, which read the columns that are shown alone."""
    found = experiments.get(conn, id)
    count = census.of(conn, [id])[id]
    clauses = clause.parse(asked.where, RUNS, plain=True)
    by = [column.order(asked.sort)] if asked.sort else []
    view = DELETED if asked.view == DELETED else ACTIVE
    rows = search.page(conn, [id], clauses, by, view=view, limit=SIZE, token=asked.cursor)
    chosen = column.parse(asked.columns) or _default(conn, rows.ids)
    note = labels.of(conn, EXPERIMENT, [str(id)]).get(str(id), {}).get(NOTE, "")
    return ExperimentPage(
        id=id, name=found.name, note=note, location=found.location, at=found.at, deleted_at=found.deleted_at,
        count=count.active, deleted=count.deleted, where=asked.where, sort=asked.sort, columns=asked.columns,
        view=view, keys=asked.keys, chips=_chips(id, asked),
        fixed=tuple(_head(id, asked, Order("attribute", name)) for name in _FIXED),
        heads=_heads(id, asked, chosen), runs=_lines(conn, rows.ids, chosen, now),
        offers=_offers(conn, id, asked, chosen), cursor=asked.cursor, next=rows.next,
    )  # fmt: skip


def link(id: int, asked: Asked, **changed: str) -> str:
    """The page with some of what it is asked for changed, from its first run."""
    return links.experiment(id, **{**_query(asked), **changed})


def _query(asked: Asked) -> dict[str, str]:
    view = asked.view if asked.view != ACTIVE else ""
    return {"where": asked.where, "sort": asked.sort, "columns": asked.columns, "view": view}


def _default(conn: Connection, ids: Sequence[int]) -> list[Order]:
    """A few columns that these runs have: metrics, and parameters, those in which they differ if there are any."""
    names = keys.of_runs(conn, "parameter", ids, limit=4 * _CHOICE)
    values = texts.of(conn, texts.PARAMETER, ids, names)
    differ = [name for name in names if len({each.get(name) for each in values.values()}) > 1]
    parameters = (differ or names)[:_DEFAULT]
    found = keys.of_runs(conn, "metric", ids, limit=_DEFAULT)
    return [*(Order("metric", name) for name in found), *(Order("parameter", name) for name in parameters)]


def _heads(id: int, asked: Asked, chosen: Sequence[Order]) -> tuple[Head, ...]:
    found = []
    for each in chosen:
        rest = column.join(other for other in chosen if other != each)
        head = _head(id, asked, each)
        found.append(msgspec.structs.replace(head, drop=link(id, asked, columns=rest) if rest else ""))
    return tuple(found)


def _head(id: int, asked: Asked, of: Order) -> Head:
    """Numbers and times are sorted downwards first, texts upwards."""
    name = column.spell(of)
    down = of.entity == "metric" or of.key in ("start_time", "end_time")
    first, second = (f"-{name}", name) if down else (name, f"-{name}")
    sort = link(id, asked, sort=second if asked.sort == first else first)
    state = {name: "ascending", f"-{name}": "descending"}.get(asked.sort, "")
    return Head(name, of.key, of.entity, sort, state)


def _lines(conn: Connection, ids: Sequence[int], chosen: Sequence[Order], now: datetime) -> tuple[Line, ...]:
    by = {entity: [each.key for each in chosen if each.entity == entity] for entity in _TABLES}
    found = runs.some(conn, ids)
    last = metrics.last(conn, ids, by["metric"])
    parameters = texts.of(conn, texts.PARAMETER, ids, by["parameter"])
    tags = texts.of(conn, texts.TAG, ids, [*by["tag"], PARENT_TAG])
    return tuple(
        Line(
            run.run, run.name, run.status, run.started_at, took(run, now), run.owner, PARENT_TAG in tags.get(id, {}),
            tuple(_value(run, each, last.get(id, {}), parameters.get(id, {}), tags.get(id, {})) for each in chosen),
        )
        for id, run in ((id, found[id]) for id in ids if id in found)
    )  # fmt: skip


def _value(
    run: runs.Run, of: Order, last: Mapping[str, metrics.Last], parameters: Mapping[str, str], tags: Mapping[str, str]
) -> Value:  # fmt: skip
    if of.entity == "metric":
        return last[of.key].value if of.key in last else None
    if of.entity == "attribute":
        told = {"run_id": run.run, "run_name": run.name, "status": run.status, "user_id": run.owner}
        return told.get(of.key) or words.moment(run.ended_at if of.key == "end_time" else run.started_at)
    text = (parameters if of.entity == "parameter" else tags).get(of.key)
    return text if text is None or len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def took(run: runs.Run, now: datetime) -> float | None:
    """The seconds that a run took, or has taken so far; None for one that ended nobody knows when."""
    if run.ended_at is None and run.status not in (runs.RUNNING, runs.SCHEDULED):
        return None
    return max((run.ended_at or now).timestamp() - run.started_at.timestamp(), 0.0)


def _offers(conn: Connection, id: int, asked: Asked, chosen: Sequence[Order]) -> dict[str, tuple[Offer, ...]]:
    found = {}
    for entity, noun in _TABLES.items():
        every = keys.of_experiment(conn, entity, id, asked.keys, limit=_CHOICE + len(chosen))
        missing = [Order(entity, key) for key in every if Order(entity, key) not in chosen][:_CHOICE]
        found[noun] = tuple(
            Offer(each.key, link(id, asked, columns=column.join([*chosen, each]), keys=asked.keys)) for each in missing
        )
    return found


def _chips(id: int, asked: Asked) -> tuple[Chip, ...]:
    found = []
    for told, status in _STATES:
        where = f"status = {status}"
        on = asked.where.strip() == where
        found.append(Chip(told, link(id, asked, where="" if on else where), on))
    return tuple(found)
