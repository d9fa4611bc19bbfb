"""Count rows into windows: one pass over each column, whatever the number of members."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.monitoring.bins import Bins, Boolean, Category, Feature, Numeric, numbers
from argosy.monitoring.lookup import Lookup
from argosy.monitoring.window import SUMS, Counts, Windows

TINY = float(np.finfo(np.float64).eps)
Codes = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


def count(
    frame: pl.DataFrame,
    members: Sequence[str],
    codes: npt.ArrayLike,
    bins: Bins,
    *,
    prediction: str | None = None,
    label: str | None = None,
    weight: str | None = None,
) -> Windows:
    """Count the rows of a span.

    `codes` [rows] places each row in `members`, which need not be sorted; members without rows are kept, with
    zeros. `prediction` and `label` name columns of `frame`; a null label is one that is not known yet, and a row
    without a prediction adds nothing to the label sums. `weight` names the column that says for how many rows each
    stands, whole numbers (default: 1 each). Raises `InputError` for a missing column, a wrong type,
    or a code beyond the members.
    """
    order, place = _order(members, codes, len(frame))
    wanted = [feature.name for feature in bins.features] + [name for name in (prediction, label, weight) if name]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise InputError(f"rows lack the columns {missing[:5]} of the bins", next=f"columns: {frame.columns[:20]}")
    windows = Windows.empty(bins, order)
    stand = None if weight is None or (frame[weight] == 1).all() else numbers(frame[weight])
    windows.rows[:] = _tally(place, len(order), 1, stand)[:, 0]
    _add(windows, place, None if stand is None else stand**2, weight=np.ones(len(place)))
    scaled: dict[int, Codes] = {}
    for feature, start in zip(bins.features, bins.offsets, strict=False):
        width = feature.cells
        if width not in scaled:
            scaled[width] = place * width
        cells = _cells(frame[feature.name], feature)
        cells += scaled[width]
        windows.counts[:, start : start + width] = _tally(cells, len(order), width, stand)
    if prediction is not None:
        _outcomes(windows, bins, place, frame[prediction], None if label is None else frame[label], stand)
    return windows


def count_members(
    frame: pl.DataFrame, bins: Bins, *, prediction: str | None = None, label: str | None = None,
    weight: str | None = None,
) -> Windows:  # fmt: skip
    """`count` of rows that name their member in the column `member`, which holds no null."""
    keys = sorted(frame["member"].unique())
    codes = frame["member"].replace_strict(keys, range(len(keys)), return_dtype=pl.Int64).to_numpy()
    return count(frame, keys, codes, bins, prediction=prediction, label=label, weight=weight)


def _order(members: Sequence[str], codes: npt.ArrayLike, size: int) -> tuple[tuple[str, ...], Codes]:
    place = np.asarray(codes)
    if place.shape != (size,) or not np.issubdtype(place.dtype, np.integer):
        raise InputError(f"codes are {place.dtype} of shape {place.shape}, not {size} integers", next="one per row")
    if size and (int(place.min()) < 0 or int(place.max()) >= len(members)):
        raise InputError(
            f"codes reach from {place.min()} to {place.max()}, but there are {len(members)} members",
            next="give the place of each row's member in members",
        )
    order = tuple(sorted(members))
    if len(set(order)) < len(order):
        raise InputError(f"members hold {len(order) - len(set(order))} duplicates", next="give each key once")
    if tuple(members) == order:
        return order, place.astype(np.int64, copy=False)
    rank = {member: row for row, member in enumerate(order)}
    return order, np.array([rank[member] for member in members], dtype=np.int64)[place]


def _cells(column: pl.Series, feature: Feature) -> Codes:
    try:
        if isinstance(feature, Numeric):
            return Lookup(feature).cells(numbers(column))
        if isinstance(feature, Boolean):
            return column.cast(pl.Boolean).cast(pl.UInt8).fill_null(2).to_numpy().astype(np.int64)
        return _categories(column, feature)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"column {column.name!r} of type {column.dtype} does not fit its {type(feature).__name__.lower()} bins",
            next="compare the types of these rows with those of the reference",
        ) from error


def _categories(column: pl.Series, feature: Category) -> Codes:
    known = pl.Enum([*feature.values, *feature.tail])
    text = column if column.dtype == pl.String or isinstance(column.dtype, pl.Categorical) else column.cast(pl.String)
    codes = text.cast(known, strict=False).to_physical().cast(pl.Int64)
    tail = len(feature.values)
    cells = codes.clip(upper_bound=tail).fill_null(tail + 1).to_numpy().copy()
    if column.null_count():
        cells[column.is_null().to_numpy()] = tail + 2
    return np.asarray(cells)


def _tally(cells: Codes, members: int, width: int, stand: Weights | None) -> Counts:
    return np.bincount(cells, stand, members * width).reshape(members, width).astype(np.uint32)


def _outcomes(
    windows: Windows, bins: Bins, place: Codes, predicted: pl.Series, told: pl.Series | None, stand: Weights | None
) -> None:
    """Fill the histograms and sums of predictions and labels."""
    members, width = len(windows.members), bins.prediction.cells
    values = numbers(predicted)
    cells = Lookup(bins.prediction).cells(values) + place * width
    windows.predictions[:] = _tally(cells, members, width, stand)
    if told is None:
        return
    labels = numbers(told.cast(pl.UInt8) if told.dtype == pl.Boolean else told)
    given = np.isfinite(values) & np.isfinite(labels)
    if given.all():
        y, p = labels, values
    else:
        y, p, place, cells = labels[given], values[given], place[given], cells[given]
        stand = None if stand is None else stand[given]
    _add(windows, place, stand, square=(p - y) ** 2)
    if bins.task == "binary":
        one = _classes(y)
        for table, which in ((windows.positives, one), (windows.negatives, ~one)):
            table[:] = _tally(cells[which], members, width, None if stand is None else stand[which])
        _add(windows, place, stand, log_loss=-np.log(np.clip(np.where(one, p, 1.0 - p), TINY, 1.0 - TINY)))


def _classes(y: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    one = y == 1.0
    if not (one | (y == 0.0)).all():
        raise InputError("labels of a binary fleet must be 0 or 1", next="fit the bins with task='regression'")
    return np.asarray(one)


def _add(windows: Windows, place: Codes, stand: Weights | None, **values: Weights) -> None:
    for name, each in values.items():
        weighed = each if stand is None else each * stand
        windows.sums[:, SUMS.index(name)] = np.bincount(place, weights=weighed, minlength=len(windows.members))
