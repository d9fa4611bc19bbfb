"""How far the rows of a window are from those of a reference: members x features at once.

Statistics are taken over the cells of `Bins`. Every statistic of a finite sample is above zero without any
drift: `psi_expected` says what PSI would be by chance, and `p_value` how likely chance alone is.
Skew between training and serving is the same question with the training rows as the reference.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import ConflictError
from argosy.metric.tail import chi_square_tail
from argosy.monitoring.bins import Bins, Numeric
from argosy.monitoring.window import Windows

CHUNK = 512
COARSE = 10
PRIOR = 1.0
SPECK = 0.5
MERGED = 5.0
RARE = 2.0

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Layout:
    """Where features start among the cells [cells], which cells are null, and where numbers lie."""

    def __init__(self, bins: Bins) -> None:
        features = bins.features
        self.start: Integers = bins.offsets[:-1]
        self.width: Integers = np.diff(bins.offsets)
        self.null: Integers = bins.offsets[1:] - 1
        self.ordered = np.array([isinstance(each, Numeric) for each in features])
        self.position = np.concatenate(
            [np.append(each.positions, 0.0) if isinstance(each, Numeric) else np.zeros(each.cells) for each in features]
            or [np.empty(0)]
        )
        self.position[~np.isfinite(self.position)] = 0.0

    def total(self, values: Floats) -> Floats:
        """Sum the cells [members x cells] of each feature: [members x features]."""
        return np.add.reduceat(values, self.start, axis=1)

    def spread(self, values: Floats) -> Floats:
        """The value of each cell's feature: [members x features] to [members x cells]."""
        return np.repeat(values, self.width, axis=1)


def drift(reference: Windows, current: Windows, bins: Bins) -> pl.DataFrame:
    """Drift of every feature of every member that has rows in both windows: one row each.

    Columns: `member`, `feature`, `reference_rows`, `rows` (of a window in which some rows stand for others, as many as
    tell as much), then

    - `psi`: population stability index, the symmetric Kullback-Leibler divergence in nats. Every cell of the
      reference counts half a row more, and the window's the same share more; then the window counts one row more,
      spread as the reference is. So equal shares have a PSI of 0, and an empty cell is not infinite.
    - `psi_expected`: its expectation when nothing drifted, (cells - 1) (1 / reference rows + 1 / rows), over the
      cells in use (Yurdakul, "Statistical properties of population stability index", 2018); it is too low
      where cells expect fewer than about 3 rows.
    - `psi_excess`: what is left of PSI above that, at least 0; compare this with limits.
    - `jensen_shannon`: the distance (root of the divergence, base 2), 0 to 1.
    - `kolmogorov_smirnov`: the largest gap of the two cumulative shares at a cell's edge, nulls left out.
    - `wasserstein`: the earth mover's distance between cell centres in standard deviations of the reference.
      This and the one before are null for categories and booleans, which have no order.
    - `cramers_v`: the effect behind `chi_square`, 0 to 1 whatever the number of rows, less what chance makes of so
      many: 0 where nothing but chance is seen (Cramer, "Mathematical Methods of Statistics", 1946, section 21.9;
      corrected as in Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", 2013). The shares differing
      alike, it is the smaller the more one of the two samples outnumbers the other.
    - `chi_square`, `freedom`, `p_value`: Pearson's test of homogeneity. Neighbouring cells are merged until they
      expect about 5 rows in the smaller sample, and what then still expects fewer than 2 is taken together, or left
      out, so that a few rare rows raise nothing. Rows that depend on one another (many flights under the same
      weather) make p-values too small: ask for a limit as well.

    Raises `ConflictError` when a window was not counted on `bins`.
    """
    members, before, after = aligned(reference, current, bins)
    layout, size = Layout(bins), len(bins.features)
    found: dict[str, list[Floats]] = {}
    for at in range(0, len(members) if size else 0, CHUNK):
        q, p = (
            windows.counts[rows] * windows.worth[rows, None]
            for windows, rows in ((reference, before[at : at + CHUNK]), (current, after[at : at + CHUNK]))
        )
        for name, values in (_shares(q, p, layout) | _distances(q, p, layout)).items():
            found.setdefault(name, []).append(values.ravel())
    names = pl.Series([feature.name for feature in bins.features], dtype=pl.String)
    rows = {
        "member": pl.Series(members, dtype=pl.String).gather(np.repeat(np.arange(len(members)), size)),
        "feature": names.gather(np.tile(np.arange(size), len(members))),
        "reference_rows": np.repeat(_telling(reference.rows * reference.worth)[before], size),
        "rows": np.repeat(_telling(current.rows * current.worth)[after], size),
    }
    rows |= {name: np.concatenate(found[name]) if found else np.empty(0) for name in COLUMNS}
    return pl.DataFrame(rows).fill_nan(None)


