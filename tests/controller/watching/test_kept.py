"""What is kept comes back until there is no room for it; what was used last stays longest."""

from __future__ import annotations

from argosy.controller.watching.kept import Kept


def test_the_longest_unused_goes_first() -> None:
    kept = Kept(limit=3)
    for key in "abc":
        kept.put(key, key.upper(), 1)
    assert kept.get("a") == "A"
    kept.put("d", "D", 1)
    assert [kept.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_what_is_larger_than_the_room_is_made_and_not_kept() -> None:
    kept, numbers = Kept(limit=3), iter(range(9))
    assert [kept.of("big", lambda: next(numbers), lambda _: 9) for _ in range(2)] == [0, 1]
    assert kept.get("big") is None


def test_a_value_that_is_put_again_takes_its_room_once() -> None:
    kept = Kept(limit=3)
    for _ in range(5):
        kept.put("a", "A", 2)
    kept.put("b", "B", 1)
    assert (kept.get("a"), kept.get("b")) == ("A", "B")
