"""Live performance from windows alone: exact where sums suffice, bounded where histograms stand in; and
the same before any label has come, from calibrated probabilities.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.metric.tail import normal_quantile
from argosy.monitoring.bins import Bins
from argosy.monitoring.window import Windows

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


def live(windows: Windows, bins: Bins, level: float = 0.95) -> pl.DataFrame:
    """Scores per member over the rows whose label is known: null where there is none.

    Columns: `member`, `rows`, `labels`, `label_mean`, `prediction_mean` (of labelled rows), `bias`; for a binary
    fleet exact `log_loss` and `brier`, and `roc_auc` from the two histograms, within `roc_auc_bound` of the exact
    value (half the chance that a positive and a negative share a cell), with `roc_auc_low` and `roc_auc_high` (Hanley
    and McNeil, Radiology 143 (1982) 29-36, widened by the bound); for a regression exact `rmse`, `mae`, `r2`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        n = windows.sum("labels")
        mean = windows.sum("label") / n
        predicted = windows.sum("labelled_prediction") / n
        columns: dict[str, object] = {
            "member": pl.Series(windows.members, dtype=pl.String),
            "rows": windows.rows,
            "labels": n.astype(np.uint32),
            "label_mean": mean,
            "prediction_mean": predicted,
            "bias": predicted - mean,
        }
        if bins.task == "binary":
            ones, zeros = (table[:, :-1].astype(np.float64) for table in (windows.positives, windows.negatives))
            auc, bound = area(ones, zeros)
            half = normal_quantile(level) * _hanley(auc, ones.sum(axis=1), zeros.sum(axis=1)) + bound
            columns |= {"log_loss": windows.sum("log_loss") / n, "brier": windows.sum("square") / n, "roc_auc": auc}
            columns |= {"roc_auc_bound": bound}
            columns |= {"roc_auc_low": np.clip(auc - half, 0.0, 1.0), "roc_auc_high": np.clip(auc + half, 0.0, 1.0)}
        else:
            variance = windows.sum("label_square") / n - mean**2
            square = windows.sum("square") / n
            r2 = np.where(variance > 0.0, 1.0 - square / variance, np.nan)
            columns |= {"rmse": np.sqrt(square), "mae": windows.sum("absolute") / n, "r2": r2}
    return pl.DataFrame(columns).fill_nan(None)


def expected(windows: Windows, bins: Bins, calibration: Calibration) -> pl.DataFrame:
    """What the scores would be if the calibration still holds, without any label: `member`, `rows`, `label_mean`,
    `log_loss`, `brier`, `accuracy`, `roc_auc`.

    Confidence-based performance estimation: each row counts as positive with its calibrated probability (NannyML's
    CBPE; Bialek and others, arXiv:2407.08649). It sees a shift of the inputs, never a change of the relation between
    inputs and label. Raises `InputError` for a regression.
    """
    if bins.task != "binary":
        raise InputError("a regression's performance cannot be estimated from its predictions", next="wait for labels")
    counts = windows.predictions[:, :-1].astype(np.float64)
    rate = np.array(calibration.rates)
    said = np.clip(bins.prediction.positions, TINY, 1.0 - TINY)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / counts.sum(axis=1, keepdims=True)
        auc, _ = area(counts * rate, counts * (1.0 - rate))
    return pl.DataFrame(
        {
            "member": pl.Series(windows.members, dtype=pl.String),
            "rows": windows.rows,
            "label_mean": share @ rate,
            "log_loss": share @ -(rate * np.log(said) + (1.0 - rate) * np.log1p(-said)),
            "brier": share @ (rate * (1.0 - said) ** 2 + (1.0 - rate) * said**2),
            "accuracy": share @ np.where(said >= 0.5, rate, 1.0 - rate),
            "roc_auc": auc,
        }
    ).fill_nan(None)


def area(ones: Floats, zeros: Floats) -> tuple[Floats, Floats]:
    """AUC from two histograms [members x cells], and the most it may differ from that of the rows: [members] each."""
    below = np.cumsum(zeros, axis=1) - zeros
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    tied = (ones * zeros).sum(axis=1) / 2.0
    return ((ones * below).sum(axis=1) + tied) / pairs, tied / pairs


def _hanley(auc: Floats, ones: Floats, zeros: Floats) -> Floats:
    first, second = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    variance = auc * (1.0 - auc) + (ones - 1.0) * (first - auc**2) + (zeros - 1.0) * (second - auc**2)
    return np.sqrt(np.maximum(variance, 0.0) / (ones * zeros))
