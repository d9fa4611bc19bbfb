"""Models come back as what they were and answer the same, from bytes that hold no code."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import onnx
import pytest
import xgboost
from lightgbm import Booster, Dataset, train
from onnx import TensorProto, helper

from argosy.errors import CorruptError
from argosy.pipelines.format import Saved, find
from argosy.spec.annotation import Model
from tests.pipelines.trip import Trip

ROWS = np.random.default_rng(0).random((200, 4))
LABELS = (ROWS[:, 0] > 0.5).astype(int)


def booster(rounds: int = 10, **parameters: Any) -> Booster:
    given = {"objective": "binary", "verbosity": -1, "num_threads": 1, **parameters}
    return train(given, Dataset(ROWS, LABELS), num_boost_round=rounds)


@pytest.mark.parametrize("parameters", [{}, {"objective": "multiclass", "num_class": 2}, {"linear_tree": True}])
def test_a_booster_comes_back_as_one(trip: Trip, parameters: dict[str, Any]) -> None:
    model = booster(**parameters)
    name, saved = trip.save(model)
    back = trip.load(name, saved, Model)
    assert (name, type(back)) == ("model", Booster)
    np.testing.assert_array_equal(back.predict(ROWS), model.predict(ROWS))
    np.testing.assert_array_equal(back.predict(ROWS, pred_contrib=True) if not parameters else 0,
                                  model.predict(ROWS, pred_contrib=True) if not parameters else 0)  # fmt: skip
    assert trip.save(booster(**parameters)) == (name, saved)


def test_a_booster_of_xgboost_comes_back_as_one(trip: Trip) -> None:
    rows = xgboost.DMatrix(ROWS, LABELS, feature_names=["a", "b", "c", "d"])
    model = xgboost.train({"objective": "binary:logistic", "nthread": 1}, rows, 5)
    name, saved = trip.save(model)
    back = trip.load(name, saved, Model)
    assert (name, type(back)) == ("model", xgboost.Booster)
    assert back.feature_names == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(back.predict(rows), model.predict(rows))
    assert trip.save(back) == (name, saved)


def test_a_booster_keeps_its_best_iterations(trip: Trip) -> None:
    model = booster()
    model.best_iteration = 3
    back = trip.again(model)
    assert back.num_trees() == 3
    np.testing.assert_array_equal(back.predict(ROWS), model.predict(ROWS))


def test_an_onnx_graph_comes_back(trip: Trip) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])])  # fmt: skip
    model = helper.make_model(graph)
    back = trip.again(model, Model)
    assert isinstance(back, onnx.ModelProto)
    assert back == model


def test_other_bytes_are_no_model(trip: Trip) -> None:
    data = b"\x80\x04\x95 a pickle"
    with pytest.raises(CorruptError, match="no model of a known format"):
        trip.load("model", Saved(hashlib.sha256(data).hexdigest(), len(data), data))


def test_a_preview_shows_class_and_parameters() -> None:
    model = booster()
    shown = find(model).preview(model)
    assert shown is not None
    assert (shown["kind"], shown["type"]) == ("model", "lightgbm.basic.Booster")
    assert shown["parameters"]["objective"] == "'binary'"
