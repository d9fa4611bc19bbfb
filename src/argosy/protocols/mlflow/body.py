"""Bodies of requests that are no files: read whole, and never more than the limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from argosy.protocols.mlflow.fault import INVALID, Fault

LIMIT = 64 * 1024 * 1024
"""Bytes of a request that is no file."""
SMALL = 2 * 1024 * 1024
"""Bytes of one that changes nothing; and of JSON that is read whatever it holds, which takes fifty times as many."""
UNREAD = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises where it is none, is not in UTF-8, or is too deep."""


async def whole(receive: Callable[[], Any], limit: int = LIMIT) -> bytes:
    """The body of a request. Raises Fault where it has more than `limit` bytes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise Fault(INVALID, f"the body is larger than {limit:,} bytes; send less at a time")
    return b"".join(parts)
