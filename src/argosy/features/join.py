"""The bitemporal point-in-time join: for each row of the spine, what could be known at its moment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import polars as pl

from argosy.errors import DeclarationError, InputError
from argosy.features.entity import numbered
from argosy.features.source import Source, Unit, finest, read, require, ticks, units

__all__ = ["Source", "frontier", "join"]

_ASKED = 2_000_000


def join(
    spine: pl.DataFrame,
    at: str,
    sources: Sequence[tuple[Source, pl.LazyFrame | pl.DataFrame]],
    *,
    ages: bool = False,
) -> pl.DataFrame:
    """Put beside each row of `spine` the values that each source could answer at the row's moment `at`.

    A source row counts if its event time and its known time are both not after `at`. Of those that count for the
    row's entity, the newest event answers; among equal events the one known last (the correction); among equal known
    times the one that stands last in the source. An answer whose age, `at` minus event time, exceeds the source's ttl
    is null (an age of exactly the ttl still answers).

    Returns the spine, no row dropped, added or moved, followed by the columns of each source, types unchanged;
    with `ages`, also `<source>.age` (a Duration; the age of the answer even where it has expired, null where there is
    none). A null entity, a null `at`, and no row that counts give nulls. Source rows with a null entity, event or
    known time never count. Raises `InputError` for missing columns, times without a zone and entity columns of
    incomparable types, `DeclarationError` where two columns of the result would bear one name.
    """
    require([at], spine.columns, "spine")
    _distinct(spine, [source for source, _ in sources], ages)
    parts = []
    for source, frame in sources:
        values = read(source, frame)
        hit = _hits(spine, at, source, values)
        answers = pl.col("row") if source.ttl is None else pl.when(pl.col("fresh")).then("row")
        index = hit.select(answers).to_series()
        parts.append(values.select(pl.col(name).gather(index) for name in source.columns))
        if ages:
            parts.append(hit.select(pl.col("age").alias(source.age)))
    return _beside(spine, parts)


def frontier(rows: pl.DataFrame, group: str | Sequence[str], *, known: bool) -> pl.DataFrame:
    """Keep the rows that can ever answer, in the order in which they come into force.

    `rows` has `event`, `eff` (the later of event and known time) and, if `known`, `known`; `group` is the entity. The
    row in force at a moment is the last one kept with `eff` not after it: a row that comes into force with an older
    event than one already in force never answers, so only rows that raise the running maximum of `event` are kept.
    """
    if not known:
        return rows.sort("eff", maintain_order=True)
    ordered = rows.sort("eff", "event", "known", maintain_order=True)
    return ordered.filter(pl.col("event") >= pl.col("event").cum_max().over(group))


def _beside(spine: pl.DataFrame, parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The columns of all, cut as the spine is: Polars copies a whole frame of uneven chunks at the next expression."""
    cuts = accumulate(max(spine, key=lambda column: column.n_chunks()).chunk_lengths(), initial=0)
    rows = [
        pl.concat([frame.slice(start, stop - start) for frame in (spine, *parts)], how="horizontal")
        for start, stop in pairwise(cuts)
    ]
    return pl.concat(rows)


def _distinct(spine: pl.DataFrame, sources: Sequence[Source], ages: bool) -> None:
    owner = dict.fromkeys(spine.columns, "the spine")
    for source in sources:
        for name in (*source.columns, *((source.age,) if ages else ())):
            if name in owner:
                raise DeclarationError(
                    f"column {name!r} of source {source.name!r} is already a column of {owner[name]}",
                    next="rename one of the two in its feature view",
                )
            owner[name] = f"source {source.name!r}"


def _hits(spine: pl.DataFrame, at: str, source: Source, values: pl.DataFrame) -> pl.DataFrame:
    """One line per spine row: `row` (index into `values`), `age` (Duration) and `fresh` (age within the ttl).

    Some million spine rows at a time: what the search needs beside the answer does not grow with the spine.
    """
    times = [source.time] if source.known is None else [source.time, source.known]
    unit = finest(units(spine, [at], "spine"), units(values, times, f"source {source.name!r}"))
    codes, entities = _coded(spine, source)
    asked = codes.with_columns(spine.select(ticks(at, spine.schema[at], unit).alias("at")).to_series())
    told = _told(source, values, entities, unit)
    hit = pl.concat([_backward(part, told) for part in asked.iter_slices(_ASKED)] or [_backward(asked, told)])
    age = pl.col("age").cast(pl.Duration(unit))
    fresh = pl.lit(True) if source.ttl is None else age <= pl.lit(source.ttl)
    return hit.select("row", age, fresh.alias("fresh"))


def _backward(asked: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Per line of `asked` (code, at), the `row` of `told` in force then and its `age` in ticks; null for none."""
    asked = asked.with_row_index("line")
    hit = (
        asked.filter(pl.col("at").is_not_null())
        .sort("at")
        .join_asof(told, left_on="at", right_on="eff", by="code", strategy="backward", check_sortedness=False)
        .select("line", "row", age=pl.col("at") - pl.col("event"))
    )
    return asked.select("line").join(hit, on="line", how="left", maintain_order="left").select("row", "age")


def _coded(spine: pl.DataFrame, source: Source) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The spine's entities as whole numbers (`code`, null for a null entity), and the table `e0, e1, ... -> code`."""
    require(source.entity, spine.columns, f"spine, asked by source {source.name!r}")
    codes, entities = numbered(spine, source.entity)
    return codes.to_frame(), entities


def _told(source: Source, values: pl.DataFrame, entities: pl.DataFrame, unit: Unit) -> pl.DataFrame:
    """The rows of `values` that can answer for one of `entities`: code, event, eff, row; ordered by eff."""
    event = ticks(source.time, values.schema[source.time], unit).alias("event")
    keys = _keys(source, values.schema, entities.schema)
    if source.known is None:
        lines = values.select(*keys, event).with_columns(eff="event")
    else:
        known = ticks(source.known, values.schema[source.known], unit).alias("known")
        eff = pl.when(pl.col("known").is_not_null()).then(pl.max_horizontal("event", "known"))
        lines = values.select(*keys, event, known).with_columns(eff=eff)
    lines = lines.with_row_index("row").filter(pl.col("event").is_not_null() & pl.col("eff").is_not_null())
    names = [name for name in entities.columns if name != "code"]
    lines = lines.join(entities, on=names, how="inner", maintain_order="left").drop(names)
    return frontier(lines, "code", known=source.known is not None).select("code", "event", "eff", "row")


def _keys(source: Source, held: pl.Schema, asked: pl.Schema) -> list[pl.Expr]:
    """The entity columns of the source, in the spine's types; a number that does not fit there matches nothing."""
    keys = []
    for i, name in enumerate(source.entity):
        mine, theirs = held[name], asked[f"e{i}"]
        texts = (pl.String, pl.Categorical, pl.Enum)
        if mine == theirs:
            key = pl.col(name)
        elif (mine.is_integer() and theirs.is_integer()) or (mine in texts and theirs in texts):
            key = pl.col(name).cast(theirs, strict=False)
        elif pl.Null in (mine, theirs):
            key = pl.lit(None, dtype=theirs)
        else:
            raise InputError(
                f"source {source.name!r}, column {name!r} is {mine}, but the spine's is {theirs}",
                next=f"give both one type: pl.col({name!r}).cast(...)",
            )
        keys.append(key.alias(f"e{i}"))
    return keys
