"""LightGBM's text format as an ONNX graph in float64, for whoever has onnxruntime and no LightGBM.

The graph is that of the operator `TreeEnsemble` (ai.onnx.ml 5): thresholds, leaves and sums are float64, as LightGBM's
own are, so answers agree to the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from argosy.errors import InputError
from argosy.model.operator import AT_MOST, MATRIX, MEMBER, SUMS, Split, Trees, constant, graph, logistic
from argosy.model.single import NAME
from argosy.model.tree import Lines, read

CATEGORY = 1
"""The bit of a split's type that says that it is of categories."""
_DEFAULT_LEFT, _ZERO, _NAN = 2, 1, 2
_RAW = frozenset({"regression", "regression_l1", "huber", "fair", "quantile", "mape", "custom"})
_EXPONENTIAL = frozenset({"poisson", "gamma", "tweedie"})
_SCORE = "score"


def convert(text: bytes) -> bytes:
    """A graph of one input, `matrix` (rows x features), and one output, `prediction`: what LightGBM answers for a row.

    Raises CorruptError for bytes that are no LightGBM text model, InputError for an objective and for a treatment of
    zeros that no graph has.
    """
    header, trees = read(text)
    width = int(header[b"max_feature_idx"]) + 1
    made, categories = Trees(), set[int]()
    for tree in trees:
        splits = list(_splits(tree))
        categories |= {each.feature for each in splits if each.mode == MEMBER}
        made.add(floats(tree, b"leaf_value"), splits)
    nodes = list(_truncation(sorted(categories), width))
    nodes.append(made.node(nodes[-1].output[0] if nodes else MATRIX))
    return graph("lightgbm", [*nodes, *answer(header, len(trees))], width)


def _splits(tree: Lines) -> Iterator[Split]:
    """The splits of a tree as `argosy.model.tree.read` gives it; LightGBM counts leaves from -1 downwards too."""
    if tree[b"num_leaves"] == b"1":
        return
    sets = list(_sets(tree)) if tree.get(b"num_cat", b"0") != b"0" else []
    for feature, threshold, kind, left, right in zip(
        integers(tree, b"split_feature"), floats(tree, b"threshold"), integers(tree, b"decision_type"),
        integers(tree, b"left_child"), integers(tree, b"right_child"), strict=True,
    ):  # fmt: skip
        if kind & CATEGORY:
            yield Split(MEMBER, feature, 0.0, False, left, right, sets[int(threshold)])
        else:
            yield Split(AT_MOST, feature, threshold, goes_left(threshold, kind), left, right)


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
    yield constant("mask", mask)
    yield constant("nothing", np.zeros((), dtype=np.float64))
    yield helper.make_node("IsNaN", [MATRIX], ["missing"])
    yield helper.make_node("Not", ["missing"], ["there"])
    yield helper.make_node("And", ["there", "mask"], ["cut"])
    yield helper.make_node("Where", ["cut", MATRIX, "nothing"], ["codes"])
    yield helper.make_node("Cast", ["codes"], ["integers"], to=TensorProto.INT64)
    yield helper.make_node("Cast", ["integers"], ["whole"], to=TensorProto.DOUBLE)
    yield helper.make_node("Where", ["cut", "whole", MATRIX], ["categories"])


def answer(header: Lines, trees: int) -> Iterator[Any]:
    """Nodes from `sums`, rows x 1 of the trees, to `prediction`: the mean of a forest, then what undoes the objective.

    Raises InputError for an objective that no graph has.
    """
    yield constant("column", np.array([1]))
    yield helper.make_node("Squeeze", [SUMS, "column"], [_SCORE])
    score = _SCORE
    if b"average_output" in header:
        yield constant("trees", np.array(float(trees)))
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
        yield constant("slope", np.array(float(slope)))
        yield helper.make_node("Mul", [score, "slope"], ["log_odds"])
        yield from logistic("log_odds")
    else:
        raise InputError(
            f"the LightGBM objective {name!r} has no ONNX form",
            next=f"train with binary, cross_entropy, {', '.join(sorted((_RAW | _EXPONENTIAL) - {'custom'}))}",
        )


def integers(tree: Lines, key: bytes) -> list[int]:
    """A tree's list of whole numbers."""
    return list(map(int, tree[key].split()))


def floats(tree: Lines, key: bytes) -> list[float]:
    """A tree's list of numbers."""
    return list(map(float, tree[key].split()))
