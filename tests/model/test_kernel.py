"""Kernel SHAP: Shapley's values where they can be known, sums always, and an account of what it asks."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.model.kernel import COALITIONS, Floats, explain
from argosy.model.matrix import Matrix


class Game:
    """A function of rows with products in it, that counts the rows it is asked for."""

    def __init__(self, features: int, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.weights, self.pairs = random.normal(size=features), random.normal(size=(features, features))
        self.asked = 0

    def __call__(self, rows: Matrix) -> Floats:
        self.asked += len(rows)
        return np.tanh(rows @ self.weights + np.einsum("ni,ij,nj->n", rows, self.pairs, rows) / 4)


def plain(values: Floats) -> Floats:
    return values


def shapley(game: Game, row: Matrix, background: Matrix) -> list[float]:
    """By the definition: the mean of what a feature adds over all orders in which they may come."""
    features = len(row)

    def worth(members: tuple[int, ...]) -> float:
        mixed = background.copy()
        mixed[:, list(members)] = row[list(members)]
        return float(game(mixed).mean())

    found = []
    for feature in range(features):
        others = [each for each in range(features) if each != feature]
        total = 0.0
        for size in range(features):
            weight = factorial(size) * factorial(features - size - 1) / factorial(features)
            for some in combinations(others, size):
                total += weight * (worth((*some, feature)) - worth(some))
        found.append(total)
    return found


@pytest.mark.parametrize("features", [1, 2, 3, 6, 8])
def test_it_equals_the_definition_where_all_coalitions_are_asked(features: int) -> None:
    random = np.random.default_rng(features)
    rows, background, game = random.normal(size=(3, features)), random.normal(size=(5, features)), Game(features)
    found = explain(game, plain, rows, background)
    for row, contributions in zip(rows, found, strict=True):
        np.testing.assert_allclose(contributions[:-1], shapley(game, row, background), atol=1e-10)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(0, 4), st.integers(1, 6), st.integers(0, 99))
def test_contributions_sum_to_the_score_and_the_budget_holds(features: int, count: int, behind: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, background = random.normal(size=(count, features)), random.normal(size=(behind, features))
    game = Game(features)
    found = explain(game, np.exp, rows, background)
    assert game.asked <= count * behind * COALITIONS + behind + count
    assert found.shape == (count, features + 1)
    np.testing.assert_allclose(found.sum(axis=1), np.exp(game(rows)))
    np.testing.assert_allclose(found[:, -1], np.exp(game(background).mean()))


def test_a_sum_of_parts_is_told_apart_exactly_however_many_there_are() -> None:
    random = np.random.default_rng(1)
    weights, rows, background = random.normal(size=200), random.normal(size=(2, 200)), random.normal(size=(4, 200))
    found = explain(lambda matrix: matrix @ weights, plain, rows, background)
    np.testing.assert_allclose(found[:, :-1], (rows - background.mean(axis=0)) * weights, atol=1e-8)


def test_what_is_drawn_is_near_the_truth_and_always_the_same() -> None:
    random = np.random.default_rng(2)
    rows, background, game = random.normal(size=(4, 11)), random.normal(size=(6, 11)), Game(11)
    found = explain(game, plain, rows, background)
    wanted = np.array([shapley(game, row, background) for row in rows])
    assert np.abs(found[:, :-1] - wanted).mean() < 0.1 * np.abs(wanted).mean()
    np.testing.assert_array_equal(found, explain(game, plain, rows, background))
