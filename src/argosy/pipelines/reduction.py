"""A reduction: a list folded two neighbours at a time, level by level, until one value is left. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Reduction(Generic[T]):
    """Which pairs are to be folded next. How values are paired depends on their number alone.

    Folds are numbered from 0 across all levels. An odd value at the end of a level goes on to the next as it is.
    """

    def __init__(self, values: list[T]) -> None:
        if not values:
            raise ValueError("nothing to reduce")
        self._level: list[T | None] = list(values)
        self._first = 0  # the number of the first fold of this level
        self._folds = 0  # how many folds this level has
        self._pending = 0

    def pairs(self) -> list[tuple[int, T, T]]:
        """The folds of the level that begins now, each with its number; none where one value is left."""
        level = self._level
        pairs = [(place, level[2 * place], level[2 * place + 1]) for place in range(len(level) // 2)]
        rest = level[len(level) - len(level) % 2 :]
        self._first += self._folds
        self._folds = self._pending = len(pairs)
        folds: list[T | None] = [None] * len(pairs)
        self._level = folds + rest
        return [(self._first + place, a, b) for place, a, b in pairs]  # type: ignore[misc]

    def put(self, number: int, value: T) -> None:
        """What a fold gave."""
        self._level[number - self._first] = value
        self._pending -= 1

    @property
    def result(self) -> T | None:
        """The value that is left, None while there are several."""
        return self._level[0] if len(self._level) == 1 and not self._pending else None
