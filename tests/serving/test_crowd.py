"""Who holds connections and shows no token keeps nobody out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.crowd import Crowd

MOST = 3


class One:
    """A connection."""


def test_the_stranger_who_came_first_goes_for_one_who_comes() -> None:
    crowd = Crowd[One](MOST)
    first, known, third, late, last = (One() for _ in range(5))
    assert [crowd.enter(each) for each in (known, first, third)] == [None] * MOST
    crowd.know(known)
    assert crowd.enter(late) is first and crowd.open == {known, third, late}
    for each in (third, late):
        crowd.know(each)
    assert crowd.enter(last) is last and crowd.open == {known, third, late}
    crowd.leave(first)  # as it does once it is broken off
    crowd.leave(known)
    assert crowd.enter(last) is None


@given(st.lists(st.tuples(st.sampled_from(["enter", "know", "leave"]), st.integers(0, 9)), max_size=60))
def test_there_are_never_too_many_and_nobody_who_is_known_is_broken_off(steps: list[tuple[str, int]]) -> None:
    crowd, ones, known = Crowd[One](MOST), [One() for _ in range(10)], set[One]()
    for what, place in steps:
        one = ones[place]
        if what == "enter" and one not in crowd.open:
            before = set(crowd.open)
            gone = crowd.enter(one)
            assert gone not in known and crowd.open == (before | {one}) - {gone}
            assert (gone is one) == (known == before and len(before) == MOST)
        elif what == "know" and one in crowd.open:
            crowd.know(one)
            known.add(one)
        elif what == "leave":
            crowd.leave(one)
            known.discard(one)
        assert len(crowd.open) <= MOST and known <= crowd.open
