"""A long answer and the token that it was asked with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from argosy.server.tie import Asgi, Receive, Scope, Send, tied

Message = dict[str, Any]
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
GONE: Message = {"type": "http.disconnect"}
LAST: Message = {"type": "http.response.body", "body": b"", "more_body": False}


def body(text: bytes, *, more: bool = True) -> Message:
    """A piece of an answer."""
    return {"type": "http.response.body", "body": text, "more_body": more}


def answered(app: Asgi, receive: Receive, stands: Callable[[], Awaitable[bool]]) -> list[Message]:
    """What the client gets."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(asyncio.wait_for(tied(app, {}, receive, send, stands, 0.005), 60))
    return sent


async def silent() -> Message:
    """A client that says nothing more."""
    await asyncio.Event().wait()
    return GONE


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    """An answer that goes on until its client has gone."""
    await send(START)
    await send(body(b"x"))
    assert await receive() == GONE


async def standing() -> bool:
    return True


async def ended() -> bool:
    return False


def test_two_tasks_may_wait_for_the_client_at_once() -> None:
    pieces = iter([b"one", b"two"])
    heard: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend(await asyncio.gather(receive(), receive()))

    answered(app, receive, standing)
    assert [each["body"] for each in heard] == [b"one", b"two"]


def test_all_who_wait_hear_of_the_end_and_the_answer_is_whole() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(body(b"x"))
        assert await asyncio.gather(receive(), receive()) == [GONE, GONE]
        assert await receive() == GONE

    assert answered(app, silent, ended) == [START, body(b"x"), LAST]


def test_a_question_that_fails_is_asked_again() -> None:
    asked = 0

    async def stands() -> bool:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise RuntimeError("the store is busy")
        return False

    assert answered(streaming, silent, stands) == [START, body(b"x"), LAST]
    assert asked == 3


def test_a_task_that_gives_up_waiting_loses_no_message() -> None:
    late = asyncio.Event()

    async def receive() -> Message:
        await late.wait()
        return {"type": "http.request", "body": b"late", "more_body": False}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given_up = asyncio.ensure_future(receive())
        await asyncio.sleep(0.01)
        given_up.cancel()
        late.set()
        assert (await receive())["body"] == b"late"
        await send(START)
        await send(body(b"y", more=False))

    assert answered(app, receive, standing) == [START, body(b"y", more=False)]
