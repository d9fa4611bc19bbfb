"""What a job came to, counted in what it left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import polars as pl


class Account(msgspec.Struct, frozen=True):
    """Rows, those with a prediction, by route and by reason, the commonest first; and the versions that answered."""

    rows: int
    answered: int
    versions: list[str]
    routes: dict[str, int]
    reasons: dict[str, int]


def count(paths: Sequence[Path]) -> Account:
    """The account of some chunks."""
    if not paths:
        return Account(0, 0, [], {}, {})
    columns = ("version", "route", "reason")
    rows = pl.concat([pl.scan_parquet(path, glob=False).select(columns) for path in paths])
    found = rows.group_by("version", "route", "reason").len().collect(engine="streaming")
    answered = found.filter(pl.col("reason").is_null())
    return Account(
        rows=int(found["len"].sum()), answered=int(answered["len"].sum()),
        versions=answered["version"].unique().sort().to_list(),
        routes=_tally(answered, "route"), reasons=_tally(found, "reason"),
    )  # fmt: skip


def _tally(found: pl.DataFrame, name: str) -> dict[str, int]:
    counts = (
        found.drop_nulls(name).group_by(name).agg(pl.col("len").sum()).sort(["len", name], descending=[True, False])
    )
    return dict(counts.iter_rows())
