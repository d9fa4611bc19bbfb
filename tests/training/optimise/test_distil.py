from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from argosy.model.format import load
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted
from argosy.training.optimise.distil import distil
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
