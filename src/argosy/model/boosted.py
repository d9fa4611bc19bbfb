"""XGBoost's trees as an ONNX graph, for whoever has onnxruntime and no XGBoost.

XGBoost compares and sums in float32. Here rows are rounded to float32 and compared with the same thresholds, so each
row comes to the same leaves; what these hold is summed in float64, so answers agree as far as XGBoost's own sums do.

Each split on categories reads a column of its own, which a table looks up by the category: 1 for those that it names, 0
for others. The operator's own splits on members are no choice: the first releases of onnxruntime that have them repeat
what lies below such a split for each member, which for trees of several takes minutes to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from argosy.errors import InputError
from argosy.model.forest import SPACES, Tree, read
from argosy.model.operator import AT_MOST, MATRIX, SUMS, Split, Trees, constant, graph, logistic
from argosy.model.single import NAME
from argosy.model.space import Space

_LEAF = -1
_LOWEST = np.float32("-inf")


def convert(data: bytes) -> bytes:
    """A graph of one input, `matrix` (rows x features), and one output, `prediction`: what XGBoost answers for a row.

    Raises CorruptError for bytes that are no XGBoost model, InputError for a base score that no row can have.
    """
    forest = read(data)
    trees, asked = Trees(), _Asked(forest.features)
    for tree in forest.trees:
        trees.add(*_shape(tree, asked))
    if not forest.trees:
        trees.add([0.0], [])
    space = SPACES[forest.objective]
    nodes = [
        helper.make_node("Cast", [MATRIX], ["rounded"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["rounded"], ["given"], to=TensorProto.DOUBLE),
        *asked.nodes("given", "wide"),
        trees.node("wide"),
        constant("column", np.array([1])),
        helper.make_node("Squeeze", [SUMS, "column"], ["sum"]),
        constant("base", np.array(_raw(forest.base, space))),
        helper.make_node("Add", ["sum", "base"], ["score"]),
    ]
    if space == "log_odds":
        nodes += logistic("score")
    else:
        nodes.append(helper.make_node("Exp" if space == "log" else "Identity", ["score"], [NAME]))
    return graph("xgboost", nodes, forest.features)


def _raw(base: float, space: Space) -> float:
    """The base score, which is stated as an answer, in the space that trees add up in."""
    try:
        if space == "log_odds":
            return -log(1.0 / base - 1.0)
        return log(base) if space == "log" else base
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(
            f"the XGBoost model starts from the answer {base}, which its objective does not have", next="train it anew"
        ) from error


class _Asked:
    """The columns that splits on categories read, after those of the `width` features."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._columns: dict[tuple[int, tuple[int, ...]], int] = {}

    def column(self, feature: int, names: tuple[int, ...]) -> int:
        """The place of the column that says of a feature whether it is one of some categories."""
        return self._columns.setdefault((feature, names), self._width + len(self._columns))

    def nodes(self, given: str, wide: str) -> Iterator[Any]:
        """Nodes from the rows `given` to the same with these columns, `wide`: 1 for yes, 0 for no, or missing."""
        yield constant("first", np.array(1.0))
        yield constant("lowest", np.array(0.0))
        yield constant("nothing", np.array(np.nan))
        parts = [given]
        for feature, names in self._columns:
            parts.append(name := f"asked{len(parts)}")
            size = max(names) + 3  # what is below the first category and what is beyond the last are none of them
            table = np.zeros(size, dtype=np.int8)
            table[np.array(names) + 1] = 1
            yield constant(f"{name}_column", np.array([feature]))
            yield constant(f"{name}_table", table)
            yield constant(f"{name}_last", np.array(size - 1.0))
            yield helper.make_node("Gather", [given, f"{name}_column"], [f"{name}_code"], axis=1)
            yield helper.make_node("IsNaN", [f"{name}_code"], [f"{name}_missing"])
            yield helper.make_node("Where", [f"{name}_missing", "lowest", f"{name}_code"], [f"{name}_known"])
            yield helper.make_node("Add", [f"{name}_known", "first"], [f"{name}_next"])
            yield helper.make_node("Clip", [f"{name}_next", "lowest", f"{name}_last"], [f"{name}_within"])
            yield helper.make_node("Cast", [f"{name}_within"], [f"{name}_place"], to=TensorProto.INT64)
            yield helper.make_node("Gather", [f"{name}_table", f"{name}_place"], [f"{name}_said"], axis=0)
            yield helper.make_node("Cast", [f"{name}_said"], [f"{name}_number"], to=TensorProto.DOUBLE)
            yield helper.make_node("Where", [f"{name}_missing", "nothing", f"{name}_number"], [name])
        yield helper.make_node("Concat", parts, [wide], axis=1)


def _shape(tree: Tree, asked: _Asked) -> tuple[list[float], list[Split]]:
    """The leaves of a tree, and its splits, the root first."""
    inner = tree["left_children"] != _LEAF
    places = np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))
    splits = list(_splits(tree, inner, places.tolist(), asked))
    return tree["split_conditions"][~inner].astype(float).tolist(), splits


def _splits(tree: Tree, inner: Any, places: Sequence[int], asked: _Asked) -> Iterator[Split]:
    """A number below the threshold goes left, so one that is at most the next lower float32 does.

    Of categories, those that a split names go right.
    """
    below, sets = np.nextafter(tree["split_conditions"], _LOWEST).astype(float), dict(_sets(tree))
    for node in np.flatnonzero(inner).tolist():
        feature, left = int(tree["split_indices"][node]), bool(tree["default_left"][node])
        low, high = (places[int(tree[side][node])] for side in ("left_children", "right_children"))
        if node in sets:
            yield Split(AT_MOST, asked.column(feature, sets[node]), 0.0, left, low, high)
        else:
            yield Split(AT_MOST, feature, float(below[node]), left, low, high)


def _sets(tree: Tree) -> Iterator[tuple[int, tuple[int, ...]]]:
    """By the node of each split on categories, those that it names."""
    held = tree["categories"]
    lines = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    for node, start, size in lines:
        yield int(node), tuple(held[start : start + size].tolist())
