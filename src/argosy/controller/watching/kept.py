"""What a process keeps of immutable facts, so that the next watch need not read them again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Values by what they were made from; those used longest ago go once all of them take more than `limit` bytes.

    For one thread: the controller's. A key must name content that never changes, such as the digest of a part.
    """

    def __init__(self, limit: int = 256_000_000) -> None:
        self._limit = limit
        self._taken = 0
        self._values: dict[Hashable, tuple[Any, int]] = {}

    def get(self, key: Hashable) -> Any:
        """The value of a key, None where it is not kept."""
        found = self._values.pop(key, None)
        if found is None:
            return None
        self._values[key] = found
        return found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value that takes `size` bytes."""
        self._taken += size - self._values.pop(key, (None, 0))[1]
        self._values[key] = (value, size)
        while self._taken > self._limit:
            self._taken -= self._values.pop(next(iter(self._values)))[1]

    def of(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """The value of a key, made where it is not kept."""
        found: T | None = self.get(key)
        if found is None:
            found = make()
            self.put(key, found, size(found))
        return found
