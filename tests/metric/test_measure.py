"""Intervals cover the truth as often as they say; comparisons find what is there and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from argosy.metric import SCORES, compare, interval, measure, score
from argosy.metric.groups import Floats


def _sample(random: np.random.Generator, size: int, task: str) -> tuple[Floats, Floats]:
    if task == "binary":
        p = random.beta(1.5, 3.0, size)
        return (random.random(size) < p).astype(float), p
    y = 20.0 + 4.0 * random.normal(size=size)
    return y, y + 0.5 + random.normal(size=size)


@pytest.mark.parametrize("name", SCORES)
def test_interval_covers_the_truth(name: str) -> None:
    random = np.random.default_rng(3)
    task = SCORES[name].task
    truth = score(name, *_sample(random, 400_000, task))
    covered = 0
    for _ in range(400):
        low, high = interval(name, *_sample(random, 200, task))
        covered += low <= truth <= high
    assert 0.90 <= covered / 400 <= 0.985


def test_auc_error_equals_delongs_definition() -> None:
    random = np.random.default_rng(4)
    y, p = _sample(random, 150, "binary")
    p = p.round(1)
    ones, zeros = p[y == 1], p[y == 0]
    wins = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    error = math.sqrt(
        wins.mean(axis=1).var(ddof=1) / len(ones) + wins.mean(axis=0).var(ddof=1) / len(zeros),
    )
    found = measure("roc_auc", y, p)
    assert found.value == pytest.approx(wins.mean())
    assert found.high - found.low == pytest.approx(2 * 1.959963984540054 * error)


def test_mean_interval_is_the_standard_error() -> None:
    y, p = _sample(np.random.default_rng(5), 60, "regression")
    low, high = interval("mae", y, p, level=0.9)
    half = stats.norm.ppf(0.95) * stats.sem(np.abs(y - p))
    assert (low, high) == pytest.approx((np.abs(y - p).mean() - half, np.abs(y - p).mean() + half))


def test_proportion_interval_is_wilsons() -> None:
    y = np.array([1.0] * 9 + [0.0])
    expected = stats.binomtest(9, 10).proportion_ci(method="wilson")
    assert interval("accuracy", y, np.full(10, 0.9)) == pytest.approx((expected.low, expected.high))


def test_perfect_ranking_of_few_rows_is_not_certain() -> None:
    found = measure("roc_auc", [0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    assert found.value == 1.0
    assert found.low < 0.5
    assert found.high == 1.0


def test_one_row_has_no_interval() -> None:
    low, high = interval("log_loss", [1], [0.4])
    assert math.isnan(low)
    assert math.isnan(high)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "average_precision", "f1"])
def test_equal_models_are_seldom_told_apart(name: str) -> None:
    random = np.random.default_rng(6)
    found = 0
    for _ in range(300):
        logit = random.normal(size=250)
        y = (random.random(250) < 1 / (1 + np.exp(-logit))).astype(float)
        a, b = (1 / (1 + np.exp(-logit - 0.5 * random.normal(size=250))) for _ in range(2))
        found += compare(name, y, a, b).p_value < 0.05
    assert found / 300 <= 0.09


def test_better_model_is_found_and_signs_agree() -> None:
    random = np.random.default_rng(7)
    y, p = _sample(random, 800, "binary")
    worse = np.clip(p + 0.3 * random.normal(size=800), 0.0, 1.0)
    found = compare("roc_auc", y, p, worse)
    assert found.difference == pytest.approx(found.a - found.b)
    assert 0 < found.low < found.difference < found.high
    assert found.p_value < 0.01
    back = compare("roc_auc", y, worse, p)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_paired_mean_difference_is_the_paired_test() -> None:
    random = np.random.default_rng(8)
    y, a = _sample(random, 500, "regression")
    b = a + 0.1 * random.normal(size=500)
    losses = np.abs(a - y) - np.abs(b - y)
    z = losses.mean() / stats.sem(losses)
    assert compare("mae", y, a, b).p_value == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_a_model_against_itself_is_no_difference() -> None:
    y, p = _sample(np.random.default_rng(9), 50, "binary")
    found = compare("brier", y, p, p)
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_undefined_comparison_says_why() -> None:
    found = compare("roc_auc", [1, 1], [0.2, 0.3], [0.3, 0.2])
    assert math.isnan(found.p_value)
    assert "both classes" in found.reason
