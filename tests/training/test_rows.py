from __future__ import annotations

import pickle
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from argosy.training.rows import Block, Member, folds, held_out, read, values
from tests.training.sample import DAY, Memory, some

ordered = st.lists(st.integers(0, 50), max_size=80).map(lambda found: np.array(sorted(found), dtype=np.int64))


def test_a_key_gives_back_its_values() -> None:
    assert values("JFK/AA") == ("JFK", "AA")
    assert values("a%2Fb/50%25") == ("a/b", "50%")
    assert values("") == ()


def test_the_held_out_tail_is_what_is_less_than_the_span_before_the_last_row() -> None:
    times = np.array([0, 1, 2, 3, 4], dtype=np.int64) * DAY
    assert held_out(times, timedelta(days=2)) == 3
    assert held_out(times, timedelta(days=9)) == 0
    assert held_out(times[:0], timedelta(days=9)) == 0


@given(ordered, st.integers(1, 6))
def test_folds_look_forward_only_and_overlap_nowhere(times: np.ndarray, count: int) -> None:
    seen = -1
    for train, check in folds(times, count):
        assert train.start == 0 and train.stop == check.start < check.stop
        assert times[: train.stop].max() < times[check].min()
        assert check.start > seen
        seen = check.stop - 1


def test_one_fold_validates_on_the_last_quarter() -> None:
    assert list(folds(np.arange(100), 1)) == [(slice(0, 75), slice(75, 100))]
    assert [check for _, check in folds(np.arange(60), 3)] == [slice(30, 40), slice(40, 50), slice(50, 60)]


def test_rows_come_by_time_whatever_their_order_in_the_set() -> None:
    source = Memory({"x": some(1), "y": some(2)})
    shuffled = source.rows.take(np.random.default_rng(0).permutation(len(source.rows.labels)))
    source.rows = shuffled
    found = read(pickle.loads(pickle.dumps(source)), Member("y", 400, 400, ""))
    assert (np.diff(found.times) >= 0).all()
    assert sorted(found.labels) == sorted(shuffled.labels[400:])


def test_rows_in_order_are_not_copied() -> None:
    data = some(1)
    assert data.ordered() is data
    assert Block(data.matrix[:1], data.labels[:1], data.times[:1]).ordered().matrix.base is not None
