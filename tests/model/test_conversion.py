"""LightGBM's text as an ONNX graph, against what LightGBM answers itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor

from argosy.errors import CorruptError, InputError
from argosy.model.conversion import convert
from argosy.model.format import load
from argosy.model.matrix import Matrix
from tests.model.conftest import Fitted


def rows() -> Matrix:
    """Rows with categories up to 90, zeros and missing values."""
    rng = np.random.default_rng(0)
    found = rng.normal(size=(1500, 5))
    found[:, 3] = rng.integers(0, 90, len(found))
    found[rng.random(found.shape) < 0.05] = np.nan
    found[rng.random(found.shape) < 0.05] = 0.0
    return found


def beyond(matrix: Matrix) -> Matrix:
    """The same rows, and rows that no training saw."""
    odd = [np.full((1, matrix.shape[1]), value) for value in (np.nan, 0.0, -3.7, 3.7, -0.4, 1e6, np.inf, -np.inf)]
    return np.concatenate([matrix, matrix[:300] * 50, *odd])


def fitted(estimator: Any, matrix: Matrix) -> bytes:
    label = np.nan_to_num(matrix[:, 0]) + 2 * np.isin(matrix[:, 3], [1, 4, 33, 64, 77])
    objective = estimator.get_params()["objective"]
    if isinstance(estimator, LGBMClassifier):
        label = label > 0.5
    elif objective in ("poisson", "gamma", "tweedie"):
        label = np.exp(label / 3)
    elif objective == "cross_entropy":
        label = (label > 0.5) * 0.7
    estimator.set_params(n_jobs=1, verbose=-1, n_estimators=20, random_state=0)
    estimator.fit(matrix, label, categorical_feature=[3])
    text: str = estimator.booster_.model_to_string()
    return text.encode()


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMRegressor(),
        LGBMRegressor(objective="quantile", alpha=0.9),
        LGBMRegressor(reg_sqrt=True),
        LGBMRegressor(use_missing=False),
        LGBMRegressor(min_child_samples=1400),
    ],
    ids=["regression", "quantile", "sqrt", "no missing", "few splits"],
)
def test_sums_of_trees_are_the_same_to_the_last_bit(estimator: Any) -> None:
    text = fitted(estimator, rows())
    asked = beyond(rows())
    model, graph = load("lightgbm", text), load("onnx", convert(text))
    assert np.array_equal(model.predict(asked), graph.predict(asked))
    assert np.array_equal(model.predict(asked[-3:-2]), graph.predict(asked[-3:-2]))


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMClassifier(),
        LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5),
        LGBMRegressor(objective="cross_entropy"),
        LGBMRegressor(objective="poisson"),
        LGBMRegressor(objective="gamma"),
        LGBMRegressor(objective="tweedie"),
    ],
    ids=["binary", "forest", "cross_entropy", "poisson", "gamma", "tweedie"],
)
def test_what_undoes_the_objective_agrees_to_the_last_digits(estimator: Any) -> None:
    text = fitted(estimator, rows())
    asked = beyond(rows())
    wanted, seen = load("lightgbm", text).predict(asked), load("onnx", convert(text)).predict(asked)
    assert np.allclose(wanted, seen, rtol=1e-15, atol=1e-15) and wanted.std() > 0


def test_a_model_without_a_split_has_a_graph() -> None:
    text = fitted(LGBMRegressor(min_child_samples=5000), rows())
    assert b"num_leaves=1\n" in text
    assert np.array_equal(load("onnx", convert(text)).predict(rows()), load("lightgbm", text).predict(rows()))


def test_zeros_that_go_their_own_way_are_refused() -> None:
    with pytest.raises(InputError, match=r"zeros another way[\s\S]*zero_as_missing=False"):
        convert(fitted(LGBMRegressor(zero_as_missing=True), rows()))


def test_an_objective_without_a_form_is_named(fitted: Fitted) -> None:
    text = fitted.text.replace(b"objective=binary sigmoid:1", b"objective=cross_entropy_lambda")
    with pytest.raises(InputError, match="'cross_entropy_lambda' has no ONNX form"):
        convert(text)


def test_what_is_no_text_of_lightgbm_is_corrupt() -> None:
    with pytest.raises(CorruptError):
        convert(b"garbage")