def prediction_drift(reference: Windows, current: Windows, bins: Bins) -> pl.DataFrame:
    """Drift of every member's prediction: the columns of `drift`.

    Rows without a prediction do not count. PSI, Jensen-Shannon and chi-square use ten cells that hold a tenth of the
    member's reference each; Kolmogorov-Smirnov and Wasserstein the fine cells.
    """
    members, before, after = aligned(reference, current, bins)
    fine = Bins(bins.task, (bins.prediction,), bins.prediction)
    layout = Layout(fine)
    q, p = (w.predictions[rows] * w.worth[rows, None] for w, rows in ((reference, before), (current, after)))
    found = _shares(*_coarse(q, p), _plain(COARSE)) | _distances(q, p, layout)
    rows = {
        "member": list(members),
        "feature": ["prediction"] * len(members),
        "reference_rows": _telling(q.sum(axis=1)),
        "rows": _telling(p.sum(axis=1)),
    }
    rows |= {name: found[name].ravel() for name in COLUMNS}
    schema = {"member": pl.String, "feature": pl.String}
    return pl.DataFrame(rows, schema_overrides=schema).fill_nan(None)


COLUMNS = (
    *("psi", "psi_expected", "psi_excess", "jensen_shannon", "kolmogorov_smirnov", "wasserstein"),
    *("cramers_v", "chi_square", "freedom", "p_value"),
)


def aligned(reference: Windows, current: Windows, bins: Bins) -> tuple[tuple[str, ...], Integers, Integers]:
    """The members with rows in both windows, and where they are in each; checks that both count on `bins`."""
    for which, windows in (("reference", reference), ("current", current)):
        if windows.digest != bins.digest:
            raise ConflictError(
                f"the {which} window was counted on bins {windows.digest[:12]}, not {bins.digest[:12]}",
                next="count both spans on the same bins",
            )
    there = {member for member, rows in zip(reference.members, reference.rows, strict=True) if rows}
    both = tuple(m for m, rows in zip(current.members, current.rows, strict=True) if rows and m in there)
    return both, reference.places(both), current.places(both)


def _telling(rows: Floats) -> npt.NDArray[np.uint32]:
    return np.round(rows).astype(np.uint32)


