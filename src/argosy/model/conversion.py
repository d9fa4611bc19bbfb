"""LightGBM's text format as an ONNX graph in float64, for whoever has onnxruntime and no LightGBM.

The graph is that of the operator `TreeEnsemble` (ai.onnx.ml 5): thresholds, leaves and sums are float64, as LightGBM's
own are, so answers agree to the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from argosy.errors import InputError
from argosy.model.single import NAME
from argosy.model.tree import Lines, read

_OPSETS = {"": 18, "ai.onnx.ml": 5}
_IR = 10
"""The release of the format that has these operators."""
_SUM, _AT_MOST, _MEMBER = 1, 0, 6
CATEGORY = 1
"""The bit of a split's type that says that it is of categories."""
_DEFAULT_LEFT, _ZERO, _NAN = 2, 1, 2
_RAW = frozenset({"regression", "regression_l1", "huber", "fair", "quantile", "mape", "custom"})
_EXPONENTIAL = frozenset({"poisson", "gamma", "tweedie"})
_MATRIX, _SCORE = "matrix", "score"


def convert(text: bytes) -> bytes:
    """A graph of one input, `matrix` (rows x features), and one output, `prediction`: what LightGBM answers for a row.

    Raises CorruptError for bytes that are no LightGBM text model, InputError for an objective and for a treatment of
    zeros that no graph has.
    """
    header, trees = read(text)
    width = int(header[b"max_feature_idx"]) + 1
    ensemble = _Ensemble()
    for tree in trees:
        ensemble.add(tree)
    nodes = list(_truncation(sorted(ensemble.categories), width))
    given = nodes[-1].output[0] if nodes else _MATRIX
    nodes.append(
        helper.make_node("TreeEnsemble", [given], ["sums"], domain="ai.onnx.ml", **ensemble.attributes()),
    )
    nodes += answer(header, len(trees))
    rows = helper.make_tensor_value_info(_MATRIX, TensorProto.DOUBLE, [None, width])
    said = helper.make_tensor_value_info(NAME, TensorProto.DOUBLE, [None])
    graph = helper.make_graph(nodes, "lightgbm", [rows], [said])
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR)
    onnx.checker.check_model(model)
    made: bytes = model.SerializeToString()
    return made


class _Ensemble:
    """The trees as the lists that the operator takes; `categories` are the features that are split as such."""

    def __init__(self) -> None:
        self.categories: set[int] = set()
        self._roots: list[int] = []
        self._modes: list[int] = []
        self._features: list[int] = []
        self._splits: list[float] = []
        self._missing: list[int] = []
        self._sides: tuple[list[int], list[int]] = ([], [])
        self._leafs: tuple[list[int], list[int]] = ([], [])
        self._members: list[float] = []
        self._weights: list[float] = []

    def add(self, tree: Lines) -> None:
        """Append a tree as `argosy.model.tree.read` gives it."""
        node, leaf = len(self._modes), len(self._weights)
        self._roots.append(node)
        self._weights += floats(tree, b"leaf_value")
        if tree[b"num_leaves"] == b"1":  # the operator's roots are splits
            self._split(_AT_MOST, 0, 0.0, missing=True)
            self._children(node, leaf, -1, -1)
            return
        sets = list(_sets(tree)) if tree.get(b"num_cat", b"0") != b"0" else []
        for feature, threshold, kind, left, right in zip(
            integers(tree, b"split_feature"), floats(tree, b"threshold"), integers(tree, b"decision_type"),
            integers(tree, b"left_child"), integers(tree, b"right_child"), strict=True,
        ):  # fmt: skip
            if kind & CATEGORY:
                self.categories.add(feature)
                self._split(_MEMBER, feature, 0.0, missing=False)
                self._members += [*sets[int(threshold)], math.nan]
            else:
                self._split(_AT_MOST, feature, threshold, missing=goes_left(threshold, kind))
            self._children(node, leaf, left, right)

    def attributes(self) -> dict[str, Any]:
        """The operator's attributes."""
        tensors = {"nodes_splits": self._splits, "leaf_weights": self._weights}
        if self._members:
            tensors["membership_values"] = self._members
        return {
            "aggregate_function": _SUM, "n_targets": 1, "post_transform": 0, "tree_roots": self._roots,
            "nodes_featureids": self._features, "nodes_missing_value_tracks_true": self._missing,
            "nodes_truenodeids": self._sides[0], "nodes_falsenodeids": self._sides[1],
            "nodes_trueleafs": self._leafs[0], "nodes_falseleafs": self._leafs[1],
            "leaf_targetids": [0] * len(self._weights),
            "nodes_modes": numpy_helper.from_array(np.array(self._modes, np.uint8), "nodes_modes"),
            **{name: numpy_helper.from_array(np.array(each), name) for name, each in tensors.items()},
        }  # fmt: skip

    def _split(self, mode: int, feature: int, threshold: float, *, missing: bool) -> None:
        self._modes.append(mode)
        self._features.append(feature)
        self._splits.append(threshold)
        self._missing.append(int(missing))

    def _children(self, node: int, leaf: int, *children: int) -> None:
        """Where a split leads: LightGBM counts leaves from -1 downwards, within the tree."""
        for place, child in enumerate(children):
            self._sides[place].append(node + child if child >= 0 else leaf + ~child)
            self._leafs[place].append(int(child < 0))


