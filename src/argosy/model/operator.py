"""The operator `TreeEnsemble` of ONNX (ai.onnx.ml 5): trees whose thresholds, leaves and sums are float64."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from argosy.model.single import NAME

MATRIX, SUMS = "matrix", "sums"
"""The names of a graph's input and of what the operator gives: rows x features, and rows x 1."""
AT_MOST, MEMBER = 0, 6
"""What a split asks of its feature: to be at most its threshold, or one of its members."""
_OPSETS = {"": 18, "ai.onnx.ml": 5}
_IR = 10
"""The release of the format that has these operators."""
_SUM = 1


class Split(NamedTuple):
    """A split: `true` and `false` are where it leads, another split's place in its tree or `~` the place of a leaf.

    `missing` says whether a row without a value is led as by true.
    """

    mode: int
    feature: int
    threshold: float
    missing: bool
    true: int
    false: int
    members: Sequence[float] = ()


class Trees:
    """The trees as the lists that the operator takes."""

    def __init__(self) -> None:
        self._roots: list[int] = []
        self._modes: list[int] = []
        self._features: list[int] = []
        self._thresholds: list[float] = []
        self._missing: list[int] = []
        self._sides: tuple[list[int], list[int]] = ([], [])
        self._leafs: tuple[list[int], list[int]] = ([], [])
        self._members: list[float] = []
        self._weights: list[float] = []

    def add(self, leaves: Iterable[float], splits: Iterable[Split]) -> None:
        """Append a tree, the root first; one without a split is its only leaf."""
        node, leaf = len(self._modes), len(self._weights)
        self._roots.append(node)
        self._weights += leaves
        for each in tuple(splits) or (Split(AT_MOST, 0, 0.0, True, ~0, ~0),):  # the operator's roots are splits
            self._modes.append(each.mode)
            self._features.append(each.feature)
            self._thresholds.append(each.threshold)
            self._missing.append(int(each.missing))
            if each.mode == MEMBER:
                self._members += [*each.members, math.nan]
            for place, child in enumerate((each.true, each.false)):
                self._sides[place].append(node + child if child >= 0 else leaf + ~child)
                self._leafs[place].append(int(child < 0))

    def node(self, given: str) -> Any:
        """The operator's node, from the rows that are called `given` to `SUMS`."""
        tensors = {"nodes_splits": self._thresholds, "leaf_weights": self._weights}
        if self._members:
            tensors["membership_values"] = self._members
        attributes: dict[str, Any] = {
            "aggregate_function": _SUM, "n_targets": 1, "post_transform": 0, "tree_roots": self._roots,
            "nodes_featureids": self._features, "nodes_missing_value_tracks_true": self._missing,
            "nodes_truenodeids": self._sides[0], "nodes_falsenodeids": self._sides[1],
            "nodes_trueleafs": self._leafs[0], "nodes_falseleafs": self._leafs[1],
            "leaf_targetids": [0] * len(self._weights),
            "nodes_modes": numpy_helper.from_array(np.array(self._modes, np.uint8), "nodes_modes"),
            **{name: numpy_helper.from_array(np.array(each), name) for name, each in tensors.items()},
        }  # fmt: skip
        return helper.make_node("TreeEnsemble", [given], [SUMS], domain="ai.onnx.ml", **attributes)


def constant(name: str, value: Any) -> Any:
    """A node that gives an array."""
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))


def logistic(score: str) -> list[Any]:
    """Nodes from log-odds to the probability, which is the graph's output."""
    return [
        constant("one", np.array(1.0)),
        helper.make_node("Neg", [score], ["steep"]),
        helper.make_node("Exp", ["steep"], ["odds"]),
        helper.make_node("Add", ["odds", "one"], ["whole_odds"]),
        helper.make_node("Reciprocal", ["whole_odds"], [NAME]),
    ]


def graph(name: str, nodes: Iterable[Any], width: int) -> bytes:
    """The bytes of a graph from `MATRIX`, rows x `width`, to one output, `prediction`, both float64."""
    rows = helper.make_tensor_value_info(MATRIX, TensorProto.DOUBLE, [None, width])
    said = helper.make_tensor_value_info(NAME, TensorProto.DOUBLE, [None])
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    made = helper.make_graph(list(nodes), name, [rows], [said])
    model = helper.make_model(made, opset_imports=opsets, ir_version=_IR)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
