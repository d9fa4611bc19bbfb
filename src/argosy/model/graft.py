"""LightGBM, votes and exact scaling within the graphs that skl2onnx makes: what it lacks for ensembles.

A forest splits half-way between two values that meet in a node, which among whole numbers is often a third one: rounded
otherwise, that one falls on the other side. So numbers are scaled in float64, as scikit-learn does.

LightGBM's trees become the operator `TreeEnsembleRegressor` (ai.onnx.ml 3) with thresholds and leaves of float64, of
which it gives sums in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from argosy.errors import InputError
from argosy.model.conversion import CATEGORY, answer, floats, goes_left, integers
from argosy.model.single import NAME
from argosy.model.tree import Lines, read

_DOMAIN, _RELEASE = "ai.onnx.ml", 3
_SPLIT, _LEAF = "BRANCH_LEQ", "LEAF"


@cache
def register() -> None:
    """Teach skl2onnx of this process LightGBM's classes, votes whose `transform` would be flat, and exact scaling."""
    from lightgbm import LGBMClassifier, LGBMRegressor  # a CPU-second, as the next: only who exports such a model pays
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )
    from skl2onnx.operator_converters.voting_classifier import convert_voting_classifier
    from skl2onnx.operator_converters.voting_regressor import convert_voting_regressor
    from skl2onnx.shape_calculators.scaler import calculate_sklearn_scaler_output_shapes
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.preprocessing import StandardScaler

    options = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]}
    classes, values = calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes
    update_registered_converter(LGBMClassifier, "ArgosyLGBMClassifier", classes, _classifier, options=options)
    update_registered_converter(LGBMRegressor, "ArgosyLGBMRegressor", values, _regressor)
    counted, averaged = _Vote(convert_voting_classifier), _Vote(convert_voting_regressor)
    update_registered_converter(VotingClassifier, "SklearnVotingClassifier", classes, counted, options=options)
    update_registered_converter(VotingRegressor, "SklearnVotingRegressor", values, averaged)
    update_registered_converter(StandardScaler, "ArgosyScaler", calculate_sklearn_scaler_output_shapes, _scaler)


class _Vote:
    """A converter of votes, for those whose `transform` would be flat and whose weights are a list."""

    def __init__(self, convert: Callable[[Any, Any, Any], None]) -> None:
        self._convert = convert

    def __call__(self, scope: Any, operator: Any, container: Any) -> None:
        given = operator.raw_operator
        operator.raw_operator = copy(given)
        operator.raw_operator.flatten_transform = False  # what transform would give is not asked for
        if given.weights is not None:
            operator.raw_operator.weights = np.asarray(
                [weight for (_, part), weight in zip(given.estimators, given.weights, strict=True) if part != "drop"]
            )
        self._convert(scope, operator, container)


def _scaler(scope: Any, operator: Any, container: Any) -> None:
    """Less the mean, over the deviation, in float64."""
    from skl2onnx.operator_converters.common import concatenate_variables

    given, many = operator.raw_operator, len(operator.inputs) > 1
    name = concatenate_variables(scope, operator.inputs, container) if many else operator.inputs[0].full_name
    nodes: list[Any] = []
    for kind, values in (("Sub", given.mean_ if given.with_mean else None), ("Div", given.scale_)):
        constant, wide, made = (scope.get_unique_variable_name(f"scaled_{part}") for part in ("by", "wide", "row"))
        if not nodes:
            nodes.append(helper.make_node("Cast", [name], [wide], to=TensorProto.DOUBLE))
            name = wide
        if values is not None:
            nodes += [_constant(constant, values.reshape(1, -1)), helper.make_node(kind, [name, constant], [made])]
            name = made
    (out,) = operator.outputs
    _put(scope, container, [*nodes, helper.make_node("Cast", [name], [out.full_name], to=_precision(out.type))])


def _classifier(scope: Any, operator: Any, container: Any) -> None:
    """The number of the class, and the probabilities of two."""
    chance = _answered(scope, operator, container)
    one, other, both = (scope.get_unique_variable_name(name) for name in ("one", "other", "both"))
    label, probabilities = (each.full_name for each in operator.outputs)
    kind = operator.inputs[0].type
    nodes = [
        _constant(one, np.array(1.0)),
        helper.make_node("Sub", [one, chance], [other]),
        helper.make_node("Concat", [other, chance], [both], axis=1),
        helper.make_node("Cast", [both], [probabilities], to=_precision(kind)),
        helper.make_node("ArgMax", [both], [label], axis=1, keepdims=0),
    ]
    _put(scope, container, nodes)


def _regressor(scope: Any, operator: Any, container: Any) -> None:
    value = _answered(scope, operator, container)
    (given,) = operator.outputs
    _put(scope, container, [
        helper.make_node("Cast", [value], [given.full_name], to=_precision(operator.inputs[0].type)),
    ])  # fmt: skip


