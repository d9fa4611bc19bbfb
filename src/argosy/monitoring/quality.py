"""Data quality of a window against its reference: nulls, numbers out of range, categories never seen.

Also the skew of single rows: the same feature, computed offline and recorded when it was served.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.metric.tail import poisson_tail
from argosy.monitoring.bins import Bins, Boolean, Numeric
from argosy.monitoring.drift import aligned
from argosy.monitoring.window import Windows

Floats = npt.NDArray[np.float64]


def quality(reference: Windows, current: Windows, bins: Bins) -> pl.DataFrame:
    """Rates of bad values: one row for each member, feature and check that applies.

    Columns: `member`, `feature`, `check` (`null`; `range` of numbers beyond the reference's least and greatest;
    `unseen` for categories the reference never held), `rows`, `reference`, `value` (rates), and `p_value`: the
    probability of so many in the window if both shared one rate (Poisson tail given the total of both, so never
    too small for independent rows). Raises `ConflictError` when a window was not counted on `bins`.
    """
    members, before, after = aligned(reference, current, bins)
    n, m = (w.rows[rows].astype(np.float64) for w, rows in ((reference, before), (current, after)))
    frames = []
    for feature, start in zip(bins.features, bins.offsets, strict=False):
        last = int(start) + feature.cells - 1
        checks = {"null": [last]}
        if isinstance(feature, Numeric):
            checks["range"] = [int(start), last - 1]
        elif not isinstance(feature, Boolean):
            checks["unseen"] = [last - 1]
        for check, cells in checks.items():
            a, b = (_sum(w.counts, rows, cells) for w, rows in ((reference, before), (current, after)))
            frames.append(
                pl.DataFrame(
                    {
                        "member": pl.Series(members, dtype=pl.String),
                        "feature": pl.repeat(feature.name, len(members), dtype=pl.String, eager=True),
                        "check": pl.repeat(check, len(members), dtype=pl.String, eager=True),
                        "rows": current.rows[after],
                        "reference": a / n,
                        "value": b / m,
                        "p_value": _rise(a, b, n, m),
                    }
                )
            )
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)


SCHEMA = {
    **dict.fromkeys(("member", "feature", "check"), pl.String),
    "rows": pl.UInt32,
    **dict.fromkeys(("reference", "value", "p_value"), pl.Float64),
}


def skew(
    offline: pl.DataFrame,
    online: pl.DataFrame,
    key: str | Sequence[str],
    features: Sequence[str],
    *,
    tolerance: float = 1e-9,
) -> pl.DataFrame:
    """Rows whose feature, as served, differs from the offline join's: one row a feature.

    Rows are matched on `key`; those of one side only are left out. Columns: `feature`, `rows`, `differing`, `share`,
    `largest` (absolute difference; null for a type that is not a number). Numbers may differ by `tolerance` times
    the larger; null equals null. Raises `InputError` for a missing column.
    """
    keys = [key] if isinstance(key, str) else list(key)
    for side, frame in (("offline", offline), ("online", online)):
        missing = [name for name in (*keys, *features) if name not in frame.columns]
        if missing:
            raise InputError(f"{side} rows lack the columns {missing[:5]}", next=f"columns: {frame.columns[:20]}")
    both = offline.select(*keys, *features).join(online.select(*keys, *features), on=keys, suffix="\x00")
    rows = []
    for name in features:
        a, b = both[name], both[f"{name}\x00"]
        largest = None
        differ = a.ne_missing(b)
        if a.dtype.is_numeric() and b.dtype.is_numeric():
            x, y = a.cast(pl.Float64).fill_nan(None), b.cast(pl.Float64).fill_nan(None)
            gap, one_null = (x - y).abs(), x.is_null() != y.is_null()
            bound = pl.DataFrame({"x": x.abs(), "y": y.abs()}).max_horizontal() * tolerance
            differ = (x.ne_missing(y) & ~(gap <= bound).fill_null(False)) | one_null
            largest = gap.max()
        count = int(differ.sum())
        share = count / len(both) if len(both) else None
        rows.append({"feature": name, "rows": len(both), "differing": count, "share": share, "largest": largest})
    schema = {"feature": pl.String, "rows": pl.Int64, "differing": pl.Int64, "share": pl.Float64, "largest": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def _sum(counts: npt.NDArray[np.uint32], rows: npt.NDArray[np.int64], cells: list[int]) -> Floats:
    return np.asarray(counts[rows[:, None], cells].sum(axis=1), dtype=np.float64)


def _rise(a: Floats, b: Floats, n: Floats, m: Floats) -> Floats:
    expected = (a + b) * m / (n + m)
    found = np.ones_like(expected)
    more = b > expected
    found[more] = poisson_tail(b[more], expected[more])
    return found
