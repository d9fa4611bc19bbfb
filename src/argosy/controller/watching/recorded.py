"""Contributions as they were recorded where rows were answered, and what versions leant on by them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller.house import House
from argosy.controller.plan import explanations
from argosy.controller.watching.answered import once
from argosy.data.dtype import instant, parse_all
from argosy.data.part import frame
from argosy.model.matrix import Matrix
from argosy.monitoring.attribution import shares
from argosy.store import datasets
from argosy.store.store import Store

HIDDEN = "(not recorded)"
"""Stands for all features that are tagged: their contributions are recorded as one sum."""
_KEY = ["row_key", "at", "version"]


class Leaning(msgspec.Struct, frozen=True):
    """What a version leant on over so many explained rows: each feature's share of its contributions."""

    rows: int
    shares: dict[str, float]


def leaning(names: Sequence[str], contributions: Matrix, told: Collection[str] = ()) -> Leaning:
    """The sharing of [rows x features] contributions; features that are not `told`, where some are, count as one."""
    shown = [place for place, name in enumerate(names) if not told or name in told]
    secret = [place for place in range(len(names)) if place not in shown]
    columns = [contributions[:, shown], *([contributions[:, secret].sum(axis=1, keepdims=True)] if secret else [])]
    found = shares(np.concatenate(columns, axis=1)).tolist()
    return Leaning(
        len(contributions), dict(zip([*(names[p] for p in shown), *[HIDDEN] * bool(secret)], found, strict=True))
    )


def leanings(
    house: House, conn: Connection, fleet: str, told: pl.DataFrame, least: int, most: int
) -> dict[str, Leaning]:  # fmt: skip
    """By the address of each version, what it leant on over the `most` newest rows of `told` that were drawn.

    Rows whose caller asked why are none of these: they are no sample. Versions with fewer than `least` are left out.
    """
    low, high = told["at"].min(), told["at"].max()
    if not isinstance(low, datetime) or not isinstance(high, datetime):
        return {}
    rows = _rows(conn, house.store, fleet, low, high)
    rows = rows.filter(pl.col("share").is_not_null(), pl.col("at") >= instant(low), pl.col("at") <= instant(high))
    mine = once(rows.collect(), _KEY).join(told.select(_KEY), on=_KEY, how="semi").sort("at", maintain_order=True)
    found = {}
    for (version,), some in mine.group_by("version", maintain_order=True):
        if some.height >= least and isinstance(version, str):
            found[version] = _leaning(some.tail(most))
    return found


def _leaning(rows: pl.DataFrame) -> Leaning:
    """Of the rows that name the features that the newest one names."""
    wide = [{each["feature"]: each["contribution"] for each in row} for row in rows["contributions"]]
    names = list(wide[-1])
    alike = [place for place, each in enumerate(wide) if list(each) == names]
    matrix = np.array([[*wide[place].values()] for place in alike], dtype=np.float64)
    hidden = rows["hidden"].gather(alike)
    if hidden.null_count() == len(alike):
        return leaning(names, matrix)
    secret = hidden.fill_null(0.0).to_numpy()
    return leaning([*names, HIDDEN], np.column_stack([matrix, secret]))


def one(conn: Connection, store: Store, fleet: str, key: str, at: datetime, version: str) -> dict[str, Any] | None:
    """What was recorded of why a version answered a row; None where it was neither asked for nor drawn."""
    rows = _rows(conn, store, fleet, at, at)
    mine = (pl.col("row_key") == key, pl.col("at") == instant(at), pl.col("version") == version)
    found = rows.filter(*mine).sort("share", nulls_last=False).head(1).collect()
    return found.row(0, named=True) if found.height else None


def _rows(conn: Connection, store: Store, fleet: str, low: datetime, high: datetime) -> pl.LazyFrame:
    """Explained rows of the parts that may hold some of a span."""
    whole = datasets.version(conn, explanations(fleet))
    if whole is None:
        return pl.LazyFrame(
            schema={"row_key": pl.String, "version": pl.String, "at": pl.Datetime("us", "UTC"), "share": pl.Float64}
        )
    parts = datasets.cover(conn, whole.dataset, whole.number, low=low, high=high)
    return frame(store.blobs, parts, parse_all(whole.columns))
