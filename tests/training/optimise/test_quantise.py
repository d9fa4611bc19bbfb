from __future__ import annotations

import logging
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


@pytest.mark.parametrize("static", [False, True])
def test_a_network_is_smaller_and_answers_nearly_the_same(static: bool) -> None:
    rows = some(0, 600)
    data = exported(MLPClassifier((128, 64), max_iter=60, random_state=0, tol=1.0), rows)
    matrix = np.nan_to_num(rows.matrix)
    level = logging.root.level
    made = quantise(data, matrix) if static else quantise(data)
    assert len(made) < 0.5 * len(data) and logging.root.level == level
    before, after = load("onnx", data).predict(matrix), load("onnx", made).predict(matrix)
    assert 0 < np.max(np.abs(before - after)) < 0.1 and before.std() > 0.05


def test_a_static_form_scales_by_the_rows_it_is_given() -> None:
    rows = some(0, 600)
    data, matrix = exported(MLPClassifier((128, 64), max_iter=60, random_state=0, tol=1.0), rows), rows.matrix
    narrow = load("onnx", quantise(data, np.nan_to_num(matrix) / 100)).predict(np.nan_to_num(matrix))
    whole = load("onnx", quantise(data, np.nan_to_num(matrix))).predict(np.nan_to_num(matrix))
    exact = load("onnx", data).predict(np.nan_to_num(matrix))
    assert np.abs(whole - exact).mean() < np.abs(narrow - exact).mean() / 5


def test_what_multiplies_no_matrices_has_no_such_form() -> None:
    data = exported(LogisticRegression(), some(0))
    with pytest.raises(InputError, match=r"nothing to quantise[\s\S]*--method distil"):
        quantise(data)
