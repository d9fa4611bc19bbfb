"""Tokens of pages: how many came before, or the last row, of which the next page begins after."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from types import NoneType
from typing import Annotated, Any

import msgspec

from argosy.errors import UsageError

_MOST = 10**9
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]


def token(start: int) -> str:
    """The token of the page that begins after so many."""
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def start(token: str | None) -> int:
    """After how many a page begins. Raises UsageError for what is no token."""
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not text.isdigit() or len(text) > len(str(_MOST)) or int(text) > _MOST:
        raise UsageError(f"page token {token[:40]!r} was not given by this list", next="start without one")
    return int(text)


def mark(row: Sequence[Any]) -> str:
    """The token of the page that begins after a row of numbers, texts and None."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(tuple(row))).decode()


def row(token: str, texts: Sequence[bool]) -> tuple[Any, ...]:
    """The row that a token holds: each value is a text, or none, or None. Raises UsageError for what is no token.

    The first value says which rows are first, as a whole number or a text, and the last tells rows apart: neither is
    None.
    """
    try:
        values = msgspec.msgpack.decode(base64.urlsafe_b64decode(token), type=list[_Whole | float | _Text | None])
        each = list(zip(values, texts, strict=True))
        wrong = any(isinstance(value, str) is not text for value, text in each if value is not None)
        if wrong or isinstance(values[0], (float, NoneType)) or values[-1] is None:
            raise ValueError(values)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise UsageError(f"page token {token[:40]!r} was not given by this search", next="start without one") from error
    return tuple(values)
