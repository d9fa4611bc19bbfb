"""A long answer ends with the token that it was asked with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


async def tied(
    app: Asgi, scope: Scope, receive: Receive, send: Send, stands: Callable[[], Awaitable[bool]], every: float
) -> None:  # fmt: skip
    """Run `app`, and as long as it waits for its client ask `stands` every so many seconds.

    Once that says no, the application hears that its client has gone, and an answer under way ends as a whole one.
    """
    waiting: asyncio.Future[dict[str, Any]] | None = None
    ended = under_way = False

    async def receiver() -> dict[str, Any]:
        nonlocal waiting, ended
        waiting = waiting or asyncio.ensure_future(receive())
        while not (await asyncio.wait({waiting}, timeout=every))[0]:
            if not await stands():
                ended = True
                return {"type": "http.disconnect"}
        message, waiting = waiting.result(), None
        return message

    async def sender(message: dict[str, Any]) -> None:
        nonlocal under_way
        under_way = message["type"] == "http.response.start" or bool(message.get("more_body"))
        await send(message)

    try:
        await app(scope, receiver, sender)
    finally:
        if waiting is not None:
            waiting.cancel()
    if ended and under_way:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