def goes_left(threshold: float, kind: int) -> bool:
    """Where a split on a number sends a row without a value. Raises InputError where zeros go another way."""
    missing, left = kind >> 2 & 3, bool(kind & _DEFAULT_LEFT)
    as_zero = threshold >= 0
    if missing == _ZERO and left != as_zero:
        raise InputError(
            "the LightGBM model sends zeros another way than their neighbours, which no ONNX graph does",
            next="train with zero_as_missing=False",
        )
    return left if missing == _NAN else as_zero


def _sets(tree: Lines) -> Iterator[list[float]]:
    """The categories that each split on categories sends left, from its bits in words of 32."""
    bounds, words = integers(tree, b"cat_boundaries"), integers(tree, b"cat_threshold")
    for start, stop in pairwise(bounds):
        yield [
            float(32 * place + bit)
            for place, word in enumerate(words[start:stop])
            for bit in range(32)
            if word >> bit & 1
        ]


def _truncation(columns: list[int], width: int) -> Iterator[Any]:
    """Nodes that cut the fractions off columns of categories, as LightGBM does; none where there is no such column."""
    if not columns:
        return
    mask = np.zeros((1, width), dtype=np.bool_)
    mask[0, columns] = True
    yield _constant("mask", mask)
    yield _constant("nothing", np.zeros((), dtype=np.float64))
    yield helper.make_node("IsNaN", [_MATRIX], ["missing"])
    yield helper.make_node("Not", ["missing"], ["there"])
    yield helper.make_node("And", ["there", "mask"], ["cut"])
    yield helper.make_node("Where", ["cut", _MATRIX, "nothing"], ["codes"])
    yield helper.make_node("Cast", ["codes"], ["integers"], to=TensorProto.INT64)
    yield helper.make_node("Cast", ["integers"], ["whole"], to=TensorProto.DOUBLE)
    yield helper.make_node("Where", ["cut", "whole", _MATRIX], ["categories"])


def answer(header: Lines, trees: int) -> Iterator[Any]:
    """Nodes from `sums`, rows x 1 of the trees, to `prediction`: the mean of a forest, then what undoes the objective.

    Raises InputError for an objective that no graph has.
    """
    yield _constant("column", np.array([1]))
    yield helper.make_node("Squeeze", ["sums", "column"], [_SCORE])
    score = _SCORE
    if b"average_output" in header:
        yield _constant("trees", np.array(float(trees)))
        yield helper.make_node("Div", [_SCORE, "trees"], ["mean"])
        score = "mean"
    name, *options = header.get(b"objective", b"custom").decode().split()
    if name in _EXPONENTIAL:
        yield helper.make_node("Exp", [score], [NAME])
    elif name in _RAW and "sqrt" in options:
        yield helper.make_node("Abs", [score], ["size"])
        yield helper.make_node("Mul", [score, "size"], [NAME])
    elif name in _RAW:
        yield helper.make_node("Identity", [score], [NAME])
    elif name in ("binary", "cross_entropy"):
        slope = next((each.partition(":")[2] for each in options if each.startswith("sigmoid:")), "1")
        yield _constant("slope", np.array(-float(slope)))
        yield _constant("one", np.array(1.0))
        yield helper.make_node("Mul", [score, "slope"], ["steep"])
        yield helper.make_node("Exp", ["steep"], ["odds"])
        yield helper.make_node("Add", ["odds", "one"], ["whole_odds"])
        yield helper.make_node("Reciprocal", ["whole_odds"], [NAME])
    else:
        raise InputError(
            f"the LightGBM objective {name!r} has no ONNX form",
            next=f"train with binary, cross_entropy, {', '.join(sorted((_RAW | _EXPONENTIAL) - {'custom'}))}",
        )


def _constant(name: str, value: Any) -> Any:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))


def integers(tree: Lines, key: bytes) -> list[int]:
    """A tree's list of whole numbers."""
    return list(map(int, tree[key].split()))


def floats(tree: Lines, key: bytes) -> list[float]:
    """A tree's list of numbers."""
    return list(map(float, tree[key].split()))
