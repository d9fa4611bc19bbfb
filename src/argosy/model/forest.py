"""The shape of an XGBoost model, proven before the native parser sees it.

XGBoost trusts what it reads: a child or a number of a tree that lies outside reads or walks memory that it does not
own. This check accepts what XGBoost writes of trees and nothing looser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.errors import CorruptError
from argosy.model import ubjson
from argosy.model.space import Space

SPACES: Mapping[str, Space] = {
    **dict.fromkeys(("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror"), "value"),
    "reg:quantileerror": "value",
    **dict.fromkeys(("binary:logistic", "reg:logistic"), "log_odds"),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), "log"),
}
"""The objectives that are served, and the space of the raw score of each."""
_MAX_DEPTH = 4096
_MAX_CATEGORY = 1 << 24
_MAX_FEATURES = 1 << 20
_MAX_WORDS = 1 << 23
"""Words of 32 categories that the splits of a model may take together: 32 MB."""
_ROOT = 2**31 - 1
_NODES = {
    "left_children": np.int32, "right_children": np.int32, "parents": np.int32, "split_indices": np.int32,
    "split_conditions": np.float32, "split_type": np.uint8, "default_left": np.uint8, "base_weights": np.float32,
    "loss_changes": np.float32, "sum_hessian": np.float32,
}  # fmt: skip
_SETS = {
    "categories": np.int32, "categories_nodes": np.int32, "categories_segments": np.int64,
    "categories_sizes": np.int64,
}  # fmt: skip
_BASE = re.compile(r"\[?([0-9.E+-]{1,24})\]?")
_FIELDS = frozenset({"id", "tree_param", *_NODES, *_SETS})

Tree = Mapping[str, Any]


class Forest(msgspec.Struct, frozen=True):
    """Trees over `features` numbers; `base` is what an answer is where they add nothing."""

    features: int
    objective: str
    base: float
    trees: Sequence[Tree]


def check(data: bytes) -> None:
    """Raises CorruptError unless every tree has the nodes, features and children that it states."""
    read(data)


def read(data: bytes) -> Forest:
    """The trees that the bytes hold, each as the arrays that XGBoost names. Raises as `check` does."""
    learner = _part(ubjson.read(data), "learner")
    stated, booster = _part(learner, "learner_model_param"), _part(learner, "gradient_booster")
    if booster.get("name") != "gbtree":
        raise _refused(f"a booster {booster.get('name')!r}", "train with booster='gbtree'")
    if stated.get("num_class") not in ("0", "1") or stated.get("num_target") != "1":
        raise _refused(
            f"{stated.get('num_class')} classes and {stated.get('num_target')} targets where one output is served",
            "train with a binary or regression objective",
        )
    objective = str(_part(learner, "objective").get("name"))
    if objective not in SPACES:
        raise _refused(f"the objective {objective[:60]!r}", f"train with {', '.join(SPACES)}")
    features = _integer(stated, "num_feature", 1, _MAX_FEATURES)
    for name in ("feature_names", "feature_types"):
        if len(_sequence(learner, name)) not in (0, features):
            raise _wrong(f"{name} are not {features}")
    trees = _trees(_part(booster, "model"))
    for place, tree in enumerate(trees):
        _check_tree(tree, place, features)
    if sum(int(tree["categories"].max(initial=0)) // 32 * len(tree["categories_nodes"]) for tree in trees) > _MAX_WORDS:
        raise _wrong(f"its categories take more than {_MAX_WORDS:,} words")
    base = _BASE.fullmatch(str(stated.get("base_score")))
    try:
        return Forest(features, objective, float(base.group(1) if base else "none"), trees)
    except ValueError as error:
        raise _wrong("its base score is no number") from error


def _trees(model: Mapping[str, Any]) -> Sequence[Tree]:
    """The trees, with what says how many there are and which belongs to which round."""
    trees, shape = _sequence(model, "trees"), _part(model, "gbtree_model_param")
    count = len(trees)
    if _integer(shape, "num_trees", 0, count) != count or not all(isinstance(tree, dict) for tree in trees):
        raise _wrong(f"num_trees is not {count}")
    _integer(shape, "num_parallel_tree", 0, max(count, 1))
    rounds = _integers(model, "iteration_indptr")
    if not len(rounds) or rounds[0] != 0 or rounds[-1] != count or (np.diff(rounds) < 0).any():
        raise _wrong("iteration_indptr does not cover its trees")
    groups = _integers(model, "tree_info")
    if len(groups) != count or groups.any():
        raise _wrong("tree_info names another output than the first")
    if any(len(each) for each in _part(model, "cats").values()):
        raise _refused("categories of a data frame", "train on the matrix of the signature")
    return trees


def _check_tree(tree: Tree, place: int, features: int) -> None:
    where = f"tree {place}"
    if frozenset(tree) != _FIELDS or tree["id"] != place:
        raise _wrong(f"{where} has other fields than a tree")
    shape = _part(tree, "tree_param")
    nodes = _integer(shape, "num_nodes", 1, len(tree["parents"]))
    if shape.get("size_leaf_vector") not in ("0", "1") or shape.get("num_feature") != str(features):
        raise _wrong(f"{where} is of other features or outputs")
    _integer(shape, "num_deleted", 0, nodes)
    for name, kind in (_NODES | _SETS).items():
        values = tree[name]
        if not isinstance(values, np.ndarray) or values.dtype != kind or (name in _NODES and len(values) != nodes):
            raise _wrong(f"{where} holds no {nodes} {name}")
    left, right = tree["left_children"], tree["right_children"]
    inner = np.flatnonzero(left != -1)
    children = np.concatenate((left[inner], right[inner]))
    if (right[left == -1] != -1).any() or ((children < 1) | (children >= nodes)).any():
        raise _wrong(f"a child points outside {where}")
    if len(np.unique(children)) != len(children):
        raise _wrong(f"two splits of {where} have one child")
    if tree["parents"][0] != _ROOT or (tree["parents"][children] != np.tile(inner, 2)).any():
        raise _wrong(f"the parents of {where} are not those of its children")
    if ((tree["split_indices"][inner] < 0) | (tree["split_indices"][inner] >= features)).any():
        raise _wrong(f"{where} splits on a feature outside 0..{features - 1}")
    _check_depth(left, right, where)
    _check_categories(tree, where)


def _check_depth(left: npt.NDArray[np.int32], right: npt.NDArray[np.int32], where: str) -> None:
    level, depth = np.zeros(1, np.int32), 0
    while len(level := level[left[level] != -1]):
        level, depth = np.concatenate((left[level], right[level])), depth + 1
        if depth > _MAX_DEPTH:
            raise _wrong(f"{where} is deeper than {_MAX_DEPTH}")


def _check_categories(tree: Tree, where: str) -> None:
    held, nodes = tree["categories"], tree["categories_nodes"]
    starts, sizes = tree["categories_segments"], tree["categories_sizes"]
    whole = len(starts) == len(sizes) == len(nodes) and np.array_equal(nodes, np.flatnonzero(tree["split_type"]))
    if not whole or (sizes < 1).any() or not np.array_equal(starts, np.cumsum(sizes) - sizes):
        raise _wrong(f"the categories of {where} are not those of its splits")
    if sizes.sum() != len(held) or ((held < 0) | (held >= _MAX_CATEGORY)).any():
        raise _wrong(f"{where} has categories outside its list")


def _part(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = held.get(name)
    if not isinstance(found, dict):
        raise _wrong(f"it has no {name}")
    return found


def _sequence(held: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = held.get(name)
    if not isinstance(found, list):
        raise _wrong(f"it has no list {name}")
    return found


def _integers(held: Mapping[str, Any], name: str) -> npt.NDArray[np.int64]:
    found = _sequence(held, name)
    if not all(isinstance(each, int) for each in found):
        raise _wrong(f"{name} are no integers")
    return np.array(found, dtype=np.int64)


def _integer(held: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = held.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}", value) or not least <= int(value) <= most:
        raise _wrong(f"{name} is {str(value)[:20]!r}, wanted {least} to {most}")
    return int(value)


def _refused(what: str, instead: str) -> CorruptError:
    return CorruptError(f"an XGBoost model with {what}, which is not served", next=instead)


def _wrong(reason: str) -> CorruptError:
    return CorruptError(f"these bytes are not an XGBoost model: {reason}", next="register the version again")
