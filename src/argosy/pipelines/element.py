"""Elements: how far a mapped or reduced node has come."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from argosy.pipelines.piece import Many, Piece
from argosy.pipelines.reduction import Reduction


class Place(msgspec.Struct, gc=False):
    """One call of a node: which element, its key, what it is given, and how that is recorded."""

    node: int
    element: int
    key: str
    arguments: dict[str, Piece | None]
    told: dict[str, Any] = {}


WINDOW = 2000
"""Elements of one map that may be out at a time: what is needed for each is not made for all of them at once."""

Bound = dict[str, Piece | None] | None
"""The arguments of an element; None where one of them is missing."""


class Elements:
    """What the `count` elements of a node gave, each with `outputs` values; or the folds of a reduction of `values`.

    `bound` are the arguments of elements, in order, made as they are asked for.
    """

    def __init__(
        self, count: int, outputs: int, bound: Iterable[Bound] = (), values: list[Piece] | None = None
    ) -> None:
        self.count = len(values) - 1 if values else count
        self.lost = 0
        self.kept = 0
        self._begun = self.count if values else 0  # folds begin level by level
        self._bound = enumerate(bound)
        self._columns: list[list[Piece | None]] = [[None] * count for _ in range(outputs)]
        self._left = count
        self._reduction = Reduction(values) if values else None

    @property
    def complete(self) -> bool:
        """Whether none is out; of a reduction, none of this level."""
        return not self._left

    @property
    def hungry(self) -> bool:
        """Whether further elements had better begin: half of those that may be out are not."""
        return self._begun < self.count and self._out <= WINDOW // 2

    def begin(self) -> list[tuple[int, Bound]]:
        """The next elements, as many as may be out, with their arguments."""
        found = list(islice(self._bound, WINDOW - self._out))
        self._begun += len(found)
        return found

    @property
    def _out(self) -> int:
        return self._begun + self._left - self.count

    def put(self, element: int, outputs: tuple[Piece | None, ...]) -> None:
        """What an element gave."""
        self._left -= 1
        self.kept += 1
        if self._reduction is not None:
            assert outputs[0] is not None
            self._reduction.put(element, outputs[0])
            return
        for column, value in zip(self._columns, outputs, strict=True):
            column[element] = value

    def lose(self) -> None:
        """An element failed."""
        self._left -= 1
        self.lost += 1

    def leave_out(self) -> None:
        """An element does not begin, as what it needs was lost before."""
        self._left -= 1

    def columns(self) -> tuple[Piece | None, ...]:
        """The values of all elements, a list for each output, with holes where elements were lost."""
        return tuple(Many.of(column) for column in self._columns)

    def pairs(self) -> list[tuple[int, Piece, Piece]]:
        """The folds of the next level of a reduction."""
        assert self._reduction is not None
        found = self._reduction.pairs()
        self._left = len(found)
        return found

    @property
    def reduced(self) -> Piece | None:
        """What a reduction came to."""
        return self._reduction.result if self._reduction is not None else None
