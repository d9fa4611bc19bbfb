from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.pipelines.reduction import Reduction


@given(st.lists(st.text(max_size=3), min_size=1, max_size=70), st.randoms(use_true_random=False))
def test_a_list_is_folded_in_order_whatever_ends_first(values: list[str], random: object) -> None:
    reduction = Reduction(values)
    numbers = []
    while pairs := reduction.pairs():
        assert reduction.result is None
        random.shuffle(pairs)  # type: ignore[attr-defined]
        for number, a, b in pairs:
            numbers.append(number)
            assert reduction.result is None
            reduction.put(number, a + b)
    assert reduction.result == "".join(values)
    assert sorted(numbers) == list(range(len(values) - 1))


def test_nothing_cannot_be_reduced() -> None:
    with pytest.raises(ValueError, match="nothing to reduce"):
        Reduction([])
