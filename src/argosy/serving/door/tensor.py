"""A tensor of a request, however it came, and an output that it asks for."""

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


class Requested(msgspec.Struct):
    """An output that the client asks for."""

    name: str
    parameters: dict[str, Any] | None = None
