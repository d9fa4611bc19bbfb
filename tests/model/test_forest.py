"""What is refused of an XGBoost model before its library sees it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from xgboost import XGBRegressor

from argosy.errors import CorruptError
from argosy.model import forest
from tests.model.conftest import Boosted


def test_it_reads_trees_features_and_base(boosted: Boosted) -> None:
    found = forest.read(boosted.data)
    assert (found.features, found.objective, len(found.trees)) == (4, "binary:logistic", 12)
    assert found.base == pytest.approx(np.mean(boosted.late), abs=1e-3)
    assert any(len(tree["categories"]) for tree in found.trees)


@pytest.mark.parametrize(
    ("name", "place", "value", "why"),
    [
        ("left_children", 0, struct.pack(">i", 9999), "points outside tree"),
        ("left_children", 0, struct.pack(">i", 0), "points outside tree"),
        ("left_children", 1, struct.pack(">i", 2), "have one child"),
        ("right_children", 0, struct.pack(">i", -1), "points outside tree"),
        ("parents", 2, struct.pack(">i", 1), "parents of tree"),
        ("split_indices", 0, struct.pack(">i", 4), "outside 0..3"),
        ("split_indices", 0, struct.pack(">i", -1), "outside 0..3"),
        ("categories", 0, struct.pack(">i", -1), "outside its list"),
        ("categories", 0, struct.pack(">i", 1 << 25), "outside its list"),
        ("categories_segments", 0, struct.pack(">q", 7), "not those of its splits"),
        ("categories_sizes", 0, struct.pack(">q", -1), "not those of its splits"),
        ("categories_nodes", 0, struct.pack(">i", 40), "not those of its splits"),
    ],
)
def test_a_number_that_leads_outside_is_refused(
    boosted: Boosted, name: str, place: int, value: bytes, why: str
) -> None:
    start = _elements(boosted.data, name) + place * len(value)
    with pytest.raises(CorruptError, match=why):
        forest.check(boosted.data[:start] + value + boosted.data[start + len(value) :])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"\x06gbtree", b"\x06gbtrie", "booster 'gbtrie'"),
        (b"binary:logistic", b"binary:logitraw", "objective 'binary:logitraw'"),
        (b"\x0anum_targetSL\0\0\0\0\0\0\0\x011", b"\x0anum_targetSL\0\0\0\0\0\0\0\x012", "2 targets"),
        (b"\x09num_treesSL\0\0\0\0\0\0\0\x0212", b"\x09num_treesSL\0\0\0\0\0\0\0\x0213", "num_trees"),
        (b"\x02idi\1", b"\x02idi\2", "other fields"),
        (b"sum_hessian", b"sum_hessiax", "other fields"),
    ],
)
def test_what_is_not_as_it_is_written_is_refused(boosted: Boosted, old: bytes, new: bytes, why: str) -> None:
    assert old in boosted.data
    with pytest.raises(CorruptError, match=why):
        forest.check(boosted.data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"booster": "gblinear"}, "booster 'gblinear'"),
        ({"booster": "dart"}, "booster 'dart'"),
        ({"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.9]}, "2 targets"),
        ({"objective": "binary:logitraw"}, "objective 'binary:logitraw'"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_a_model_that_is_not_served_says_what_to_train(options: dict[str, Any], why: str) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    made = XGBRegressor(n_estimators=2, n_jobs=1, **options).fit(rows, rows[:, 0] > 0)
    with pytest.raises(CorruptError, match=why) as caught:
        forest.check(bytes(made.get_booster().save_raw("ubj")))
    assert "train with" in str(caught.value)


def _elements(data: bytes, name: str) -> int:
    """Where the elements of the first list of this name start, that has any."""
    head = struct.pack(">q", len(name)) + name.encode() + b"[$"
    place = data.index(head)
    while not int.from_bytes(data[(start := place + len(head) + 3) : start + 8], "big"):
        place = data.index(head, place + 1)
    return start + 8
