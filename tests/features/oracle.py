"""What the join must answer, said the slow and obvious way, and strategies for tables to ask it of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from argosy.features.join import Source

START = datetime(2013, 1, 1, tzinfo=UTC)
Schema = dict[str, pl.DataType | type[pl.DataType]]
SCHEMA: Schema = {
    "airport": pl.String,
    "gate": pl.Int64,
    "event": pl.Datetime("us", "UTC"),
    "known": pl.Datetime("us", "UTC"),
    "delay": pl.Float64,
    "count": pl.Int64,
    "kind": pl.String,
    "open": pl.Boolean,
    "seen": pl.Datetime("us", "UTC"),
}
VALUES = ("delay", "count", "kind", "open", "seen")


def moment(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def answer(source: Source, rows: Iterable[dict[str, Any]], entity: tuple[Any, ...], at: datetime | None) -> list[Any]:
    """Values, then the age: the newest event wins, then the one known last, then the last row."""
    best = None
    for row in rows:
        event, known = row[source.time], row[source.known or source.time]
        if at is None or None in entity or tuple(row[c] for c in source.entity) != entity or None in (event, known):
            continue
        if event <= at and known <= at and (best is None or (event, known) >= best[0]):
            best = ((event, known), row)
    if best is None or at is None:
        return [None] * (len(source.columns) + 1)
    age = at - best[0][0]
    expired = source.ttl is not None and age > source.ttl
    return [*([None] * len(source.columns) if expired else [best[1][c] for c in source.columns]), age]


def answers(source: Source, rows: pl.DataFrame, spine: pl.DataFrame, at: str) -> list[tuple[Any, ...]]:
    table = rows.to_dicts()
    return [tuple(answer(source, table, tuple(line[c] for c in source.entity), line[at])) for line in spine.to_dicts()]


minutes = st.integers(0, 8)
moments = st.none() | minutes.map(moment)
airports = st.none() | st.sampled_from(["JFK", "EWR", "J/%"])
gates = st.none() | st.sampled_from([1, 2, 2**53 + 1])


@st.composite
def tables(draw: st.DrawFn, *, nulls: bool = True, size: int = 14) -> pl.DataFrame:
    row = st.fixed_dictionaries(
        {
            "airport": airports,
            "gate": gates,
            "event": moments if nulls else minutes.map(moment),
            "known": moments if nulls else minutes.map(moment),
            "delay": st.none() | st.floats(),
            "count": st.none() | st.integers(-(2**63), 2**63 - 1),
            "kind": st.none() | st.text(max_size=3),
            "open": st.none() | st.booleans(),
            "seen": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
        }
    )
    return pl.DataFrame(draw(st.lists(row, max_size=size)), schema=SCHEMA, orient="row")


@st.composite
def spines(draw: st.DrawFn) -> pl.DataFrame:
    row = st.tuples(airports, gates, moments)
    schema: Schema = {"airport": pl.String, "gate": pl.Int64, "at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(draw(st.lists(row, max_size=10)), schema=schema, orient="row")


@st.composite
def asked(draw: st.DrawFn) -> Source:
    return Source(
        name="boards",
        entity=draw(st.sampled_from([("airport",), ("gate",), ("airport", "gate")])),
        time="event",
        known=draw(st.sampled_from([None, "known"])),
        columns=VALUES,
        ttl=draw(st.none() | st.integers(0, 6).map(lambda m: timedelta(minutes=m))),
    )


def bits(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in a form in which equal means equal bit for bit: NaN equals NaN, 0.0 differs from -0.0."""
    return [tuple(value.hex() if isinstance(value, float) else (type(value), value) for value in row) for row in rows]