def _answered(scope: Any, operator: Any, container: Any) -> str:
    """Nodes up to what the model answers, rows x 1 in float64; the name of it."""
    header, trees = read(operator.raw_operator.booster_.model_to_string().encode())
    names = {name: scope.get_unique_variable_name(name) for name in ("rows", "raw", "axis", "answer")}
    kept: dict[str, str] = {}

    def own(name: str) -> str:
        if name not in kept:
            kept[name] = str(scope.get_unique_variable_name(f"boosted_{name}"))
        return kept[name]

    nodes = [
        helper.make_node("Cast", [operator.inputs[0].full_name], [names["rows"]], to=TensorProto.DOUBLE),
        helper.make_node(
            "TreeEnsembleRegressor", [names["rows"]], [names["raw"]], domain=_DOMAIN, **_attributes(trees)
        ),
        helper.make_node("Cast", [names["raw"]], [own("sums")], to=TensorProto.DOUBLE),
    ]  # fmt: skip
    for node in answer(header, len(trees)):
        node.input[:] = [own(name) for name in node.input]
        node.output[:] = [own(name) for name in node.output]
        nodes.append(node)
    nodes += [
        _constant(names["axis"], np.array([1])),
        helper.make_node("Unsqueeze", [own(NAME), names["axis"]], [names["answer"]]),
    ]
    _put(scope, container, nodes)
    return str(names["answer"])


def _attributes(trees: list[Lines]) -> dict[str, Any]:
    """Trees as the lists that the operator takes: in each, its splits come first, its leaves after them."""
    lists: dict[str, list[Any]] = {name: [] for name in ("tree", "node", "feature", "mode", "yes", "no", "missing")}
    targets: dict[str, list[int]] = {"tree": [], "node": []}
    splits: list[float] = []
    weights: list[float] = []
    for number, tree in enumerate(trees):
        leaves = floats(tree, b"leaf_value")
        inner = len(leaves) - 1
        rows = _splits(tree, inner) if inner else []
        rows += [(0, 0.0, _LEAF, 0, 0, 0)] * len(leaves)
        for place, (feature, threshold, mode, yes, no, missing) in enumerate(rows):
            for name, value in zip(lists, (number, place, feature, mode, yes, no, missing), strict=True):
                lists[name].append(value)
            splits.append(threshold)
        targets["tree"] += [number] * len(leaves)
        targets["node"] += range(inner, inner + len(leaves))
        weights += leaves
    return {
        "aggregate_function": "SUM", "n_targets": 1, "post_transform": "NONE",
        "nodes_treeids": lists["tree"], "nodes_nodeids": lists["node"], "nodes_featureids": lists["feature"],
        "nodes_modes": lists["mode"], "nodes_truenodeids": lists["yes"], "nodes_falsenodeids": lists["no"],
        "nodes_missing_value_tracks_true": lists["missing"],
        "nodes_values_as_tensor": numpy_helper.from_array(np.array(splits), "nodes_values"),
        "target_ids": [0] * len(weights), "target_treeids": targets["tree"], "target_nodeids": targets["node"],
        "target_weights_as_tensor": numpy_helper.from_array(np.array(weights), "target_weights"),
    }  # fmt: skip


def _splits(tree: Lines, inner: int) -> list[tuple[int, float, str, int, int, int]]:
    """Feature, threshold, mode, both children and where a missing value goes, of each split of a tree."""
    found = []
    for feature, threshold, kind, *children in zip(
        integers(tree, b"split_feature"), floats(tree, b"threshold"), integers(tree, b"decision_type"),
        integers(tree, b"left_child"), integers(tree, b"right_child"), strict=True,
    ):  # fmt: skip
        if kind & CATEGORY:
            raise InputError(
                f"LightGBM within an ensemble splits feature {feature} as categories, which its ONNX form cannot",
                next="leave out categorical_feature, or make LightGBM a candidate of its own",
            )
        yes, no = (child if child >= 0 else inner + ~child for child in children)
        found.append((feature, threshold, _SPLIT, yes, no, int(goes_left(threshold, kind))))
    return found


def _constant(name: str, value: Any) -> Any:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))


def _precision(kind: Any) -> int:
    from skl2onnx.common.data_types import DoubleTensorType

    return TensorProto.DOUBLE if isinstance(kind, DoubleTensorType) else TensorProto.FLOAT


def _put(scope: Any, container: Any, nodes: list[Any]) -> None:
    """Add nodes to the graph that is being made, each with a name of its own."""
    for node in nodes:
        given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        container.add_node(
            node.op_type, list(node.input), list(node.output), op_domain=node.domain,
            op_version=_RELEASE if node.domain else None, name=scope.get_unique_operator_name(node.op_type), **given,
        )  # fmt: skip
