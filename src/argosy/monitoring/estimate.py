"""Live performance before the labels have come, from calibrated probabilities."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.monitoring.bins import Bins
from argosy.monitoring.window import Windows

ESTIMATED = ("log_loss", "brier", "accuracy", "roc_auc")
TINY = float(np.finfo(np.float64).eps)
Floats = npt.NDArray[np.float64]


class Calibration(msgspec.Struct, frozen=True):
    """Observed rate of positives for each prediction cell: never falling, so that it keeps the ranking.

    Isotonic regression by pooling adjacent violators: Ayer and others, Annals of Mathematical Statistics 26 (1955)
    641-647.
    """

    rates: tuple[float, ...]

    @classmethod
    def fit(cls, windows: Windows, bins: Bins) -> Calibration:
        """Fit on the labelled rows of all members of `windows`; raises `InputError` when there is none."""
        ones, zeros = (table.sum(axis=0, dtype=np.float64)[:-1] for table in (windows.positives, windows.negatives))
        total = ones + zeros
        if not total.sum():
            raise InputError("calibration needs labelled rows of a binary fleet", next="count the reference's labels")
        centre = bins.prediction.positions
        blocks: list[tuple[float, float, int]] = []
        for rate, weight in zip(np.where(total > 0, ones / np.maximum(total, 1.0), centre), total, strict=True):
            block = (float(rate), float(weight), 1)
            while blocks and blocks[-1][0] >= block[0]:
                before = blocks.pop()
                both = before[1] + block[1]
                mean = (before[0] * before[1] + block[0] * block[1]) / both if both else (before[0] + block[0]) / 2
                block = (mean, both, before[2] + block[2])
            blocks.append(block)
        return cls(tuple(rate for rate, _, size in blocks for _ in range(size)))


def expected(windows: Windows, bins: Bins, calibration: Calibration) -> pl.DataFrame:
    """Scores over all rows, with or without a label: `member`, `rows`, `waiting` and `ESTIMATED`, null without a row.

    A row whose label is known counts with it; each of the `waiting` ones counts as positive with its calibrated
    probability (confidence-based performance estimation, NannyML's CBPE; Bialek and others, arXiv:2407.08649). That
    sees a shift of the inputs, never a change of the relation between inputs and label. Raises `InputError` for a
    regression.
    """
    if bins.task != "binary":
        raise InputError("a regression's performance cannot be estimated from its predictions", next="wait for labels")
    ones, zeros = (table[:, :-1].astype(np.float64) for table in (windows.positives, windows.negatives))
    counts = windows.predictions[:, :-1].astype(np.float64)
    waiting = counts - ones - zeros
    rate = np.array(calibration.rates)
    said = np.clip(bins.prediction.positions, TINY, 1.0 - TINY)
    loss = waiting @ -(rate * np.log(said) + (1.0 - rate) * np.log1p(-said))
    square = waiting @ (rate * (1.0 - said) ** 2 + (1.0 - rate) * said**2)
    ones, zeros = ones + waiting * rate, zeros + waiting * (1.0 - rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = counts.sum(axis=1)
        scores = {
            "log_loss": (windows.sum("log_loss") + loss) / rows,
            "brier": (windows.sum("square") + square) / rows,
            "accuracy": (ones @ (said >= 0.5) + zeros @ (said < 0.5)) / rows,
            "roc_auc": area(ones, zeros),
        }
    count = {"rows": rows.astype(np.int64), "waiting": waiting.sum(axis=1).astype(np.int64)}
    member = pl.Series(windows.members, dtype=pl.String)
    return pl.DataFrame({"member": member, **count, **{name: scores[name] for name in ESTIMATED}}).fill_nan(None)


def area(ones: Floats, zeros: Floats) -> Floats:
    """AUC from two histograms [members x cells]: [members]; those in one cell are ties."""
    below = np.cumsum(zeros, axis=1) - zeros
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    found: Floats = ((ones * below).sum(axis=1) + (ones * zeros).sum(axis=1) / 2.0) / pairs
    return found
