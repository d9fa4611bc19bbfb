"""Comparing what was done again with what is recorded, with a reason for each difference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from argosy.controller.reproduce.outcome import DONE, Outcome, Piece
from argosy.pipelines.why import changes

METRIC, HASH, COUNT, STATE = "metric", "artifact", "count", "state"
_LONGEST = 300
_ALONE = (
    "code, inputs and libraries are the same: it is not deterministic (time, chance, what lies outside), or the "
    "machine, or what the libraries need, is another"
)
_VOLATILE = "it is never used again (cache=False), and may give something else each time"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What is other than it was: `place` is the node or the model, `name` which of its metrics or artifacts.

    None stands for what one of the two has not. One that is not `counted` is told, but is no failure to reproduce.
    """

    place: str
    kind: str
    name: str
    before: float | str | None
    after: float | str | None
    why: str
    counted: bool = True


class Compared(msgspec.Struct, frozen=True):
    """How much of each kind is the same, and all that is not."""

    same: dict[str, int]
    differences: list[Difference]

    @property
    def alike(self) -> bool:
        """Whether nothing differs that counts."""
        return not any(each.counted for each in self.differences)


def compare(before: Outcome, after: Outcome, tolerance: float = 0.0) -> Compared:
    """Compare outcomes: states, counts, digests, and metrics that may differ by `tolerance`, relative or absolute.

    With a tolerance, the bytes of what has metrics of its own count no more where all of these agree.
    """
    same = {STATE: 0, COUNT: 0, METRIC: 0, HASH: 0}
    found: list[Difference] = []
    for place in dict.fromkeys([*before, *after]):
        one, two = before.get(place), after.get(place)
        if one is None or two is None:
            there = (one.state if one else None, two.state if two else None)
            found.append(_difference(place, STATE, "", there, "it is in one of the two only"))
            continue
        why, apart = _why(one, two), False
        for kind, name, pair in _pairs(one, two):
            if _near(*pair, tolerance if kind == METRIC else 0.0):
                same[kind] += 1
                continue
            apart = apart or kind != HASH
            counted = apart or not (tolerance and one.metrics)
            found.append(_difference(place, kind, name, pair, why, counted=counted))
            if kind == STATE:
                break
    return Compared(same, found)


def _pairs(one: Piece, two: Piece) -> Iterator[tuple[str, str, tuple[float | str | None, float | str | None]]]:
    """What both have of each kind by name; metrics come before artifacts."""
    yield STATE, "", (one.state, two.state)
    kinds: tuple[tuple[str, Mapping[str, float | str], Mapping[str, float | str]], ...] = (
        (COUNT, one.counts, two.counts), (METRIC, one.metrics, two.metrics), (HASH, one.hashes, two.hashes),
    )  # fmt: skip
    for kind, mine, yours in kinds:
        for name in dict.fromkeys([*mine, *yours]):
            yield kind, name, (mine.get(name), yours.get(name))


def _near(one: float | str | None, two: float | str | None, tolerance: float) -> bool:
    if isinstance(one, str) or isinstance(two, str) or one is None or two is None:
        return one == two
    both_nan = math.isnan(one) and math.isnan(two)
    return both_nan or math.isclose(one, two, rel_tol=tolerance, abs_tol=tolerance)


def _why(one: Piece, two: Piece) -> str:
    """What it was made of otherwise; where that is nothing, what may be."""
    if one.state != two.state and (one.state != DONE or two.reason):
        return f"then: {one.reason}"[:_LONGEST] if two.state == DONE else two.reason[:_LONGEST]
    found = "; ".join(changes(one.recipe, two.recipe, one.given, two.given))
    return found[:_LONGEST] or (_VOLATILE if one.volatile else _ALONE)


def _difference(
    place: str, kind: str, name: str, pair: tuple[float | str | None, float | str | None], why: str, *,
    counted: bool = True,
) -> Difference:  # fmt: skip
    return Difference(place=place, kind=kind, name=name, before=pair[0], after=pair[1], why=why, counted=counted)
