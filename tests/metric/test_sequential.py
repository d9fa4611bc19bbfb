"""The sequential interval: it errs no more often than it says however often it is looked at, and it gets somewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from argosy.metric.groups import Floats
from argosy.metric.sequential import contrast

Draw = Callable[[np.random.Generator, int], Floats]
LEAST, FIRST, LAST, EVERY, RUNS = 100, 200, 3_000, 25, 300
DRAWS: dict[str, Draw] = {
    "normal": lambda rng, size: rng.normal(size=size),
    "skewed": lambda rng, size: rng.exponential(size=size),
    "rare": lambda rng, size: (rng.random(size) < 0.1).astype(np.float64),
}


def looks(
    values: Floats, mine: np.ndarray, alpha: float, effect: float = 0.0, *, least: int = LEAST, every: int = EVERY
) -> tuple[int | None, int]:
    """After how many observations the interval first excludes `effect` (None: never), and on which side.

    The first look has `least` of each arm.
    """
    for seen in range(2 * least, len(values), every):
        a, b = values[:seen][mine[:seen]], values[:seen][~mine[:seen]]
        if min(len(a), len(b)) < least:
            continue
        found = contrast(a, np.ones(len(a)), b, np.ones(len(b)), alpha)
        if found.low > effect or found.high < effect:
            return seen, 1 if found.low > effect else -1
    return None, 0


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("name", DRAWS)
def test_over_a_hundred_looks_it_errs_at_most_as_often_as_alpha(name: str, share: float, alpha: float) -> None:
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(RUNS):
        seen, _ = looks(DRAWS[name](rng, LAST), rng.random(LAST) < share, alpha)
        wrong += seen is not None
    assert wrong / RUNS <= alpha + 2 * np.sqrt(alpha * (1 - alpha) / RUNS)


@pytest.mark.parametrize(("name", "share"), [("normal", 0.5), ("skewed", 0.1), ("rare", 0.1), ("rarer", 0.1)])
def test_few_observations_mislead_it_no_more_often(name: str, share: float) -> None:
    """From ten observations of each arm on, the fewest that a test may be declared to decide by, at nearly every one.

    With the variance of each arm alone it errs in up to a third of the tests in which one arm is small.
    """
    rng, wrong = np.random.default_rng(9), 0
    for _ in range(RUNS):
        values = (rng.random(400) < 0.02).astype(np.float64) if name == "rarer" else DRAWS[name](rng, 400)
        wrong += looks(values, rng.random(400) < share, 0.05, least=10, every=5)[0] is not None
    assert wrong / RUNS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / RUNS)


def test_losses_that_do_not_vary_decide_nothing() -> None:
    """Their means differ by the rounding of sums."""
    found = contrast(np.full(70, 0.3), np.ones(70), np.full(110, 0.3), np.ones(110), 0.05)
    assert found.low == -np.inf and found.high == np.inf


def test_a_fixed_sample_interval_would_err_far_more_often() -> None:
    """What the looks cost is real: the test above could fail."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(RUNS):
        values, mine = rng.normal(size=LAST), rng.random(LAST) < 0.5
        for seen in range(FIRST, LAST, EVERY):
            a, b = values[:seen][mine[:seen]], values[:seen][~mine[:seen]]
            if abs(a.mean() - b.mean()) > 1.96 * np.sqrt(a.var() / len(a) + b.var() / len(b)):
                wrong += 1
                break
    assert wrong / RUNS > 0.2


@pytest.mark.parametrize("effect", [0.3, -0.3])
def test_a_large_effect_is_found_early_and_on_its_side(effect: float) -> None:
    rng, found = np.random.default_rng(6), []
    for _ in range(100):
        mine = rng.random(LAST) < 0.5
        found.append(looks(rng.normal(size=LAST) + effect * mine, mine, 0.05))
    assert sum(side == np.sign(effect) for _, side in found) >= 98
    assert np.median([seen or LAST for seen, _ in found]) < 1_000


def test_rows_of_one_unit_count_as_one_observation() -> None:
    """The same value ten times over tells no more than once; as rows of their own they would."""
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=150), rng.normal(size=150)
    once = contrast(a, np.ones(150), b, np.ones(150), 0.05)
    tenfold = contrast(10 * a, np.full(150, 10.0), 10 * b, np.full(150, 10.0), 0.05)
    apart = contrast(np.repeat(a, 10), np.ones(1500), np.repeat(b, 10), np.ones(1500), 0.05)
    assert tenfold.difference == pytest.approx(once.difference)
    assert tenfold.high - tenfold.low == pytest.approx(once.high - once.low)
    assert apart.high - apart.low < 0.6 * (once.high - once.low)


def test_means_are_over_rows_and_units_of_many_rows_weigh_more() -> None:
    found = contrast(np.array([1.0, 9.0]), np.array([1.0, 3.0]), np.array([1.0, 1.0]), np.array([1.0, 1.0]), 0.05)
    assert found.difference == pytest.approx(10 / 4 - 1.0)
    assert found.low < found.difference < found.high


@pytest.mark.parametrize("alpha", [0.01, 0.2])
def test_a_smaller_alpha_makes_a_wider_interval_which_holds_the_difference_in_its_middle(alpha: float) -> None:
    rng = np.random.default_rng(8)
    a, b, one = rng.normal(size=300), rng.normal(size=500), 0.05
    wide, narrow = (contrast(a, np.ones(300), b, np.ones(500), level) for level in sorted((alpha, one)))
    assert wide.high - wide.low > narrow.high - narrow.low
    assert (wide.low + wide.high) / 2 == pytest.approx(wide.difference) == narrow.difference
