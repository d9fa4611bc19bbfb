from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from xgboost import XGBClassifier

from argosy.errors import DeclarationError
from argosy.model import forest
from argosy.model.signature import Signature
from argosy.training.plain import Plain
from tests.training.sample import SIGNATURE, some

pytestmark = pytest.mark.slow  # the converters to ONNX take seconds to import


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), RandomForestClassifier(8), HistGradientBoostingClassifier(max_iter=8), GaussianNB()],
)
def test_missing_values_categories_and_empty_columns_travel_into_the_portable_form(estimator: Any) -> None:
    data = some(0)
    data.matrix[:, 1] = np.nan
    model = Plain(estimator, data, SIGNATURE, 0)
    unseen = data.matrix[:50].copy()
    unseen[:, 3] = 7.0
    for rows in (data.matrix[:50], unseen):
        format, _, loaded, difference = model.portable(SIGNATURE, rows)
        assert (format, difference < 1e-5) == ("onnx", True)
        np.testing.assert_allclose(loaded.predict(rows), model.predict(rows), atol=1e-5)


@pytest.mark.parametrize("estimator", [XGBClassifier(n_estimators=8), LGBMClassifier(n_estimators=8, verbose=-1)])
def test_a_library_with_a_form_of_its_own_is_proven_exactly(estimator: Any) -> None:
    data = some(0)
    model = Plain(estimator, data, SIGNATURE, 0)
    format, _, loaded, difference = model.portable(SIGNATURE, data.matrix[:50])
    assert (format, difference) == ("xgboost" if "XGB" in str(estimator) else "lightgbm", 0.0)
    np.testing.assert_array_equal(loaded.predict(data.matrix), model.predict(data.matrix))
    importance = model.importance()
    assert importance is not None and importance.argmax() == 0


class Offset(Ridge):
    """A regressor of nobody's but this module's, which no converter knows."""

    def predict(self, rows: Any) -> Any:
        return super().predict(rows) + 1.0


def test_an_estimator_without_a_form_is_pickled_where_it_is_trusted() -> None:
    data, signature = some(0), Signature(SIGNATURE.features, "regression", "delay")
    with pytest.raises(DeclarationError, match=r"Candidate\(..., trusted=True\)"):
        Plain(Offset(), data, signature, 0).portable(signature, data.matrix[:50])
    model = Plain(Offset(), data, signature, 0, trusted=True)
    format, _, loaded, difference = model.portable(signature, data.matrix[:50])
    assert (format, difference) == ("pickle", 0.0)
    np.testing.assert_array_equal(loaded.predict(data.matrix), model.predict(data.matrix))
    np.testing.assert_allclose(loaded.explain(data.matrix[:2]).sum(axis=1), loaded.predict(data.matrix[:2]))
    format, *_ = Plain(LogisticRegression(), some(0), SIGNATURE, 0, trusted=True).portable(SIGNATURE, data.matrix[:50])
    assert format == "onnx"


def test_xgboost_splits_categories_as_such_on_one_thread() -> None:
    data = some(0)
    _, content, _, _ = Plain(XGBClassifier(n_estimators=8), data, SIGNATURE, 0).portable(SIGNATURE, data.matrix[:9])
    assert sum(len(tree["categories"]) for tree in forest.read(content).trees) > 0
    _, content, _, _ = Plain(XGBClassifier(tree_method="exact"), data, SIGNATURE, 0).portable(SIGNATURE, data.matrix)
    assert sum(len(tree["categories"]) for tree in forest.read(content).trees) == 0


def test_a_linear_model_leans_on_what_the_labels_lean_on() -> None:
    importance = Plain(LogisticRegression(), some(0, 2000), SIGNATURE, 0).importance()
    assert importance is not None and importance.shape == (4,)
    assert importance.argmax() == 0 and importance.argsort()[-2] == 3
    assert Plain(GaussianNB(), some(0), SIGNATURE, 0).importance() is None


def test_a_regression_is_proven_on_the_scale_of_its_labels() -> None:
    data = some(0)
    target = data._replace(labels=1e5 * np.nan_to_num(data.matrix[:, 0]))
    signature = Signature(SIGNATURE.features, "regression", "delay")
    _, _, loaded, _ = Plain(Ridge(), target, signature, 0).portable(signature, data.matrix[:50])
    assert np.corrcoef(loaded.predict(data.matrix), target.labels)[0, 1] > 0.95


def test_a_form_that_answers_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = some(0)
    model = Plain(LogisticRegression(), data, SIGNATURE, 0)
    monkeypatch.setattr("argosy.training.plain._TOLERANCE", -1.0)
    with pytest.raises(DeclarationError, match="exported form"):
        model.portable(SIGNATURE, data.matrix[:10])


@pytest.mark.parametrize("form", [VotingClassifier, StackingClassifier])
def test_an_ensemble_is_prepared_seeded_and_proven_as_one_model(form: Any) -> None:
    parts = [("boosted", LGBMClassifier(n_estimators=5, verbose=-1)), ("forest", RandomForestClassifier(5))]
    data, options = some(0), {"voting": "soft"} if form is VotingClassifier else {"cv": 2}
    one, two = (Plain(form(parts, **options), data, SIGNATURE, 1) for _ in range(2))
    assert np.array_equal(one.predict(data.matrix), two.predict(data.matrix))
    other = Plain(form([parts[0], ("forest", RandomForestClassifier(5))], **options), data, SIGNATURE, 2)
    assert not np.array_equal(one.predict(data.matrix), other.predict(data.matrix)), "the seed reaches the forest"
    format, _, loaded, difference = one.portable(SIGNATURE, data.matrix[:50])
    assert format == "onnx" and difference < 1e-5 and np.isnan(data.matrix).any()
    np.testing.assert_allclose(loaded.predict(data.matrix), one.predict(data.matrix), atol=1e-5)


def test_the_same_seed_gives_the_same_model() -> None:
    data = some(0)
    one, two, other = (Plain(RandomForestClassifier(5), data, SIGNATURE, s).predict(data.matrix) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
