"""Ensembles of scikit-learn that hold LightGBM, against what they answer themselves."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import is_classifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from argosy.errors import DeclarationError
from argosy.model.export import answers, export, prove
from argosy.model.format import load
from argosy.model.single import single
from tests.model.conftest import Fitted

pytestmark = pytest.mark.slow  # the converters to ONNX take seconds to import
QUIET = {"n_estimators": 8, "num_leaves": 7, "verbose": -1, "n_jobs": 1, "random_state": 0}
FOREST = {"n_estimators": 6, "max_depth": 4, "random_state": 0}
CLASSES = [
    ("boosted", LGBMClassifier(**QUIET)),
    ("linear", LogisticRegression()),
    ("forest", RandomForestClassifier(**FOREST)),
]
VALUES = [("boosted", LGBMRegressor(**QUIET)), ("linear", Ridge()), ("forest", RandomForestRegressor(**FOREST))]


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(SimpleImputer(), VotingClassifier(CLASSES, voting="soft")),
        make_pipeline(SimpleImputer(), VotingClassifier(CLASSES, voting="soft", weights=[3, 1, 2])),
        make_pipeline(SimpleImputer(), StackingClassifier(CLASSES, cv=2)),
        make_pipeline(SimpleImputer(), StackingClassifier(CLASSES, LGBMClassifier(**QUIET), cv=2, passthrough=True)),
        VotingClassifier(
            [CLASSES[0], ("histogram", HistGradientBoostingClassifier(max_iter=5)), ("none", "drop")],
            voting="soft", weights=[1, 3, 5],
        ),
        make_pipeline(SimpleImputer(), VotingRegressor(VALUES)),
        make_pipeline(SimpleImputer(), VotingRegressor(VALUES, weights=[1, 0, 2])),
        make_pipeline(SimpleImputer(), StackingRegressor(VALUES, cv=2)),
        make_pipeline(SimpleImputer(), LGBMRegressor(objective="poisson", **QUIET)),
        make_pipeline(
            SimpleImputer(), LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **QUIET)
        ),
    ],
)  # fmt: skip
def test_ensembles_are_one_graph_that_answers_as_they_do(fitted: Fitted, estimator: Any) -> None:
    binary = is_classifier(estimator)
    signature = msgspec.structs.replace(fitted.signature, task="binary" if binary else "regression")
    label = answers(fitted.estimator, fitted.matrix)
    matrix = fitted.matrix.astype(np.float32).astype(np.float64)
    estimator.fit(matrix, label > 0.5 if binary else label)
    format, data = export(estimator, signature, matrix[:10])
    model = load(format, data)
    assert format == "onnx" and prove(estimator, model, matrix, 1e-5) <= 1e-5
    assert np.ptp(model.predict(matrix)) > 0.1
    np.testing.assert_array_equal(load("onnx", single(data)).predict(matrix), model.predict(matrix))
    assert {entry.domain: entry.version for entry in onnx.load_model_from_string(data).opset_import}["ai.onnx.ml"] == 3
    score = model.explain(matrix[:3]).sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-score)) if binary else score, model.predict(matrix[:3]), rtol=1e-5)


@pytest.mark.parametrize(("centred", "scaled"), [(True, True), (True, False), (False, True), (False, False)])
def test_whole_numbers_are_scaled_so_that_a_forest_splits_them_as_it_was_fitted(
    fitted: Fitted, *, centred: bool, scaled: bool
) -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 2400, (3000, 4)).astype(np.float64)
    matrix[:, 0] = rng.choice([10.0, 12.0, 14.0, 16.0, 18.0, 22.0], 3000)
    late = (matrix[:, 0] * 60 + matrix[:, 1] + rng.normal(size=3000) * 300) > 2000
    estimator = make_pipeline(
        StandardScaler(with_mean=centred, with_std=scaled), RandomForestClassifier(30, random_state=0, max_depth=8)
    )
    estimator.fit(matrix, late)
    assert prove(estimator, load(*export(estimator, fitted.signature, matrix[:20])), matrix, 1e-6) <= 1e-6


def test_a_tree_of_one_leaf_and_a_missing_value_find_their_way(fitted: Fitted) -> None:
    flat = LGBMRegressor(**QUIET | {"n_estimators": 3, "min_child_samples": 300})
    ensemble = VotingRegressor([("flat", flat), ("boosted", LGBMRegressor(**QUIET))])
    signature = msgspec.structs.replace(fitted.signature, task="regression")
    matrix = fitted.matrix.astype(np.float32).astype(np.float64)
    assert np.isnan(matrix).any()
    ensemble.fit(matrix, np.nan_to_num(matrix[:, 0]))
    assert prove(ensemble, load(*export(ensemble, signature, matrix[:10])), matrix, 1e-5) <= 1e-5


def test_categories_within_an_ensemble_are_refused(fitted: Fitted) -> None:
    ensemble = VotingClassifier([CLASSES[0], ("histogram", HistGradientBoostingClassifier(max_iter=2))], voting="soft")
    ensemble.fit(fitted.matrix, answers(fitted.estimator, fitted.matrix) > 0.5)
    ensemble.estimators_[0] = fitted.estimator
    with pytest.raises(DeclarationError, match="splits feature 3 as categories"):
        export(ensemble, fitted.signature, fitted.matrix[:10])
