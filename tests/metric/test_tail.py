"""Tail probabilities against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from argosy.metric.tail import chi_square_tail, normal_tails, poisson_tail, upper_gamma


def test_upper_gamma_equals_reference_over_a_wide_range() -> None:
    shape, x = np.meshgrid(np.geomspace(0.5, 900.0, 40), np.append(0.0, np.geomspace(1e-3, 3000.0, 60)))
    np.testing.assert_allclose(upper_gamma(shape, x), special.gammaincc(shape, x), rtol=1e-8, atol=1e-15)


def test_large_shapes_are_close_enough_to_decide() -> None:
    shape = np.full(9, 40_000.0)
    x = shape + np.linspace(-4.0, 4.0, 9) * 200.0
    np.testing.assert_allclose(upper_gamma(shape, x), special.gammaincc(shape, x), rtol=2e-3, atol=1e-9)


def test_chi_square() -> None:
    np.testing.assert_allclose(chi_square_tail([3.0, 50.0, 700.0], [1, 20, 5]), stats.chi2.sf([3, 50, 700], [1, 20, 5]))
    assert chi_square_tail(4.0, 0) == 1.0


def test_poisson() -> None:
    np.testing.assert_allclose(poisson_tail([1, 4, 30], 3.5), stats.poisson.sf([0, 3, 29], 3.5))
    assert poisson_tail(0, 3.0) == 1.0


@pytest.mark.parametrize("size", [1, 4])
def test_normal(size: int) -> None:
    z = np.linspace(-6.0, 3.0, size)
    np.testing.assert_allclose(normal_tails(z), 2 * stats.norm.sf(np.abs(z)))


def test_nan_stays_nan_and_infinity_is_impossible() -> None:
    found = normal_tails([np.nan, np.inf])
    assert np.isnan(found[0])
    assert found[1] == 0.0
