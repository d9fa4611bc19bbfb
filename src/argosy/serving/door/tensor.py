"""A tensor of a request, however it came."""

from __future__ import annotations

from typing import Any

import msgspec


class Tensor(msgspec.Struct):
    """One input column, shape [n] or [n, 1], or several side by side, shape [n, k], row by row."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] = []
    parameters: dict[str, Any] | None = None
