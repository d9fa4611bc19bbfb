"""Live performance once labels arrive: join them with recorded predictions, score members and versions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.metric import score_by


def join_labels(
    predictions: pl.DataFrame, labels: pl.DataFrame, key: str | Sequence[str], *, label: str = "label"
) -> pl.DataFrame:
    """The predictions in their order with a column `label`, null where it is not known.

    A row key with several labels takes the last row of `labels` (a correction follows what it corrects); a key
    predicted several times keeps each prediction. Raises `InputError` for a missing column.
    """
    keys = [key] if isinstance(key, str) else list(key)
    for side, frame, wanted in (("predictions", predictions, keys), ("labels", labels, [*keys, label])):
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            raise InputError(f"{side} lack the columns {missing}", next=f"columns: {frame.columns[:20]}")
    told = labels.select(*keys, label=label).unique(keys, keep="last")
    return predictions.drop("label", strict=False).join(told, on=keys, how="left", maintain_order="left")


def performance(
    rows: pl.DataFrame,
    names: Sequence[str],
    by: Sequence[str] = ("member",),
    *,
    prediction: str = "prediction",
    label: str = "label",
    level: float = 0.95,
    together: str | None = None,
) -> pl.DataFrame:
    """Scores of labelled rows for each group: the `by` columns, `rows`, and `{name}`, `{name}_low`, `{name}_high`.

    `by` is any of the columns, such as member, version, route. Rows without a prediction or a label are left
    out. Groups are sorted; a score that is undefined for a group is null. `together` is what the last row, of all rows,
    is called, where `by` is one column of texts; a group of that name has no row of its own.
    """
    kept = rows.filter(_finite(prediction) & _finite(label))
    groups, codes = _codes(kept, by)
    y, p = kept[label].cast(pl.Float64).to_numpy(), kept[prediction].cast(pl.Float64).to_numpy()
    scores = score_by(names, codes, y, p, groups=len(groups), level=level).drop("group")
    found = pl.concat([groups, scores], how="horizontal")
    if together is None:
        return found
    every = score_by(names, np.zeros_like(codes), y, p, groups=1, level=level).drop("group")
    others = found.filter(pl.col(by[0]).ne_missing(together))
    return pl.concat([others, every.select(pl.lit(together).alias(by[0]), pl.all())])


def _finite(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64).is_finite().fill_null(False)


def _codes(rows: pl.DataFrame, by: Sequence[str]) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    groups = rows.select(by).unique().sort(by, nulls_last=True)
    place = groups.with_row_index("\x00code")
    found = rows.select(by).join(place, on=list(by), how="left", nulls_equal=True, maintain_order="left")
    return groups, found["\x00code"].cast(pl.Int64).to_numpy()
