"""Scores from windows against scores of the rows, and estimates against the labels that came later."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from argosy.errors import InputError
from argosy.metric import score
from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count
from argosy.monitoring.live import Calibration, expected, live
from tests.monitoring.fleet import MEMBERS, bins, rows, windows


def test_binary_scores_equal_those_of_the_rows() -> None:
    frame = rows(40)
    on = bins(frame)
    table = live(windows(frame, on), on)
    for place, row in enumerate(table.iter_rows(named=True)):
        told = frame.filter((pl.col("code") == place) & pl.col("label").is_not_null())
        y, p = told["label"].to_numpy(), told["prediction"].to_numpy()
        assert row["member"] == MEMBERS[place]
        assert row["labels"] == len(told)
        assert row["log_loss"] == pytest.approx(score("log_loss", y, p))
        assert row["brier"] == pytest.approx(score("brier", y, p))
        assert row["bias"] == pytest.approx((p - y).mean())
        assert abs(row["roc_auc"] - score("roc_auc", y, p)) <= row["roc_auc_bound"] < 0.01
        assert row["roc_auc_low"] < row["roc_auc"] < row["roc_auc_high"]


def test_regression_scores_equal_those_of_the_rows() -> None:
    random = np.random.default_rng(41)
    y = random.normal(size=500) * 9
    frame = pl.DataFrame({"x": y, "p": y + random.normal(size=500), "y": y})
    on = Bins.fit(frame, task="regression", prediction="p", features=["x"])
    row = live(count(frame, ["m"], np.zeros(500, dtype=int), on, prediction="p", label="y"), on).row(0, named=True)
    for name in ("rmse", "mae", "r2"):
        assert row[name] == pytest.approx(score(name, y, frame["p"].to_numpy()))


def test_members_without_labels_are_null() -> None:
    frame = rows(42).with_columns(label=pl.lit(None, dtype=pl.Float64))
    on = bins(frame)
    table = live(windows(frame, on), on)
    assert table["labels"].sum() == 0
    assert table["roc_auc"].null_count() == len(MEMBERS)


def test_estimate_follows_a_shift_of_the_inputs_without_labels() -> None:
    reference = rows(43, 40_000)
    on = bins(reference)
    calibration = Calibration.fit(windows(reference, on), on)
    shifted = windows(rows(44, 40_000, shift=0.8), on)
    told, guess, before = live(shifted, on), expected(shifted, on, calibration), live(windows(reference, on), on)
    for name in ("log_loss", "brier", "roc_auc", "label_mean"):
        gap = (told[name] - guess[name]).abs().max()
        moved = (told[name] - before[name]).abs().min()
        assert isinstance(gap, float)
        assert isinstance(moved, float)
        assert gap < max(0.25 * moved, 0.02)


def test_calibration_repairs_an_overconfident_model_and_never_falls() -> None:
    frame = rows(45, 40_000).with_columns(prediction=pl.col("prediction") ** 2)
    on = bins(frame)
    window = windows(frame, on)
    calibration = Calibration.fit(window, on)
    assert (np.diff(calibration.rates) >= 0).all()
    fitted, told = expected(window, on, calibration), live(window, on)
    np.testing.assert_allclose(fitted["label_mean"], told["label_mean"], atol=0.02)
    np.testing.assert_allclose(fitted["log_loss"], told["log_loss"], atol=0.02)


def test_what_cannot_be_estimated_is_refused() -> None:
    frame = rows(46, 100)
    on = bins(frame)
    with pytest.raises(InputError, match="labelled rows"):
        Calibration.fit(windows(frame.with_columns(label=pl.lit(None, dtype=pl.Float64)), on), on)
    other = Bins.fit(frame, task="regression", prediction="prediction", features=["temp"])
    with pytest.raises(InputError, match="regression"):
        expected(count(frame, MEMBERS, frame["code"], other), other, Calibration(()))
