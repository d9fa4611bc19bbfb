from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.training.interval import calibrate

ERRORS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(errors=ERRORS, coverage=st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_the_margin_is_the_least_error_that_holds_the_coverage_and_one_row_more(
    errors: list[float], coverage: float
) -> None:
    labels = np.array(errors)
    found = calibrate(coverage, labels, np.zeros(len(labels)))
    least = round((len(labels) + 1) * coverage, 9)
    assert (found.coverage, found.rows, found.judged) == (coverage, len(labels), len(labels) - len(labels) // 2)
    if least > len(labels):
        assert found.margin is None
        return
    assert found.margin in np.abs(labels)
    assert np.count_nonzero(np.abs(labels) <= found.margin) >= least
    assert np.count_nonzero(np.abs(labels) < found.margin) < least


def test_nine_rows_are_the_fewest_for_nine_tenths() -> None:
    labels = np.arange(1.0, 10.0)
    assert calibrate(0.9, labels, np.zeros(9)).margin == 9.0
    assert calibrate(0.9, labels[:8], np.zeros(8)).margin is None


def test_what_is_measured_is_the_older_half_held_against_the_newer() -> None:
    labels = np.r_[np.arange(20.0), np.full(20, 17.5)]
    found = calibrate(0.9, labels, np.zeros(40))
    assert (found.measured, found.judged) == (1.0, 20)
    grown = calibrate(0.9, np.r_[np.arange(20.0), np.full(20, 50.0)], np.zeros(40))
    assert grown.measured == 0.0 and grown.margin == 50.0
    assert calibrate(0.9, labels[:12], np.zeros(12)).measured is None


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_rows_of_the_same_kind_are_covered_as_often_as_is_said(coverage: float) -> None:
    random = np.random.default_rng(1)
    held = []
    for _ in range(400):
        labels = random.standard_t(3, size=81)
        margin = calibrate(coverage, labels[:80], np.zeros(80)).margin
        held.append(margin is not None and abs(labels[80]) <= margin)
    assert coverage - 0.06 < np.mean(held) < coverage + 0.08
