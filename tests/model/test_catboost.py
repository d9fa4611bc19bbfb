"""CatBoost's models as ONNX: trained in an environment that holds it, scored without it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from argosy.model.format import load
from argosy.model.single import single
from tests.training.sample import some

pytestmark = pytest.mark.slow


def test_estimators_answer_as_their_graphs_do(apart: Callable[[str], Path], tmp_path: Path) -> None:
    [packages] = (apart("catboost") / "lib").glob("python*/site-packages")
    place = tmp_path / "work"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, str(packages), str(tmp_path), str(Path(__file__).parents[2])], cwd=place,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list(place.iterdir()), "CatBoost writes nothing where it is trained"
    told = done.stdout.splitlines()
    assert len(told) == 4, "CatBoost prints nothing"
    matrix = some(0).matrix
    for number, text in enumerate(told[:3]):
        found, data = json.loads(text), (tmp_path / f"{number}.onnx").read_bytes()
        model = load("onnx", data)
        assert (found["format"], model.space) == ("onnx", ("log_odds", "value", "log_odds")[number])
        assert found["difference"] < 1e-5 and len(found["importance"]) == 4
        np.testing.assert_allclose(model.predict(matrix), found["answers"], atol=1e-5)
        np.testing.assert_array_equal(load("onnx", single(data)).predict(matrix), model.predict(matrix))
        assert model.explain(matrix[:2]).shape == (2, 5)
    assert "CatBoostClassifier has no portable form" in told[3] and "categorical features" in told[3]


_TRAIN = """
import json, sys
from pathlib import Path
sys.path += [sys.argv[3], sys.argv[1]]
import numpy as np
from catboost import CatBoostClassifier, CatBoostRegressor
from argosy.errors import DeclarationError
from argosy.model.export import export
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.training.plain import Plain
from tests.training.sample import SIGNATURE, some

data, value = some(0), Signature(SIGNATURE.features, "regression", "delay")
tried = (
    (CatBoostClassifier(iterations=20), SIGNATURE),
    (CatBoostRegressor(iterations=20, loss_function="Quantile:alpha=0.9"), value),
    (CatBoostClassifier(iterations=5, nan_mode="Max", logging_level="Silent", random_state=3), SIGNATURE),
)
for place, (estimator, signature) in enumerate(tried):
    fitted = Plain(Estimator.of(estimator).build(), data, signature, 0)
    format, content, _, difference = fitted.portable(signature, data.matrix)
    Path(sys.argv[2], f"{place}.onnx").write_bytes(content)
    print(json.dumps({
        "format": format, "difference": difference, "importance": fitted.importance().tolist(),
        "answers": fitted.predict(data.matrix).tolist(),
    }))
split = CatBoostClassifier(iterations=2, cat_features=[3], verbose=False, allow_writing_files=False)
split.fit(np.arange(400).reshape(100, 4) % 7, np.arange(100) % 2)
try:
    export(split, SIGNATURE, data.matrix)
except DeclarationError as error:
    print(str(error).replace("\\n", " "))
"""
