"""Trees as ONNX's operator takes them."""

from __future__ import annotations

import numpy as np
from onnx import helper

from argosy.model.format import load
from argosy.model.operator import AT_MOST, MATRIX, MEMBER, SUMS, Split, Trees, constant, graph, logistic
from argosy.model.single import NAME

NAN = float("nan")


def answers(trees: Trees, rows: list[list[float]]) -> list[float]:
    nodes = [
        trees.node(MATRIX),
        constant("column", np.array([1])),
        helper.make_node("Squeeze", [SUMS, "column"], [NAME]),
    ]
    return load("onnx", graph("trees", nodes, len(rows[0]))).predict(np.array(rows)).tolist()


def test_rows_come_to_the_leaves_that_splits_lead_to() -> None:
    trees = Trees()
    members = Split(MEMBER, 1, 0.0, True, ~1, ~2, (2.0, 5.0))
    trees.add([10.0, 20.0, 30.0], [Split(AT_MOST, 0, 0.5, False, ~0, 1), members])
    trees.add([1.0], [])
    trees.add([100.0, 200.0], [Split(AT_MOST, 1, 3.0, True, ~0, ~1)])
    rows = [[0.5, 2.0], [0.6, 2.0], [0.6, 3.0], [0.6, 5.0], [NAN, NAN]]
    assert answers(trees, rows) == [111.0, 121.0, 131.0, 221.0, 121.0]


def test_log_odds_become_a_probability() -> None:
    trees = Trees()
    trees.add([-1.0, 2.0], [Split(AT_MOST, 0, 0.0, True, ~0, ~1)])
    nodes = [
        trees.node(MATRIX),
        constant("column", np.array([1])),
        helper.make_node("Squeeze", [SUMS, "column"], ["sum"]),
    ]
    found = load("onnx", graph("trees", [*nodes, *logistic("sum")], 1)).predict(np.array([[0.0], [1.0], [NAN]]))
    assert np.allclose(found, 1 / (1 + np.exp([1.0, -2.0, 1.0])), rtol=1e-15)
