"""Windows add up: an algebra, and bytes that come back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import ConflictError, CorruptError, UnknownError
from argosy.monitoring.window import Windows, merge
from tests.monitoring.fleet import MEMBERS, bins, rows, windows

FRAME = rows(5, 600)
BINS = bins(FRAME)

spans = st.tuples(st.integers(0, 600), st.integers(0, 600), st.sets(st.sampled_from(MEMBERS))).map(
    lambda span: windows(FRAME.slice(min(span[:2]), abs(span[1] - span[0])), BINS).slice(tuple(span[2]))
)


def _same(one: Windows, two: Windows) -> None:
    assert one.members == two.members
    for name in ("counts", "predictions", "positives", "negatives", "rows"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_allclose(one.sums, two.sums, rtol=1e-12, atol=1e-12)


@given(spans, spans, spans)
def test_merge_is_associative_and_commutative_with_an_identity(a: Windows, b: Windows, c: Windows) -> None:
    _same(merge(merge(a, b), c), merge(a, merge(b, c)))
    _same(merge(a, b, c), merge(c, b, a))
    _same(merge(a, Windows.empty(BINS)), a)


@given(st.integers(0, 600))
def test_two_halves_make_the_whole(cut: int) -> None:
    whole = windows(FRAME, BINS)
    _same(merge(windows(FRAME.head(cut), BINS), windows(FRAME.slice(cut), BINS)), whole)


@given(spans)
def test_bytes_round_trip(window: Windows) -> None:
    data = window.to_bytes()
    _same(Windows.from_bytes(data), window)
    assert Windows.from_bytes(data).to_bytes() == data


def test_bytes_are_compact() -> None:
    window = windows(FRAME, BINS)
    assert len(window.to_bytes()) < window.counts.nbytes + window.predictions.nbytes


@pytest.mark.parametrize("harm", [lambda data: data[:40], lambda data: b"", lambda data: data[:-9]])
def test_damaged_bytes_are_found(harm: object) -> None:
    assert callable(harm)
    with pytest.raises(CorruptError, match="not a window"):
        Windows.from_bytes(harm(windows(FRAME, BINS).to_bytes()))


def test_together_is_the_fleet() -> None:
    window = windows(FRAME, BINS)
    fleet = window.together()
    assert fleet.members == ("*",)
    assert int(fleet.rows[0]) == 600
    np.testing.assert_array_equal(fleet.counts[0], window.counts.sum(axis=0))


def test_a_total_counts_every_row_once_whatever_bears_its_name() -> None:
    window = windows(FRAME, BINS)
    total = window.with_total()
    _same(total, merge(window, window.together()))
    _same(window.with_total("JFK/AA").slice(["JFK/AA"]), window.together("JFK/AA"))
    assert total.members == ("*", *window.members) and window.with_total("JFK/AA").members == window.members


def test_other_bins_and_unknown_members_are_refused() -> None:
    window = windows(FRAME, BINS)
    with pytest.raises(ConflictError, match="cannot be added"):
        merge(window, windows(FRAME, bins(rows(6, 300))))
    with pytest.raises(UnknownError, match="'JFK/HA'"):
        window.slice(["JFK/HA"])
