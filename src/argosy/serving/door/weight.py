"""What the values of a body may take of memory, told before they are made: a few bytes may stand for many."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from argosy.errors import InputError
from argosy.serving.limits import MAX_CELLS

LIGHT = 256 * 1024
"""Bytes of a body that need no look: whatever they hold is little."""
MAX_BYTES = 384 << 20
"""What the values of a body of JSON may take, by the estimate of `check_json`."""
_COSTS = {b"[": 72, b"{": 240, b'"': 29, b",": 32}
"""Bytes of memory for each sign of JSON: a list, an object, half of a text, a number with its place in a list."""


def check_json(body: bytes) -> None:
    """Raise InputError for JSON whose values may take above `MAX_BYTES`: one byte may become forty."""
    if len(body) <= LIGHT:
        return
    weight = sum(cost * body.count(sign) for sign, cost in _COSTS.items())
    if weight > MAX_BYTES:
        raise InputError(
            f"the values of the body may take {weight >> 20:,} MB of memory, more than {MAX_BYTES >> 20}",
            next="send fewer rows in each request, or Arrow",
        )


class Room:
    """The values that the tensors of one request may hold together: `MAX_CELLS`."""

    def __init__(self) -> None:
        self._left = MAX_CELLS

    def take(self, name: str, shape: Sequence[int], count: int) -> None:
        """Let a tensor have its `count` values; raises InputError where its shape says others, or there is no room."""
        if len(shape) > 2 or prod(shape) != count:
            raise InputError(
                f"the input {name!r} holds {count:,} values where its shape says {list(shape[:5])}",
                next="send one value a row",
            )
        self._left -= count
        if self._left < 0:
            raise InputError(
                f"the tensors up to {name!r} hold above {MAX_CELLS:,} values", next="send fewer rows in each request"
            )
