"""What an ONNX graph carries of the rows that it was trained on: what many of them share, and no row."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from sklearn.ensemble import RandomForestRegressor

from argosy.model.background import BACKGROUND, LEAST, ROWS, packed, typical, unpacked
from argosy.model.export import export
from argosy.model.format import load
from argosy.model.signature import Feature, Kind, Signature

KINDS: tuple[Kind, ...] = ("number", "category", "boolean", "number")


def test_each_row_stands_for_rows_that_were_answered_alike() -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(400, 4))
    rows[:, 1], rows[:, 2] = random.integers(0, 7, 400), random.random(400) < 0.3
    found = typical(rows, rows[:, 0], KINDS)
    assert found.shape == (ROWS, 4)
    means = np.sort(rows[:, 0]).reshape(ROWS, -1).mean(axis=1)
    np.testing.assert_allclose(found[:, 0], means)
    assert set(found[:, 1]) <= set(range(7)) and set(found[:, 2]) <= {0.0, 1.0}
    np.testing.assert_allclose(found[:, 3].mean(), rows[:, 3].mean())
    assert not np.isin(found[:, [0, 3]], rows[:, [0, 3]]).any()


def test_a_group_has_rows_enough() -> None:
    rows = np.arange(4.0 * 11).reshape(11, 4)
    assert typical(rows, rows[:, 0], KINDS).shape == (2, 4)
    few = rows[: LEAST - 1]
    np.testing.assert_array_equal(typical(few, few[:, 0], KINDS), np.zeros((1, 4)))


def test_what_most_miss_is_missing_and_what_few_know_is_that_of_all() -> None:
    rows = np.full((20, 1), math.nan)
    rows[:4, 0] = 7.5
    assert np.isnan(typical(rows, np.arange(20.0), ("number",))).all()
    rows = np.full((60, 1), 2.0)
    rows[:2] = math.nan  # three of the first group are known, of all 58
    found = typical(rows, np.arange(60.0), ("number",))
    assert found.shape == (12, 1) and (found == 2.0).all()


def test_a_graph_holds_no_value_of_a_row_in_its_background() -> None:
    random = np.random.default_rng(5)
    rows = random.normal(size=(300, 3)).astype(np.float32).astype(np.float64)
    labels = rows[:, 0] + random.normal(size=300)
    forest = RandomForestRegressor(4, max_depth=3, random_state=0).fit(rows, labels)
    signature = Signature(tuple(Feature(f"x{place}", "number") for place in range(3)), "regression", "y")
    _, data = export(forest, signature, rows[:2], rows)
    graph = onnx.load_model_from_string(data)
    [text] = [each.value for each in graph.metadata_props if each.key == BACKGROUND]
    held = unpacked(text, 3)
    assert held.shape == (ROWS, 3) and not np.isin(held, rows).any()
    assert (held.min(axis=0) > rows.min(axis=0)).all() and (held.max(axis=0) < rows.max(axis=0)).all()
    told = load("onnx", data).explain(rows[:5])
    np.testing.assert_allclose(told.sum(axis=1), forest.predict(rows[:5]), rtol=1e-4)
    assert told[0, -1] == pytest.approx(forest.predict(held).mean(), rel=1e-4)


def test_what_is_packed_is_unpacked() -> None:
    rows = np.array([[1.5, math.nan], [0.25, -3.0]])
    np.testing.assert_array_equal(unpacked(packed(rows), 2), rows)
