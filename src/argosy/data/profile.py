"""Statistics of the rows that a version adds, and of all rows so far where sums of sums are exact."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

BINS = 20
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_OUTER = (0.005, 0.995)
TOP = 20
"""Categories that are shown of a text column."""

LISTED = 1000
"""Categories that are counted exactly over all versions; beyond that the total lists none."""

Body = dict[str, Any]


def profile(rows: pl.DataFrame, before: Mapping[str, Any] | None = None) -> Body:
    """Per column: statistics of these rows, and under `total` those of all rows of the dataset so far.

    Of the rows: count, nulls, distinct, minimum, maximum, and for numbers mean, standard deviation, quantiles and a
    histogram; for texts and truth values the most frequent. `total` holds what can be merged exactly: count, nulls,
    minimum, maximum, mean, deviation, histogram, and categories while there are at most a thousand. Edges of a
    histogram are frozen with the first rows: 20 bins, 18 of equal width between the 0.5 % and 99.5 % quantiles and
    one open at each end. Instants are ISO 8601 text.
    """
    past = before or {}
    return {name: _column(rows[name], past.get(name, {}).get("total")) for name in rows.columns}


def _column(values: pl.Series, total: Body | None) -> Body:
    nulls = values.null_count()
    found: Body = {"type": str(values.dtype), "count": values.len(), "nulls": nulls}
    if values.dtype not in (pl.String, pl.Boolean) and not values.dtype.is_nested():
        found["distinct"] = values.n_unique() - bool(nulls)
    if values.dtype.is_numeric() and not values.dtype.is_decimal():
        found |= _number(values, total)
    elif values.dtype in (pl.String, pl.Boolean):
        found |= _category(values, total)
    elif values.dtype.is_temporal() and values.dtype != pl.Duration:
        found |= {"minimum": _iso(values.min()), "maximum": _iso(values.max())}
    found["total"] = merge(total, found)
    if "counts" in found:
        counts = found.pop("counts")
        found["top"] = dict(list(counts.items())[:TOP])
    return found


def _number(values: pl.Series, total: Body | None) -> Body:
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    finite = np.sort(numbers[np.isfinite(numbers)])
    found: Body = {"infinite": int(len(numbers) - len(finite))}
    if not len(finite):
        return found
    low, high, *quantiles = _quantiles(finite, (*_OUTER, *QUANTILES))
    found |= {"minimum": _plain(finite[0]), "maximum": _plain(finite[-1]), "mean": _plain(finite.mean())}
    found |= {"deviation": _plain(finite.std()), "quantiles": quantiles, "finite": len(finite)}
    edges = (total or {}).get("edges") or _edges(low, high)
    places = np.searchsorted(finite, edges, side="left")
    return found | {"edges": edges, "histogram": np.diff(places, prepend=0, append=len(finite)).tolist()}


def _quantiles(ordered: NDArray[np.float64], shares: Sequence[float]) -> list[float]:
    """Quantiles of numbers in ascending order, between two of them in proportion."""
    place = np.asarray(shares) * (len(ordered) - 1)
    below = np.floor(place).astype(np.int64)
    low, high = ordered[below], ordered[np.minimum(below + 1, len(ordered) - 1)]
    return [_plain(each) for each in low + (high - low) * (place - below)]


def _edges(low: float, high: float) -> list[float]:
    """Inner edges of the frozen bins, from the outer quantiles; bin i holds edge i-1 <= value < edge i."""
    return [_plain(edge) for edge in np.unique(np.linspace(low, high, BINS - 1))] if high > low else [low]


def _category(values: pl.Series, total: Body | None) -> Body:
    """How often each value occurs, the most frequent first; of too many for the total to list, the first of them."""
    counted = values.drop_nulls().cast(pl.String).value_counts()
    distinct = counted.height
    if distinct > LISTED or (total or {}).get("counts", {}) is None:
        kept = LISTED + 1 if distinct > LISTED else TOP
        counted = counted.sort(["count", values.name], descending=[True, False]).head(kept)
    found = sorted(counted.iter_rows(), key=lambda pair: (-pair[1], pair[0]))
    return {"distinct": distinct, "counts": dict(found)}


def merge(total: Body | None, added: Body) -> Body:
    """The statistics of all rows, from those before and those of the rows that came."""
    names = ("count", "nulls", "minimum", "maximum", "mean", "deviation", "finite", "edges", "histogram", "counts")
    new = {name: added[name] for name in names if name in added}
    if len(new.get("counts", ())) > LISTED:
        new["counts"] = None
    if total is None:
        return new
    merged: Body = {name: total.get(name, 0) + new[name] for name in ("count", "nulls")}
    for name, choose in (("minimum", min), ("maximum", max)):
        present = [each[name] for each in (total, new) if each.get(name) is not None]
        if present and all(isinstance(each, str) == isinstance(present[0], str) for each in present):
            merged[name] = choose(present)
    merged |= _moments(total, new)
    if "edges" in new or "edges" in total:
        merged["edges"] = total.get("edges") or new["edges"]
        both = [each["histogram"] for each in (total, new) if "histogram" in each]
        merged["histogram"] = [sum(counts) for counts in zip(*both, strict=True)]
    if "counts" in new or "counts" in total:
        merged["counts"] = _counts(total.get("counts", {}), new.get("counts", {}))
    return merged


def _moments(one: Body, other: Body) -> Body:
    """Mean and deviation of both together (Chan, Golub and LeVeque 1983)."""
    a, b = one.get("finite", 0), other.get("finite", 0)
    if not a or not b:
        held = one if a else other
        return {name: held[name] for name in ("finite", "mean", "deviation") if name in held}
    count, gap = a + b, other["mean"] - one["mean"]
    squares = a * one["deviation"] ** 2 + b * other["deviation"] ** 2 + gap**2 * a * b / count
    return {"finite": count, "mean": one["mean"] + gap * b / count, "deviation": math.sqrt(squares / count)}


def _counts(one: Mapping[str, int] | None, other: Mapping[str, int] | None) -> dict[str, int] | None:
    if one is None or other is None:
        return None
    merged = {name: one.get(name, 0) + other.get(name, 0) for name in (*one, *other)}
    return merged if len(merged) <= LISTED else None


def _plain(value: Any) -> float:
    return float(value)


def _iso(value: Any) -> str | None:
    return None if value is None else str(value.isoformat())
