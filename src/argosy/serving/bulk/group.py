"""Rows by the values that they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

Places = npt.NDArray[np.int64]


def grouped(rows: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, Places]:
    """The distinct values of some columns, in the order in which they come, and for each row which of them it has.

    Nulls are equal. Without columns all rows share one empty value.
    """
    if not names:
        return pl.DataFrame(height=min(rows.height, 1)), np.zeros(rows.height, np.int64)
    asked = rows.select(names)
    distinct = asked.unique(maintain_order=True)
    numbered = distinct.with_columns(pl.int_range(pl.len()).alias(f"{''.join(names)}#"))
    found = asked.join(numbered, on=list(names), how="left", nulls_equal=True, maintain_order="left")
    return distinct, found.to_series(len(asked.columns)).to_numpy()
