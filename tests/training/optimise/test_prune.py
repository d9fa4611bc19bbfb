from __future__ import annotations

import numpy as np
import pytest

from argosy.errors import InputError
from argosy.metric import measure
from argosy.model.format import load
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted
from argosy.training.optimise.prune import prune
from argosy.training.rows import Block
from tests.training.sample import SIGNATURE, some


def fitted(rows: Block, trees: int) -> bytes:
    estimator = Estimator("lightgbm:LGBMClassifier", {"n_estimators": trees, "num_leaves": 7, "learning_rate": 0.2})
    return Boosted(estimator, {}, rows, SIGNATURE, 0).portable(SIGNATURE, rows.matrix[:5])[1]


def loss(data: bytes, rows: Block) -> float:
    return measure("log_loss", rows.labels, load("lightgbm", data).predict(rows.matrix)).value


def test_the_fewest_trees_that_are_good_enough_are_kept() -> None:
    data, judges = fitted(some(0, 2000), 80), some(1, 1000)
    text, trees = prune(data, judges, "log_loss", 0.02)
    assert 1 < trees < 60 and text.count(b"\nTree=") == trees and len(text) < len(data)
    assert loss(text, judges) <= 1.02 * loss(data, judges)
    again, fewer = prune(data, judges, "log_loss", 0.3)
    assert fewer < trees and loss(again, judges) > loss(text, judges)


def test_the_trees_that_stay_are_those_of_the_original() -> None:
    data, judges = fitted(some(0, 2000), 80), some(1, 1000)
    text, trees = prune(data, judges, "log_loss", 0.02)
    whole = fitted(some(0, 2000), trees)
    assert np.array_equal(load("lightgbm", text).predict(judges.matrix), load("lightgbm", whole).predict(judges.matrix))


def test_a_model_that_needs_all_its_trees_is_left_alone() -> None:
    data, judges = fitted(some(0, 2000), 4), some(1, 1000)
    with pytest.raises(InputError, match=r"fewer than its 4 trees make log_loss worse[\s\S]*--tolerance"):
        prune(data, judges, "log_loss", 0.0)