def _shares(q: Floats, p: Floats, layout: Layout) -> dict[str, Floats]:
    """PSI, Jensen-Shannon, chi-square and its effect of counts `q` (reference) and `p`: [members x features] each."""
    n, m = layout.total(q), layout.total(p)
    used = layout.total(((q + p) > 0.0).astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        base = (q + SPECK) / layout.spread(n + SPECK * layout.width)
        mixed = (p / layout.spread(m) + SPECK / layout.spread(n)) / layout.spread(1.0 + SPECK * layout.width / n)
        share = (layout.spread(m) * mixed + PRIOR * base) / layout.spread(m + PRIOR)
        psi = layout.total((share - base) * np.log(share / base))
        expected = (used - 1.0) * (1.0 / n + 1.0 / m)
        divergence = _jensen_shannon(q / layout.spread(n), p / layout.spread(m), layout)
    square, freedom = _chi_square(q, p, n, m, layout)
    return {
        "psi": psi,
        "psi_expected": expected,
        "psi_excess": np.maximum(psi - expected, 0.0),
        "jensen_shannon": np.sqrt(np.clip(divergence, 0.0, 1.0)),
        "cramers_v": _cramers_v(square, freedom, n + m),
        "chi_square": square,
        "freedom": freedom,
        "p_value": chi_square_tail(square, freedom),
    }


def _jensen_shannon(q: Floats, p: Floats, layout: Layout) -> Floats:
    middle = (p + q) / 2.0
    parts = [np.where(each > 0.0, each * np.log2(each / middle), 0.0) for each in (p, q)]
    return layout.total(parts[0] + parts[1]) / 2.0


def _chi_square(q: Floats, p: Floats, n: Floats, m: Floats, layout: Layout) -> tuple[Floats, Floats]:
    """Pearson's statistic over merged cells and its degrees of freedom: [members x features] each."""
    members, size = n.shape
    least = np.minimum(n, m) / (n + m)
    expected = (q + p) * layout.spread(least)
    ahead = np.cumsum(expected, axis=1) - expected
    group = np.floor((ahead - layout.spread(ahead[:, layout.start]) + expected / 2.0) / MERGED)
    new = np.ones(group.shape, dtype=np.bool_)
    np.not_equal(group[:, 1:], group[:, :-1], out=new[:, 1:])
    new[:, layout.start] = True
    first = np.flatnonzero(new)
    one, two = (np.add.reduceat(each.ravel(), first) for each in (q, p))
    row, cell = np.divmod(first, q.shape[1])
    owner = row * size + np.repeat(np.arange(size), layout.width)[cell]

    def gather(values: Floats) -> Floats:
        return np.bincount(owner, values, members * size).astype(np.float64).reshape(members, size)

    factor = np.sqrt(n / m)
    rare = (one + two) * least.ravel()[owner] < RARE
    rest_q, rest_p = (gather(np.where(rare, each, 0.0)) for each in (one, two))
    whole = (rest_q + rest_p) * least >= RARE
    square = gather(np.where(rare, 0.0, _pearson(one, two, factor.ravel()[owner])))
    square += np.where(whole, _pearson(rest_q, rest_p, factor), 0.0)
    freedom = np.maximum(gather(np.where(rare, 0.0, 1.0)) + whole - 1.0, 0.0)
    return np.where(freedom > 0.0, square, 0.0), freedom


def _cramers_v(square: Floats, freedom: Floats, rows: Floats) -> Floats:
    """Cramer's V of two samples over `freedom` + 1 cells, without its bias: 0 where there is nothing to compare."""
    spare = np.maximum(rows - 1.0, 1.0)
    effect = np.maximum(square / np.maximum(rows, 1.0) - freedom / spare, 0.0)
    least = np.minimum(1.0 - 1.0 / spare, freedom - freedom**2 / spare)
    share: Floats = np.where(least > 0.0, effect / np.where(least > 0.0, least, 1.0), 0.0)
    return np.asarray(np.sqrt(np.clip(share, 0.0, 1.0)), dtype=np.float64)


def _pearson(q: Floats, p: Floats, factor: Floats) -> Floats:
    both = q + p
    with np.errstate(divide="ignore", invalid="ignore"):  # a side without rows has no statistic: NaN
        return np.where(both > 0.0, (p * factor - q / factor) ** 2 / np.where(both > 0.0, both, 1.0), 0.0)


def _distances(q: Floats, p: Floats, layout: Layout) -> dict[str, Floats]:
    """Kolmogorov-Smirnov and Wasserstein over the ordered cells, nulls left out: NaN for unordered features."""
    q, p = q.copy(), p.copy()
    q[:, layout.null] = 0.0
    p[:, layout.null] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        q /= layout.spread(layout.total(q))
        p /= layout.spread(layout.total(p))
        mean = layout.total(q * layout.position)
        deviation = np.sqrt(layout.total(q * (layout.position - layout.spread(mean)) ** 2))
        # A feature's shares add up to 1 on both sides, so the running gap is back at 0 where the next begins; a
        # feature without values is NaN, which must not run on into its neighbours.
        empty = np.isnan(mean) | np.isnan(layout.total(p))
        gap = np.abs(np.cumsum(np.where(layout.spread(empty.astype(np.float64)) > 0.0, 0.0, p - q), axis=1))
        step = np.diff(layout.position, append=0.0)
        step[layout.null - 1] = 0.0
        step[layout.null] = 0.0
        moved = layout.total(gap * step) / deviation
    hidden = empty | ~layout.ordered
    largest = np.maximum.reduceat(gap, layout.start, axis=1)
    return {
        "kolmogorov_smirnov": np.where(hidden, np.nan, largest),
        "wasserstein": np.where(hidden | (deviation == 0.0), np.nan, moved),
    }


def _coarse(q: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Gather fine cells [members x cells] into ten that hold about a tenth of the reference `q` each."""
    sums = np.cumsum(q, axis=1)
    middle = (sums - q / 2.0) / np.maximum(sums[:, -1:], 1.0)
    cell = np.minimum((middle * COARSE).astype(np.int64), COARSE - 1) + COARSE * np.arange(len(q))[:, None]
    shape = (len(q), COARSE)
    one, two = (np.bincount(cell.ravel(), each.ravel(), COARSE * len(q)).reshape(shape) for each in (q, p))
    return one.astype(np.float64), two.astype(np.float64)


def _plain(width: int) -> Layout:
    cells = Numeric("prediction", 0.0, 1.0, tuple(float(i) for i in range(width - 4)))
    return Layout(Bins("binary", (cells,), cells))
