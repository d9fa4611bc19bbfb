"""How many rows may leave a cascade early, and when none should."""

from __future__ import annotations

import numpy as np
import pytest

from argosy.errors import InputError
from argosy.metric import measure
from argosy.model.format import Model, load
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted
from argosy.training.optimise.cascade import cascade
from argosy.training.optimise.distil import distil
from tests.training.sample import SIGNATURE, some

JUDGES = some(1, 2000)


def fitted(trees: int) -> tuple[str, bytes, Model]:
    parameters = {"n_estimators": trees, "num_leaves": 7, "learning_rate": 0.1}
    learner = Boosted(Estimator("lightgbm:LGBMClassifier", parameters), {}, some(0, 3000), SIGNATURE, 0)
    return learner.portable(SIGNATURE, JUDGES.matrix[:5])[:3]


def taught(large: Model, trees: int) -> tuple[str, bytes, Model]:
    return distil(large, some(0, 3000), SIGNATURE, trees, 0).portable(SIGNATURE, JUDGES.matrix[:5])[:3]


def loss(model: Model) -> float:
    return measure("log_loss", JUDGES.labels, model.predict(JUDGES.matrix)).value


def test_as_many_rows_exit_as_the_metric_bears() -> None:
    large = fitted(40)
    small = taught(large[2], 5)
    shares = []
    for tolerance in (0.02, 0.025):
        format, data, rule, share = cascade(small, large, JUDGES, "log_loss", tolerance)
        made = load(format, data)
        assert loss(made) <= (1 + tolerance) * loss(large[2]) < loss(small[2])
        first = small[2].predict(JUDGES.matrix)
        sure = (first <= rule.low) | (first >= rule.high)
        assert share == pytest.approx(sure.mean()) and np.array_equal(made.predict(JUDGES.matrix)[sure], first[sure])
        shares.append(share)
    assert shares[0] < shares[1] < 1


def test_a_small_model_that_pays_for_itself_in_no_row_is_refused() -> None:
    small, large = fitted(2), fitted(40)
    with pytest.raises(InputError, match=r"may answer 0% of 2000 rows[\s\S]*--tolerance"):
        cascade(small, large, JUDGES, "log_loss", 0.0)
    other = taught(large[2], 5)
    with pytest.raises(InputError, match=r"may answer 11% of 2000 rows[\s\S]*has 19% of its size"):
        cascade(other, large, JUDGES, "log_loss", 0.01)


def test_a_small_model_that_is_good_enough_needs_no_other() -> None:
    small, large = fitted(20), fitted(40)
    with pytest.raises(InputError, match=r"a small model alone[\s\S]*--method distil"):
        cascade(small, large, JUDGES, "log_loss", 0.5)


def test_parts_that_explain_in_different_spaces_are_refused() -> None:
    values = Estimator("lightgbm:LGBMRegressor", {"n_estimators": 3})
    other = Boosted(values, {}, some(0, 3000), SIGNATURE, 0).portable(SIGNATURE, JUDGES.matrix[:5])[:3]
    with pytest.raises(InputError, match="in the space value, those of a small model in log_odds"):
        cascade(fitted(2), other, JUDGES, "log_loss", 0.5)
