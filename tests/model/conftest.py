"""One small data set and the models fitted on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from lightgbm import LGBMClassifier
from xgboost import XGBClassifier

from argosy.model.matrix import Matrix
from argosy.model.signature import Feature, Signature


class Fitted(NamedTuple):
    """A classifier with a categorical and missing values, its rows and its signature."""

    estimator: LGBMClassifier
    matrix: Matrix
    signature: Signature
    text: bytes


@pytest.fixture(scope="session")
def fitted() -> Fitted:
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(400, 4))
    matrix[:, 3] = rng.integers(0, 6, 400)
    late = matrix[:, 0] + np.isin(matrix[:, 3], [1, 4]) + rng.normal(size=400) > 0.5
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    estimator = LGBMClassifier(n_estimators=12, num_leaves=7, min_child_samples=5, verbose=-1, n_jobs=1)
    estimator.fit(matrix, late, categorical_feature=[3])
    signature = Signature(tuple(Feature(f"x{i}", "number") for i in range(4)), "binary", "late")
    return Fitted(estimator, matrix, signature, estimator.booster_.model_to_string().encode())


class Boosted(NamedTuple):
    """The same rows learned by XGBoost, with the labels."""

    estimator: XGBClassifier
    matrix: Matrix
    late: npt.NDArray[np.bool_]
    data: bytes


@pytest.fixture(scope="session")
def boosted(fitted: Fitted) -> Boosted:
    late = fitted.estimator.predict(fitted.matrix)
    kinds = ["q", "q", "q", "c"]
    estimator = XGBClassifier(n_estimators=12, max_depth=4, n_jobs=1, feature_types=kinds, enable_categorical=True)
    estimator.fit(fitted.matrix, late)
    return Boosted(estimator, fitted.matrix, late, bytes(estimator.get_booster().save_raw("ubj")))
