"""What a process keeps of immutable facts, so that the next watch need not read them again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")


class Kept:
    """Values by what they were made from; those used longest ago go once all of them take more than `limit` bytes.

    For one thread: the controller's. A key must name content that never changes, such as the digest of a part.
    """

    def __init__(self, limit: int = 256_000_000) -> None:
        self._limit = limit
        self._taken = 0
        self._values: dict[Hashable, tuple[object, int]] = {}

    def of(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """The value of a key, made where it is not kept; `size` gives its bytes."""
        if key in self._values:
            found = self._values.pop(key)
            self._values[key] = found
            return found[0]  # type: ignore[return-value]  # what `make` of this key returned
        value = make()
        taken = size(value)
        self._values[key] = (value, taken)
        self._taken += taken
        while self._taken > self._limit:
            oldest = next(iter(self._values))
            self._taken -= self._values.pop(oldest)[1]
        return value
