"""The entities of many rows as whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_PART = 65_536


def numbered(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.Series, pl.DataFrame]:
    """The number of each row's entity (`code`, null where a column is null), and the table `code, e0, e1, ...`.

    `columns` of `frame` make an entity, and stand in the table in their order and types; there is at least one.
    The rows are taken in parts: to tell apart or to look up all at once holds many times the columns themselves.
    """
    names = [f"e{i}" for i in range(len(columns))]
    keys = pl.DataFrame([frame[column].alias(name) for name, column in zip(names, columns, strict=True)])
    table = pl.concat([part.unique() for part in _parts(keys, _PART)]).unique().drop_nulls().with_row_index("code")
    found = [
        part.join(table, on=names, how="left", maintain_order="left")["code"]
        for part in _parts(keys, max(_PART, table.height))
    ]
    return pl.concat(found, rechunk=True), table


def _parts(keys: pl.DataFrame, size: int) -> list[pl.DataFrame]:
    return [keys.slice(start, size) for start in range(0, max(1, keys.height), size)]
