"""Data quality of a window against its reference: nulls, numbers out of range, categories never seen.

Also the skew of single rows: the same feature, computed offline and recorded when it was served.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.metric.tail import poisson_tail
from argosy.monitoring.bins import Bins, Boolean, Numeric
from argosy.monitoring.drift import aligned
from argosy.monitoring.window import Windows

Floats = npt.NDArray[np.float64]
SKEW = pl.Schema({
    "feature": pl.String(), "rows": pl.Int64(), "differing": pl.Int64(), "share": pl.Float64(),
    "members": pl.List(pl.String()),
})  # fmt: skip


def quality(reference: Windows, current: Windows, bins: Bins) -> pl.DataFrame:
    """Rates of bad values: one row for each member, feature and check that applies.

    Columns: `member`, `feature`, `check` (`null`; `range` of numbers beyond the reference's least and greatest;
    `unseen` for categories the reference never held), `rows`, `reference`, `value` (rates), and `p_value`: the
    probability of so many in the window if both shared one rate (Poisson tail given the total of both, so never
    too small for independent rows). Raises `ConflictError` when a window was not counted on `bins`.
    """
    members, before, after = aligned(reference, current, bins)
    worth = reference.worth[before], current.worth[after]
    n, m = reference.rows[before] * worth[0], current.rows[after] * worth[1]
    checks, counts = list(_checks(bins)), (reference.counts[before], current.counts[after])
    size = (len(checks), len(members))
    a, b = (
        np.array([table[:, cells].sum(axis=1) * each for _, _, cells in checks], dtype=np.float64).reshape(size)
        for table, each in zip(counts, worth, strict=True)
    )
    which = np.repeat(np.arange(len(checks)), len(members))
    return pl.DataFrame(
        {
            "member": pl.Series(list(members) * len(checks), dtype=pl.String),
            "feature": pl.Series([name for name, _, _ in checks], dtype=pl.String).gather(which),
            "check": pl.Series([check for _, check, _ in checks], dtype=pl.String).gather(which),
            "rows": np.tile(np.round(m).astype(np.uint32), len(checks)),
            "reference": (a / n).ravel(),
            "value": (b / m).ravel(),
            "p_value": _rise(a, b, n, m).ravel(),
        }
    )


def _checks(bins: Bins) -> Iterator[tuple[str, str, list[int]]]:
    """Feature, check, and the cells whose rows fail it."""
    for feature, start in zip(bins.features, bins.offsets.tolist(), strict=False):
        last = start + feature.cells - 1
        yield feature.name, "null", [last]
        if isinstance(feature, Numeric):
            yield feature.name, "range", [start, last - 1]
        elif not isinstance(feature, Boolean):
            yield feature.name, "unseen", [last - 1]


def skew(
    offline: pl.DataFrame,
    online: pl.DataFrame,
    key: str | Sequence[str],
    features: Sequence[str],
    *,
    tolerance: float = 1e-9,
) -> pl.DataFrame:
    """Rows whose feature, as served, differs from the offline join's: one row a feature.

    Rows are matched on `key`, which names a row of each side once; those of one side only are left out. Columns:
    `feature`, `rows`, `differing`, `share`, `members` (whose rows differ, from the column `member` of `online`).
    Numbers may differ by `tolerance` times the larger; null equals null. A version that was served no value of a
    feature at all may not read it: its rows do not count for that feature. Raises `InputError` for a missing column.
    """
    keys = [key] if isinstance(key, str) else list(key)
    for side, frame, more in (("offline", offline, ()), ("online", online, ("member", "version"))):
        missing = [name for name in (*keys, *more, *features) if name not in frame.columns]
        if missing:
            raise InputError(f"{side} rows lack the columns {missing[:5]}", next=f"columns: {frame.columns[:20]}")
    both = online.select(*keys, "member", "version", *features).join(
        offline.select(*keys, *(pl.col(name).alias(f"{name}\x00") for name in features)), on=keys
    )
    # One pass over all features: rows of versions that know the feature, and those whose value differs.
    known = both.select(pl.col(name).is_not_null().any().over("version") for name in features)
    wrong = both.select(_differ(name, both.schema[name], tolerance) for name in features)
    rows = []
    for name in features:
        bad = known[name] & wrong[name]
        size, count = int(known[name].sum()), int(bad.sum())
        members = both["member"].filter(bad).unique().sort().to_list() if count else []
        rows.append((name, size, count, count / size if size else None, members))
    return pl.DataFrame(rows, schema=SKEW, orient="row")


def _differ(name: str, dtype: pl.DataType, tolerance: float) -> pl.Expr:
    a, b = pl.col(name), pl.col(f"{name}\x00")
    if not dtype.is_numeric():
        return a.ne_missing(b)
    x, y = (each.cast(pl.Float64).fill_nan(None) for each in (a, b))
    near = (x - y).abs() <= pl.max_horizontal(x.abs(), y.abs()) * tolerance
    return x.ne_missing(y) & ~near.fill_null(False)


def _rise(a: Floats, b: Floats, n: Floats, m: Floats) -> Floats:
    expected = (a + b) * m / (n + m)
    found = np.ones_like(expected)
    more = b > expected
    found[more] = poisson_tail(b[more], expected[more])
    return found
