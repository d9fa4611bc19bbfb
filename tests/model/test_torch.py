"""Networks of torch as ONNX: trained in an environment that holds it, scored without it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from argosy.model import torch
from argosy.model.format import load
from argosy.model.single import single
from tests.training.sample import some

NAMES = ("two scores", "one score", "a chance", "a value", "skorch", "voted", "stacked")
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_networks_answer_as_their_graphs_do(apart: Callable[[str], Path], tmp_path: Path) -> None:
    [packages] = (apart("torch") / "lib").glob("python*/site-packages")
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, str(packages), str(tmp_path), str(ROOT)], cwd=tmp_path,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    *told, refused, branching = done.stdout.splitlines()
    matrix = some(0).matrix
    for name, text in zip(NAMES, told, strict=True):
        found, data = json.loads(text), (tmp_path / f"{name}.onnx").read_bytes()
        model = load("onnx", data)
        assert (found["format"], model.space) == ("onnx", "value" if name == "a value" else "log_odds")
        assert found["difference"] < 1e-4 and found["same"], name
        np.testing.assert_allclose(model.predict(matrix), found["answers"], atol=1e-4)
        np.testing.assert_array_equal(load("onnx", single(data)).predict(matrix), model.predict(matrix))
        assert model.explain(matrix[:2]).shape == (2, 5)
        assert np.corrcoef(model.predict(matrix), some(0).labels)[0, 1] > 0.3, name
    assert "Tempered answers otherwise than its module_, which gives 1 column" in refused
    assert "and its exported form" in branching


def test_what_keeps_no_module_is_no_network() -> None:
    assert not torch.is_torch(LogisticRegression()) and not torch.is_torch(None)
    torch.seed(1)  # where torch is not loaded, there is nothing to seed
    torch.register(LogisticRegression())


_TRAIN = """
import json, sys
from pathlib import Path
sys.path += [sys.argv[3], sys.argv[1]]
import numpy as np
import torch
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier
from argosy.errors import DeclarationError
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.training.plain import Plain
from tests.model.neural import Branching, Double, NetClassifier, NetRegressor, Tempered
from tests.training.sample import SIGNATURE, some

data, value = some(0), Signature(SIGNATURE.features, "regression", "delay")
beside = [("net", NetClassifier(epochs=20)), ("linear", LogisticRegression())]
tried = {
    "two scores": (NetClassifier(outputs=2), SIGNATURE),
    "one score": (NetClassifier(), SIGNATURE),
    "a chance": (NetClassifier(last=torch.nn.Sigmoid), SIGNATURE),
    "a value": (NetRegressor(hidden=8), value),
    "skorch": (NeuralNetClassifier(
        Double, module__inputs=7, criterion=torch.nn.CrossEntropyLoss, max_epochs=30, lr=0.1, train_split=None,
        verbose=0,
    ), SIGNATURE),
    "voted": (VotingClassifier(beside, voting="soft"), SIGNATURE),
    "stacked": (StackingClassifier(beside, cv=2), SIGNATURE),
}
for name, (estimator, signature) in tried.items():
    declared = Estimator.of(estimator)
    fitted, again = (Plain(declared.build(), data, signature, 3) for _ in range(2))
    format, content, _, difference = fitted.portable(signature, data.matrix)
    Path(sys.argv[2], f"{name}.onnx").write_bytes(content)
    answers = fitted.predict(data.matrix).tolist()
    print(json.dumps({
        "format": format, "difference": difference, "answers": answers,
        "same": answers == again.predict(data.matrix).tolist(),
    }))
for wrong in (Tempered(epochs=2), Branching(epochs=2)):
    try:
        Plain(wrong, data, SIGNATURE, 0).portable(SIGNATURE, data.matrix)
    except DeclarationError as error:
        print(str(error).replace("\\n", " "))
"""
