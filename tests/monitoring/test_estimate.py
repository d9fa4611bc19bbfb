"""Estimates against the labels that came later."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from argosy.errors import InputError
from argosy.metric import score
from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count
from argosy.monitoring.estimate import ESTIMATED, Calibration, expected
from argosy.monitoring.window import Windows
from tests.monitoring.fleet import MEMBERS, bins, rows, windows


def unlabelled(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(label=pl.lit(None, dtype=pl.Float64))


def scores(frame: pl.DataFrame, name: str) -> list[float]:
    """A score of each member over its labelled rows."""
    told = [frame.filter(pl.col("code") == place).drop_nulls("label") for place in range(len(MEMBERS))]
    return [score(name, each["label"].to_numpy(), each["prediction"].to_numpy()) for each in told]


def test_where_every_label_is_known_the_estimate_is_the_score() -> None:
    frame = rows(40).drop_nulls("label")
    on = bins(frame)
    window = windows(frame, on)
    found = expected(window, on, Calibration.fit(window, on))
    assert found["member"].to_list() == list(MEMBERS)
    assert found["waiting"].to_list() == [0] * len(MEMBERS)
    assert found["rows"].to_list() == window.rows.tolist()
    for name in ("log_loss", "brier", "accuracy"):
        np.testing.assert_allclose(found[name], scores(frame, name))
    np.testing.assert_allclose(found["roc_auc"], scores(frame, "roc_auc"), atol=0.01)


def test_a_member_without_rows_has_no_estimate() -> None:
    frame = rows(42)
    on = bins(frame)
    table = expected(Windows.empty(on, ["a"]), on, Calibration.fit(windows(frame, on), on))
    assert table.select("rows", "waiting", *ESTIMATED).rows() == [(0, 0, None, None, None, None)]


@pytest.mark.parametrize("known", [0.0, 0.5])
def test_the_estimate_follows_a_shift_of_the_inputs_before_the_labels_come(known: float) -> None:
    reference = rows(43, 40_000)
    on = bins(reference)
    calibration = Calibration.fit(windows(reference, on), on)
    shifted = rows(44, 40_000, shift=0.8)
    early = shifted.with_columns(label=pl.when(pl.int_range(pl.len()) < known * 40_000).then("label"))
    guess = expected(windows(early, on), on, calibration)
    for name in ("log_loss", "brier", "roc_auc"):
        told, before = np.array(scores(shifted, name)), np.array(scores(reference, name))
        assert np.abs(told - guess[name].to_numpy()).max() < max(0.25 * np.abs(told - before).min(), 0.02)


def test_calibration_repairs_an_overconfident_model_and_never_falls() -> None:
    frame = rows(45, 40_000).with_columns(prediction=pl.col("prediction") ** 2)
    on = bins(frame)
    calibration = Calibration.fit(windows(frame, on), on)
    assert (np.diff(calibration.rates) >= 0).all()
    fitted = expected(windows(unlabelled(frame), on), on, calibration)
    np.testing.assert_allclose(fitted["log_loss"], scores(frame, "log_loss"), atol=0.02)


def test_what_cannot_be_estimated_is_refused() -> None:
    frame = rows(46, 100)
    on = bins(frame)
    with pytest.raises(InputError, match="labelled rows"):
        Calibration.fit(windows(unlabelled(frame), on), on)
    other = Bins.fit(frame, task="regression", prediction="prediction", features=["temp"])
    with pytest.raises(InputError, match="regression"):
        expected(count(frame, MEMBERS, frame["code"], other), other, Calibration(()))
