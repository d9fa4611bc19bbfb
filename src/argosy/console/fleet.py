"""The fleet page: the map of its members, counts as filters, and a table, worst first."""

from __future__ import annotations

from datetime import datetime

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.console import alarm, cells, facts, links, query, trail
from argosy.console.page import Page
from argosy.controller import signal
from argosy.controller.standing import Standing, summary
from argosy.controller.status import counts, rank
from argosy.controller.watching import unknown
from argosy.spec.fleet import POOLED
from argosy.spec.metric import greater_is_better
from argosy.store import alerts

SIZE = 50
SORTS = {
    "status": (rank(), False), "key": (pl.col("key"), False), "score": (pl.col("score"), True),
    "drift": (pl.col("drift"), True), "rows": (pl.col("served"), True), "age": (pl.col("trained_at"), False),
}  # fmt: skip
"""What the table may be sorted by, and whether the largest comes first."""


class Row(msgspec.Struct, frozen=True):
    """A member in the table; `score` is live, on `score_rows` rows, `drift` in units of its limit."""

    id: int
    fleet: str
    key: str
    status: str
    reason: str
    answers: str | None
    champion: int | None
    score: float | None
    score_rows: int | None
    drift: float | None
    served: int | None
    rows: int | None
    trained_at: datetime | None
    spark: tuple[float | None, ...]


class Chip(msgspec.Struct, frozen=True):
    """A count that is a filter: its link sets or lifts it."""

    status: str
    count: int
    link: str
    on: bool


class FleetPage(msgspec.Struct, frozen=True):
    """What the fleet page shows. `total` counts the members and the pooled model.

    `cells` are (key, status, whether the query means it), by key. `reason` counts the statuses in words, or says why
    there are no members. `unknown` tells of keys that were asked for lately and are no members.
    """

    name: str
    description: str
    owner: str
    by: tuple[str, ...]
    metric: str
    better: str
    query: str
    sort: str
    page: int
    pages: int
    members: int
    total: int
    found: int
    chips: tuple[Chip, ...]
    rows: tuple[Row, ...]
    cells: tuple[cells.Cell, ...]
    alerts: tuple[alerts.Alert, ...]
    reason: str
    unknown: str = ""
    error: str = ""


def page(conn: Connection, name: str, now: datetime, *, q: str = "", sort: str = "status", number: int = 1) -> Page:
    """The page of a fleet. Raises `UnknownError` for a fleet, `InputError` for a query that cannot be read."""
    data = read(conn, name, now, q=q, sort=sort, number=number)
    where = f"fleet:{name}" + (f" {q}" if q else "")
    live = links.with_query(f"{links.fleet(name)}/live", q=q, sort=data.sort, page=data.page)
    return Page(
        name, "fleet.html", data, now, trail=(("fleets", "/"), (name, None)), here="fleets",
        command=f"argosy get members --where '{where}'", live=live, results="fleet-results.html",
        pictures={"map": cells.draw(name, data.cells)},
    )  # fmt: skip


def read(
    conn: Connection, name: str, now: datetime, *, q: str = "", sort: str = "status", number: int = 1
) -> FleetPage:
    """The snapshot of a fleet's page."""
    state = facts.state(conn, name, now)
    fleet, table = state.fleet, state.table
    if fleet.by:
        parts = pl.col("key").str.split("/")
        table = table.with_columns(parts.list.get(i, null_on_oob=True).alias(f"by_{n}") for i, n in enumerate(fleet.by))
    chosen = table.select("key", "status", chosen=query.choose(q, fleet))
    found = table.filter(chosen["chosen"])
    column, descending = SORTS.get(sort, SORTS["status"])
    found = found.select(*_COLUMNS).sort(
        [column, rank(), pl.col("key")], descending=[descending, False, False], nulls_last=True
    )  # fmt: skip
    pages = max(-(-found.height // SIZE), 1)
    number = min(max(number, 1), pages)
    shown = found.slice((number - 1) * SIZE, SIZE)
    return FleetPage(
        name=name, description=fleet.description, owner=fleet.owner, by=fleet.by, metric=fleet.search.metric,
        better="higher" if greater_is_better(fleet.search.metric) else "lower", query=q,
        sort=sort if sort in SORTS else "status", page=number, pages=pages,
        members=int((table["key"] != POOLED).sum()), total=table.height, found=found.height,
        chips=tuple(_chips(name, table, q, sort)), rows=tuple(_rows(conn, name, shown.with_columns(_answering(state)))),
        cells=tuple(cells.Cell(*row) for row in chosen.iter_rows()),
        alerts=tuple(alarm.ranked(conn, name)[:3]), reason=summary(conn, state)[1],
        unknown=_unknown(conn, state),
    )  # fmt: skip


_COLUMNS = (
    "member_id", "key", "status", "reason", "target", "champion_number", "score", "score_rows", "drift", "served",
    "rows", "trained_at",
)  # fmt: skip


def _answering(state: Standing) -> pl.Expr:
    """Who answers: where a member was given nobody yet, or the pooled model, that does, if there is one."""
    return pl.col("target").fill_null("pooled").replace({"pooled": "pooled" if state.pooled else None})


def _rows(conn: Connection, name: str, shown: pl.DataFrame) -> list[Row]:
    sparks = trail.recent(conn, signal.SCORE, shown["member_id"])
    return [
        Row(
            id=id, fleet=name, key=key, status=status, reason=reason, answers=target, champion=champion, score=score,
            score_rows=_whole(on), drift=drift, served=_whole(served), rows=_whole(rows), trained_at=trained,
            spark=tuple(sparks.get(id, ())),
        )
        for id, key, status, reason, target, champion, score, on, drift, served, rows, trained in shown.iter_rows()
    ]  # fmt: skip


def _unknown(conn: Connection, state: Standing) -> str:
    seen = unknown.read(conn, state.table)
    if seen is None:
        return ""
    shown = ", ".join(key for key, _ in seen.first) + (", …" if seen.keys > len(seen.first) else "")
    return f"{seen.says(state.fleet.spine)}: {shown}"


def _chips(name: str, table: pl.DataFrame, q: str, sort: str) -> list[Chip]:
    """Counts of the whole fleet: a chip says what there is, whichever filter is on."""
    kept = None if sort == "status" else sort
    return [
        Chip(
            status, count, links.fleet(name, q=query.toggled(q, "status", status), sort=kept),
            query.names(q, "status", status),
        )
        for status, count in counts(table).items()
    ]  # fmt: skip


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
