"""Scores of a whole fleet in one pass: a row per group, no loop over groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.metric.groups import Groups
from argosy.metric.measure import bounds, contrast
from argosy.metric.score import estimate, known, rows


def score_by(
    names: Sequence[str],
    codes: npt.ArrayLike,
    y: npt.ArrayLike,
    p: npt.ArrayLike,
    *,
    groups: int | None = None,
    level: float | None = None,
) -> pl.DataFrame:
    """Scores per group: columns `group` (0 to groups - 1), `rows`, and one per name (null where undefined).

    `codes` [rows] holds each row's group; `groups` counts them, those without rows included. With a
    `level`, `{name}_low` and `{name}_high` follow each score.
    """
    labels = rows("labels", y)
    predictions = rows("predictions", p, len(labels))
    grouping = _grouping(codes, len(labels), groups)
    columns = _start(grouping)
    for name in names:
        what = known(name)
        found = estimate(what, labels, predictions, grouping)
        columns[name] = found.value
        if level is not None:
            columns[f"{name}_low"], columns[f"{name}_high"] = bounds(what, found, grouping, level)
    return pl.DataFrame(columns).fill_nan(None)


def compare_by(
    name: str,
    codes: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    groups: int | None = None,
    level: float = 0.95,
) -> pl.DataFrame:
    """`compare` per group: columns `group`, `rows`, `a`, `b`, `difference` (a - b), `low`, `high`, `p_value`."""
    labels = rows("labels", y)
    grouping = _grouping(codes, len(labels), groups)
    what = known(name)
    first = estimate(what, labels, rows("predictions a", a, len(labels)), grouping)
    second = estimate(what, labels, rows("predictions b", b, len(labels)), grouping)
    columns = _start(grouping) | {"a": first.value, "b": second.value, "difference": first.value - second.value}
    columns["low"], columns["high"], columns["p_value"] = contrast(first, second, grouping, level)
    return pl.DataFrame(columns).fill_nan(None)


def _grouping(codes: npt.ArrayLike, size: int, groups: int | None) -> Groups:
    array = np.asarray(codes)
    if array.shape != (size,) or not np.issubdtype(array.dtype, np.integer):
        raise InputError(
            f"group codes are {array.dtype} of shape {array.shape}, not {size} integers", next="give one code a row"
        )
    least, most = (int(array.min()), int(array.max())) if size else (0, -1)
    count = most + 1 if groups is None else groups
    if least < 0 or most >= count:
        raise InputError(f"group codes reach from {least} to {most}, beyond 0 to {count - 1}", next="set groups=")
    return Groups(size, array.astype(np.int64, copy=False), count)


def _start(groups: Groups) -> dict[str, npt.NDArray[np.generic]]:
    return {"group": np.arange(groups.count, dtype=np.uint32), "rows": groups.rows.astype(np.uint32)}
