"""JSON at the doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from argosy.errors import InputError
from argosy.serving.door import weight

T = TypeVar("T")
encode = msgspec.json.Encoder().encode


def decoded(decode: Callable[[bytes], T], body: bytes, wanted: str) -> T:
    """What a body holds; raises InputError that ends with what to send instead."""
    weight.check_json(body)
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"the body is not the JSON of a request: {error}" if body else "the body is empty",
            next=f"{wanted}; a missing number is null, not NaN",
        ) from error
