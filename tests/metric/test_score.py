"""Scores against scikit-learn, and what happens where they are undefined or the input is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from argosy.errors import InputError, UnknownError
from argosy.metric import SCORES, known, measure, score

BINARY = {
    "roc_auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier_score_loss,
    "accuracy": lambda y, p: metrics.accuracy_score(y, p >= 0.5),
    "precision": lambda y, p: metrics.precision_score(y, p >= 0.5),
    "recall": lambda y, p: metrics.recall_score(y, p >= 0.5),
    "f1": lambda y, p: metrics.f1_score(y, p >= 0.5),
}
REGRESSION = {
    "rmse": metrics.root_mean_squared_error,
    "mae": metrics.mean_absolute_error,
    "mape": metrics.mean_absolute_percentage_error,
    "r2": metrics.r2_score,
    "bias": lambda y, p: np.mean(p - y),
}


def test_every_registered_score_has_a_reference() -> None:
    assert set(SCORES) == set(BINARY) | set(REGRESSION)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("decimals", [1, 6])
def test_binary_equals_reference(name: str, decimals: int) -> None:
    random = np.random.default_rng(1)
    y = (random.random(300) < 0.3).astype(float)
    p = np.clip(0.3 * y + 0.7 * random.random(300), 0.0, 1.0).round(decimals)
    assert score(name, y, p) == pytest.approx(BINARY[name](y, p), rel=1e-12)


@pytest.mark.parametrize("name", REGRESSION)
def test_regression_equals_reference(name: str) -> None:
    random = np.random.default_rng(2)
    y = 50.0 + random.normal(size=300) * 9.0
    p = y + random.normal(size=300)
    assert score(name, y, p) == pytest.approx(REGRESSION[name](y, p), rel=1e-12)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40).filter(
        lambda rows: len({label for label, _ in rows}) == 2
    )
)
def test_ranking_scores_equal_reference_with_ties(rows: list[tuple[bool, int]]) -> None:
    y = np.array([label for label, _ in rows])
    p = np.array([place for _, place in rows]) / 6.0
    assert score("roc_auc", y, p) == pytest.approx(metrics.roc_auc_score(y, p))
    assert score("average_precision", y, p) == pytest.approx(metrics.average_precision_score(y, p))


@pytest.mark.parametrize(
    ("name", "y", "p", "words"),
    [
        ("roc_auc", [1, 1], [0.2, 0.4], "both classes"),
        ("average_precision", [0, 0], [0.2, 0.4], "positive label"),
        ("precision", [0, 1], [0.2, 0.4], "predicted positive"),
        ("mape", [0.0, 1.0], [0.2, 0.4], "other than 0"),
        ("r2", [3.0, 3.0], [0.2, 0.4], "differ"),
        ("brier", [], [], "needs a row"),
    ],
)
def test_undefined_is_nan_with_a_reason(name: str, y: list[float], p: list[float], words: str) -> None:
    found = measure(name, y, p)
    assert math.isnan(found.value)
    assert words in found.reason
    assert math.isnan(score(name, y, p))


def test_extreme_probabilities_keep_log_loss_finite() -> None:
    assert score("log_loss", [1, 0], [0.0, 1.0]) == pytest.approx(-math.log(np.finfo(float).eps))


@pytest.mark.parametrize(
    ("name", "y", "p", "words"),
    [
        ("roc_auc", [0, 2], [0.1, 0.2], "0 or 1"),
        ("roc_auc", [0, 1], [0.1, 1.2], "beyond 0 to 1"),
        ("mae", [0, 1], [0.1], "2 rows"),
        ("mae", [0, 1], [0.1, math.nan], "1 of 2 values"),
        ("mae", [[0, 1]], [0.1], "one dimension"),
    ],
)
def test_wrong_input_is_refused(name: str, y: list[float], p: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        score(name, y, p)


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownError, match="'roc_auc'"):
        known("roc_acu")
    with pytest.raises(UnknownError, match="log_loss"):
        known("zzz")


def test_gain_is_positive_when_better() -> None:
    assert known("roc_auc").gain(0.8, 0.7) > 0
    assert known("log_loss").gain(0.3, 0.4) > 0
    assert known("bias").gain(-1.0, 2.0) > 0
    assert known("bias").gain(-3.0, 2.0) < 0
