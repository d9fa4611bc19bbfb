"""The frozen cells that a fleet's windows count into, fitted once on the reference rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError

PREDICTION_BINS = 200
KNOWN_LIMIT = 10_000
SAMPLE = 200_000


class Numeric(msgspec.Struct, frozen=True, tag="numeric"):
    """Cells of a number: below `low`, one per interval between the cuts, above `high`, null (or NaN).

    Interval i is [cut i-1, cut i); the first begins at `low`, the last ends with `high` included.
    """

    name: str
    low: float
    high: float
    cuts: tuple[float, ...] = ()

    @property
    def cells(self) -> int:
        """How many cells there are, the two outside the range and the null cell included."""
        return len(self.cuts) + 4

    @property
    def positions(self) -> npt.NDArray[np.float64]:
        """A place on the number line for each cell but the last (null): ends of the range, centres of intervals."""
        edges = np.array([self.low, *self.cuts, self.high])
        return np.concatenate(([self.low], (edges[1:] + edges[:-1]) / 2.0, [self.high]))


class Category(msgspec.Struct, frozen=True, tag="category"):
    """Cells of a category: one per value, other known values (`tail`), never seen in the reference, null.

    When the reference holds more than 10,000 distinct values, `tail` is cut and the rest counts as never seen.
    """

    name: str
    values: tuple[str, ...]
    tail: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """How many cells there are: the values, and three more."""
        return len(self.values) + 3


class Boolean(msgspec.Struct, frozen=True, tag="boolean"):
    """Cells of a truth value: false, true, null."""

    name: str
    cells: int = 3


Feature = Numeric | Category | Boolean


class Bins(msgspec.Struct, frozen=True, dict=True):
    """The cells of every feature of a fleet, side by side, and those of its prediction.

    A binary fleet's prediction is counted in 200 equal bins of 0 to 1; a regression's in 200 quantiles of
    the reference's predictions. The bytes, and so the digest, depend on the reference's values only.
    """

    task: Literal["binary", "regression"]
    features: tuple[Feature, ...]
    prediction: Numeric

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        *,
        task: Literal["binary", "regression"] = "binary",
        prediction: str | None = None,
        features: Sequence[str] | None = None,
        bins: int = 20,
        top: int = 30,
    ) -> Bins:
        """Fit on reference rows: `bins` quantile bins for a number, the `top` values of a category.

        `prediction` names the column of predictions, needed for a regression. `features` defaults to all other
        columns. Raises `InputError` for a column of a type that cannot be counted.
        """
        names = [name for name in frame.columns if name != prediction] if features is None else list(features)
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise InputError(f"reference rows lack the columns {missing[:5]}", next=f"columns: {frame.columns[:20]}")
        if task == "binary":
            cuts = tuple(i / PREDICTION_BINS for i in range(1, PREDICTION_BINS))
            outcome = Numeric("prediction", 0.0, 1.0, cuts)
        elif prediction is None:
            raise InputError("a regression's bins need its predictions on the reference rows", next="set prediction=")
        else:
            outcome = msgspec.structs.replace(_numeric(frame[prediction], PREDICTION_BINS), name="prediction")
        return cls(task, tuple(_feature(frame[name], bins, top) for name in names), outcome)

    @classmethod
    def from_bytes(cls, data: bytes) -> Bins:
        """Read what `to_bytes` wrote."""
        return msgspec.msgpack.decode(data, type=cls)

    def to_bytes(self) -> bytes:
        """The bins as MessagePack: equal bins give equal bytes."""
        return msgspec.msgpack.encode(self, order="deterministic")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """The first cell of each feature, and the number of cells of all: [features + 1]."""
        return np.cumsum([0, *(feature.cells for feature in self.features)], dtype=np.int64)


def _feature(column: pl.Series, bins: int, top: int) -> Feature:
    dtype = column.dtype
    if dtype == pl.Boolean:
        return Boolean(column.name)
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        return _category(column, top)
    if dtype.is_numeric() or dtype.is_temporal():
        return _numeric(column, bins)
    if dtype == pl.Null:
        return Numeric(column.name, np.inf, np.inf)
    raise InputError(
        f"column {column.name!r} of type {dtype} cannot be watched",
        next="watch numbers, times, booleans and strings, or leave it out",
    )


def _category(column: pl.Series, top: int) -> Category:
    counted = column.cast(pl.String).drop_nulls().value_counts(name="count")
    ranked = counted.sort(["count", column.name], descending=[True, False])[column.name].to_list()
    return Category(column.name, tuple(sorted(ranked[:top])), tuple(sorted(ranked[top:KNOWN_LIMIT])))


def _numeric(column: pl.Series, bins: int) -> Numeric:
    values = numbers(column)
    values = values[np.isfinite(values)]
    if not len(values):
        return Numeric(column.name, np.inf, np.inf)
    low, high = float(values.min()), float(values.max())
    sample = np.sort(values[:: -(-len(values) // SAMPLE)])
    first = np.flatnonzero(np.append(True, sample[1:] != sample[:-1]))
    distinct = sample[first]
    if len(distinct) <= bins:
        cuts = distinct[:-1] + (distinct[1:] - distinct[:-1]) / 2.0
    else:
        cuts = _quantiles(sample, distinct, np.diff(first, append=len(sample)), bins)
    kept = cuts[(cuts > low) & (cuts <= high)]
    return Numeric(column.name, low, high, tuple(float(cut) for cut in kept))


def _quantiles(
    sample: npt.NDArray[np.float64], distinct: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], bins: int
) -> npt.NDArray[np.float64]:
    """Cuts at quantiles; a value that fills a bin by itself (rain is mostly 0) gets a bin of its own, and what
    remains is cut at its own quantiles, into four at least.
    """
    heavy = counts * bins > len(sample)
    light = np.repeat(distinct[~heavy], counts[~heavy])
    parts = max(4, round(bins * len(light) / len(sample)))
    places = (np.arange(parts) * len(light)) // parts
    after = np.minimum(np.flatnonzero(heavy) + 1, len(distinct) - 1)
    return np.unique(np.concatenate((light[places], distinct[heavy], distinct[after])))


def numbers(column: pl.Series) -> npt.NDArray[np.float64]:
    """A numeric or temporal column as float64, null as NaN; without a copy where there is nothing to change."""
    if column.dtype == pl.Null:
        return np.full(len(column), np.nan)
    physical = column.to_physical() if column.dtype.is_temporal() else column
    return physical.cast(pl.Float64).to_numpy()
