"""XGBoost's trees as an ONNX graph, against what XGBoost answers itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xgboost import XGBClassifier, XGBRegressor

from argosy.errors import CorruptError, InputError
from argosy.model import forest
from argosy.model.boosted import convert
from argosy.model.format import load
from argosy.model.matrix import Matrix

KINDS = ["q", "q", "q", "c", "q"]


def rows() -> Matrix:
    """Rows with categories up to 90, zeros, missing values and numbers that float32 rounds."""
    rng = np.random.default_rng(0)
    found = rng.normal(size=(1500, 5))
    found[:, 1] = rng.integers(0, 9, len(found)) / 10
    found[:, 3] = rng.integers(0, 90, len(found))
    found[rng.random(found.shape) < 0.05] = np.nan
    return found


def beyond(matrix: Matrix) -> Matrix:
    """The same rows, rows that no training saw, and numbers on the thresholds themselves."""
    odd = [np.full((1, matrix.shape[1]), value) for value in (np.nan, 0.0, 3.0, 89.0, 1e6)]
    exact = matrix.astype(np.float32).astype(np.float64)
    return np.concatenate([matrix, exact, np.nextafter(exact, -np.inf), *odd])


def fitted(estimator: Any, matrix: Matrix) -> bytes:
    label = np.nan_to_num(matrix[:, 0]) + 2 * np.isin(matrix[:, 3], [1, 4, 33, 64, 77]) + np.nan_to_num(matrix[:, 1])
    objective = estimator.get_params()["objective"]
    if objective in ("binary:logistic", "reg:logistic"):
        label = (label > 0.5).astype(float)
    elif objective in ("count:poisson", "reg:gamma", "reg:tweedie"):
        label = np.exp(label / 3)
    estimator.set_params(n_jobs=1, n_estimators=20, random_state=0, feature_types=KINDS, enable_categorical=True)
    estimator.fit(matrix, label)
    return bytes(estimator.get_booster().save_raw("ubj"))


@pytest.mark.parametrize(
    "estimator",
    [
        XGBRegressor(),
        XGBRegressor(max_cat_to_onehot=100),
        XGBRegressor(objective="reg:quantileerror", quantile_alpha=0.9),
        XGBRegressor(objective="count:poisson"),
        XGBRegressor(objective="reg:tweedie"),
        XGBRegressor(gamma=1e9),
        XGBRegressor(base_score=3.5, num_parallel_tree=2),
        XGBClassifier(),
        XGBClassifier(base_score=0.2, max_depth=9),
    ],
    ids=["squares", "one hot", "quantile", "poisson", "tweedie", "no splits", "base", "binary", "deep"],
)
def test_answers_are_those_of_xgboost(estimator: Any) -> None:
    matrix = rows()
    data = fitted(estimator, matrix)
    every = beyond(matrix)
    wanted, found = load("xgboost", data).predict(every), load("onnx", convert(data)).predict(every)
    assert np.max(np.abs(found - wanted)) < 2e-6 * np.max(np.abs(wanted))
    assert wanted.std() > 0.01 or estimator.get_params()["gamma"] == 1e9


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(CorruptError, match="not an XGBoost model"):
        convert(b"tree")


def test_a_start_that_is_no_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = fitted(XGBClassifier(), rows())
    monkeypatch.setattr("argosy.model.boosted.read", lambda data: forest.Forest(5, "binary:logistic", 1.0, []))
    with pytest.raises(InputError, match=r"starts from the answer 1\.0"):
        convert(data)
