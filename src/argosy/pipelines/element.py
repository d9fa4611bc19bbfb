"""Elements: how far a mapped or reduced node has come."""

from __future__ import annotations

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


class Elements:
    """What the `count` elements of a node gave, each with `outputs` values; or the folds of a reduction of `values`."""

    def __init__(self, count: int, outputs: int, values: list[Piece] | None = None) -> None:
        self.count = len(values) - 1 if values else count
        self.lost = 0
        self.kept = 0
        self.begun = 0
        self._columns: list[list[Piece | None]] = [[None] * count for _ in range(outputs)]
        self._left = count
        self._reduction = Reduction(values) if values else None

    @property
    def complete(self) -> bool:
        """Whether none is out; of a reduction, none of this level."""
        return not self._left

    @property
    def out(self) -> int:
        """How many were begun and came to no end yet."""
        return self.begun + self._left - self.count

    def begin(self, count: int) -> None:
        """So many more begin."""
        self.begun += count

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
