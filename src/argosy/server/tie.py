"""A long answer ends with the token that it was asked with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

_LOG = logging.getLogger("argosy.server")
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


async def tied(
    app: Asgi, scope: Scope, receive: Receive, send: Send, stands: Callable[[], Awaitable[bool]], every: float
) -> None:  # fmt: skip
    """Run `app`, and as long as it waits for its client ask `stands` every so many seconds.

    Once that says no, the application hears that its client has gone, and an answer under way ends as a whole one.
    Where `stands` fails it has said nothing yet: it is asked again. The application may wait in several tasks at once.
    """
    turn = asyncio.Lock()
    waiting: asyncio.Future[dict[str, Any]] | None = None
    ended = under_way = False

    async def receiver() -> dict[str, Any]:
        nonlocal waiting, ended
        async with turn:
            waiting = waiting or asyncio.ensure_future(receive())
            while not ended and not (await asyncio.wait({waiting}, timeout=every))[0]:
                ended = not await _asked(stands)
            if ended:
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


async def _asked(stands: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await stands()
    except Exception as error:  # a busy store, say: that is no word about the token
        _LOG.warning("whether a token is still in force could not be asked: %s", error)
        return True
