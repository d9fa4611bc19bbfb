"""How many fields a `ModelInferRequest` has, told before they are made: two bytes may be a tensor of a hundred."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.errors import InputError
from argosy.serving.limits import MAX_COLUMNS

MAX_FIELDS = 8 * MAX_COLUMNS
"""Of a request and of its tensors, those in their contents left out."""
_INPUTS, _SHAPE = 5, 3
_MAX_SHAPE = 64
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def check(body: bytes) -> None:
    """Raise InputError for more than `MAX_FIELDS` or a shape of above `_MAX_SHAPE` bytes; what is no message passes."""
    left = MAX_FIELDS
    for number, start, end in fields(body, 0, len(body)):
        left -= 1
        for within, first, last in fields(body, start, end) if number == _INPUTS else ():
            left -= 1
            if left < 0 or (within == _SHAPE and last - first > _MAX_SHAPE):
                raise _long()
        if left < 0:
            raise _long()


def _long() -> InputError:
    return InputError(
        f"the message has above {MAX_FIELDS:,} fields, or a shape of above {_MAX_SHAPE} bytes",
        next="send one tensor a column",
    )


def fields(body: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The number of each field and where its value begins and ends, as far as there are any."""
    while at < end:
        tag, at = _varint(body, at, end)
        kind, start = tag & 7, at
        if kind == _BYTES:
            size, start = _varint(body, at, end)
            at = start + size
        elif kind == _VARINT:
            _, at = _varint(body, at, end)
        elif kind in (_EIGHT, _FOUR):
            at += 8 if kind == _EIGHT else 4
        else:
            return
        if at > end:
            return
        yield tag >> 3, start, at


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """A number and where it ends; beyond the end where there is none."""
    found = shift = 0
    while at < end and shift < 64:
        byte = body[at]
        found |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return found, at
    return 0, end + 1
