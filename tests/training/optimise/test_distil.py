from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from argosy.model.ensemble import Ensemble
from argosy.model.format import load
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted
from argosy.training.optimise.distil import distil
from argosy.training.quantile import Spread
from tests.training.sample import SIGNATURE, some


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_pupil_answers_as_its_teacher_with_fewer_trees(task: str) -> None:
    rows, others = some(0, 3000), some(1, 500)
    signature = replace(SIGNATURE, task=task)
    kind = "LGBMClassifier" if task == "binary" else "LGBMRegressor"
    if task == "regression":
        rows = rows._replace(labels=np.nan_to_num(rows.matrix[:, 0]) * 100 + rows.labels)
    large = Boosted(Estimator(f"lightgbm:{kind}", {"n_estimators": 200, "learning_rate": 0.05}), {}, rows, signature, 0)
    _, data, teacher, _ = large.portable(signature, others.matrix)
    pupil = distil(teacher, rows, signature, 30, 0)
    format, small, model, _ = pupil.portable(signature, others.matrix)
    assert format == "lightgbm" and len(small) < len(data) / 5 and small.count(b"\nTree=") == 30
    said, taught = model.predict(others.matrix), teacher.predict(others.matrix)
    assert np.corrcoef(said, taught)[0, 1] > 0.9
    if task == "binary":
        assert said.min() > 0 and said.max() < 1
    assert np.array_equal(said, load("lightgbm", small).predict(others.matrix))


def test_of_quantiles_each_is_learned() -> None:
    rows, others, signature = some(0, 3000), some(1, 500), replace(SIGNATURE, task="regression")
    rows = rows._replace(labels=np.nan_to_num(rows.matrix[:, 0]) * 100 + rows.labels)
    levels = (0.1, 0.5, 0.9)
    large = [
        Boosted(
            Estimator("lightgbm:LGBMRegressor", {"n_estimators": 100, "objective": "quantile", "alpha": level}),
            {}, rows, signature, 0,
        )
        for level in levels
    ]  # fmt: skip
    _, data, teacher, _ = Spread(large, levels).portable(signature, others.matrix)
    format, small, model, difference = distil(teacher, rows, signature, 20, 0).portable(signature, others.matrix)
    assert (format, difference) == ("ensemble", 0.0) and len(small) < len(data) / 5
    assert isinstance(model, Ensemble) and isinstance(teacher, Ensemble) and model.levels == levels
    said, taught = model.quantiles(others.matrix), teacher.quantiles(others.matrix)
    assert (np.diff(said, axis=1) >= 0).all()
    for place in range(len(levels)):
        assert np.corrcoef(said[:, place], taught[:, place])[0, 1] > 0.9
    assert np.array_equal(said[:, 1], model.predict(others.matrix))
