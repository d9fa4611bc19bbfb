from __future__ import annotations

import math

import numpy as np
import pytest

from argosy.metric import Comparison, compare
from argosy.training.choose import choose, standard_error


def losses(own: float, pooled: float, error: float, name: str = "log_loss") -> Comparison:
    difference, half = own - pooled, 1.959964 * error
    return Comparison(name, own, pooled, difference, difference - half, difference + half, 0.1, 812)


def test_a_clearly_better_own_model_answers() -> None:
    choice = choose(losses(0.412, 0.431, 0.006))
    assert choice.own
    assert choice.reason == (
        "own model: log-loss of own 0.412 vs pooled 0.431 on 812 rows (own better by 0.019, one standard error 0.006)"
    )


@pytest.mark.parametrize(("own", "pooled"), [(0.427, 0.431), (0.431, 0.431), (0.45, 0.431)])
def test_the_pooled_model_wins_ties_and_defeats(own: float, pooled: float) -> None:
    assert not choose(losses(own, pooled, 0.006)).own


def test_greater_is_better_for_an_area() -> None:
    assert choose(losses(0.70, 0.65, 0.02, "roc_auc")).own
    assert not choose(losses(0.65, 0.70, 0.02, "roc_auc")).own


def test_without_a_pooled_model_the_own_one_answers() -> None:
    choice = choose(None)
    assert choice.own and "no pooled model" in choice.reason


def test_what_cannot_be_compared_is_not_better() -> None:
    ones = np.ones(5)
    choice = choose(compare("roc_auc", ones, ones * 0.4, ones * 0.5))
    assert not choice.own and "both classes" in choice.reason


def test_the_standard_error_is_that_of_the_paired_difference() -> None:
    rng = np.random.default_rng(0)
    labels, own, pooled = rng.normal(size=(3, 200))
    found = standard_error(compare("mae", labels, own, pooled))
    rows = np.abs(own - labels) - np.abs(pooled - labels)
    assert found == pytest.approx(rows.std(ddof=1) / math.sqrt(200), rel=1e-6)
