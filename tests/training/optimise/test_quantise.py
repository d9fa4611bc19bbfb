from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from argosy.errors import InputError
from argosy.model.export import export
from argosy.model.format import load
from argosy.training.optimise.quantise import quantise
from argosy.training.rows import Block
from tests.training.sample import SIGNATURE, some


def exported(estimator: Any, rows: Block) -> bytes:
    estimator.fit(np.nan_to_num(rows.matrix), rows.labels)
    format, data = export(estimator, SIGNATURE, np.nan_to_num(rows.matrix[:10]))
    assert format == "onnx"
    return data


def test_a_network_is_smaller_and_answers_nearly_the_same() -> None:
    rows = some(0, 600)
    data = exported(MLPClassifier((128, 64), max_iter=60, random_state=0, tol=1.0), rows)
    made = quantise(data)
    assert len(made) < 0.4 * len(data)
    matrix = np.nan_to_num(rows.matrix)
    before, after = load("onnx", data).predict(matrix), load("onnx", made).predict(matrix)
    assert 0 < np.max(np.abs(before - after)) < 0.1 and before.std() > 0.05


def test_what_multiplies_no_matrices_has_no_such_form() -> None:
    data = exported(LogisticRegression(), some(0))
    with pytest.raises(InputError, match=r"nothing to quantise[\s\S]*--method distil"):
        quantise(data)
