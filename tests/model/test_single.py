"""A graph that is given to others answers one value a row, as it does here."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from argosy.errors import InputError
from argosy.model.export import answers, export
from argosy.model.format import load
from argosy.model.single import single
from tests.model.conftest import Fitted


@pytest.mark.parametrize(
    ("estimator", "task"),
    [
        (make_pipeline(SimpleImputer(), LogisticRegression()), "binary"),
        (HistGradientBoostingClassifier(max_iter=5), "binary"),
        (make_pipeline(SimpleImputer(), Ridge()), "regression"),
        (make_pipeline(SimpleImputer(), RandomForestRegressor(5, max_depth=4, random_state=0)), "regression"),
    ],
)
def test_the_answer_is_that_of_the_model(fitted: Fitted, estimator: Any, task: str) -> None:
    label = answers(fitted.estimator, fitted.matrix)
    estimator.fit(fitted.matrix, label > 0.5 if task == "binary" else label)
    signature = msgspec.structs.replace(fitted.signature, task=task)
    _, data = export(estimator, signature, fitted.matrix[:10])
    session = onnxruntime.InferenceSession(single(data), providers=["CPUExecutionProvider"])
    (only,) = session.get_outputs()
    (found,) = session.run(None, {session.get_inputs()[0].name: fitted.matrix.astype(np.float32)})
    assert only.name == "prediction" and session.get_modelmeta().custom_metadata_map == {}
    assert np.asarray(found).reshape(-1) == pytest.approx(load("onnx", data).predict(fitted.matrix), rel=1e-6)


def test_what_answers_no_value_a_row_is_refused() -> None:
    shape = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 2, 2]) for name in "ab"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["a"], ["b"])], "g", shape[:1], shape[1:])
    with pytest.raises(InputError, match="whose output 'b' has 3 dimensions"):
        single(onnx.helper.make_model(graph).SerializeToString())
