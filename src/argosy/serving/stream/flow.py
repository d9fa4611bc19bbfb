"""The way of the messages of a stream: read, answered, recorded, settled, a batch after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import msgspec

from argosy.errors import ArgosyError, CapacityError, UnknownError
from argosy.serving.recorder import Recorder
from argosy.serving.stream.answerer import Answerer
from argosy.serving.stream.broker import Broker, UnreachableError
from argosy.serving.stream.measure import Measures
from argosy.serving.stream.message import Message, Outcome
from argosy.serving.stream.picture import Picture

T = TypeVar("T")
_LOG = logging.getLogger("argosy.serving")
_IDLE_SECONDS, _LOOK_SECONDS = 0.5, 1.0
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How messages are taken: at most `most` in a batch, which waits `wait_seconds` for more once it has the first.

    With `once` the stream ends when nothing is left in it. A stop waits `drain_seconds` for what was read. Who answers
    is looked up every `poll_seconds`.
    """

    most: int = 1_000
    wait_seconds: float = 0.01
    once: bool = False
    drain_seconds: float = 30.0
    poll_seconds: float = 0.5


class Flow:
    """Answers the messages of a broker for one fleet until it is stopped.

    While one batch is settled the next is scored and one more is read: no more are under way, however fast they come. A
    message is settled once its answers are on disk, and its answer is told as it is settled: what a crash leaves behind
    is delivered again. Where the broker or the disk fails, it is tried again until it does not.
    """

    def __init__(
        self, broker: Broker, answerer: Answerer, picture: Picture, recorder: Recorder, measures: Measures, pace: Pace
    ) -> None:  # fmt: skip
        self._broker, self._answerer, self._picture = broker, answerer, picture
        self._recorder, self._measures, self._pace = recorder, measures, pace
        self._stop = asyncio.Event()
        self._left: float | None = None
        self._gone: UnknownError | None = None

    def stop(self) -> None:
        """Read nothing more, and end once what was read is settled."""
        self._stop.set()
        self._left = asyncio.get_running_loop().time() + self._pace.drain_seconds

    async def run(self) -> None:
        """Go on until `stop`, or until nothing is left where that was asked; raises ArgosyError for what lasts.

        A fleet that is declared no longer ends it as a stop does, with UnknownError once what was read is settled.
        """
        await self._picture.take()
        await self._broker.open()
        read: asyncio.Queue[list[Message]] = asyncio.Queue(1)
        answered: asyncio.Queue[list[Outcome]] = asyncio.Queue(1)
        beside = (self._follow(), self._look())
        tasks = [asyncio.create_task(each) for each in beside]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(read))
                group.create_task(self._answer(read, answered))
                group.create_task(self._settle(answered))
        except BaseExceptionGroup as found:
            raise found.exceptions[0] from None
        finally:
            for each in tasks:
                each.cancel()
            with suppress(ArgosyError):
                self._measures.behind = await self._broker.behind()
            await self._broker.close()
        if self._gone is not None:
            raise self._gone

    async def _read(self, out: asyncio.Queue[list[Message]]) -> None:
        """Hand on batches, and an empty one as the last."""
        while not self._stop.is_set():
            batch = await self._patiently(self._batch)
            if batch:
                await out.put(batch)
            elif self._pace.once and not await self._patiently(self._broker.behind):
                break
        await out.put([])

    async def _batch(self) -> list[Message]:
        found = await self._broker.read(self._pace.most, _IDLE_SECONDS)
        if found and len(found) < self._pace.most and self._pace.wait_seconds and not self._stop.is_set():
            await asyncio.sleep(self._pace.wait_seconds)
            try:
                found += await self._broker.read(self._pace.most - len(found), 0)
            except UnreachableError:  # those that are here are answered first
                return found
        return found

    async def _answer(self, given: asyncio.Queue[list[Message]], out: asyncio.Queue[list[Outcome]]) -> None:
        while batch := await given.get():
            await out.put(await self._patiently(partial(asyncio.to_thread, self._answered, batch)))
        await out.put([])

    def _answered(self, batch: Sequence[Message]) -> list[Outcome]:
        """Answer by the newest picture, and wait until the answers are on disk."""
        endpoint = self._picture.endpoint
        assert endpoint is not None
        found = self._answerer.answer(endpoint, batch)
        self._recorder.flush()
        return found

    async def _settle(self, given: asyncio.Queue[list[Outcome]]) -> None:
        while batch := await given.get():
            told = await self._patiently(partial(self._broker.settle, batch))
            self._measures.settled(batch, told)

    async def _follow(self) -> None:
        """Keep up who answers, until cancelled, or until nobody does."""
        try:
            await self._picture.follow(self._pace.poll_seconds)
        except UnknownError as error:
            self._gone = error
            self.stop()

    async def _look(self) -> None:
        """Keep up how far behind the stream is, until cancelled."""
        while True:
            with suppress(ArgosyError):  # it is told again when it can be
                self._measures.behind = await self._broker.behind()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """What some work gives, tried again while the broker cannot be reached or the disk is full."""
        pause = _FIRST_PAUSE
        while True:
            try:
                found = await work()
                if pause > _FIRST_PAUSE:
                    _LOG.warning("the stream goes on")
                return found
            except (UnreachableError, CapacityError) as error:
                self._check(error)
                if pause == _FIRST_PAUSE:
                    _LOG.error("the stream waits: %s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    def _check(self, error: ArgosyError) -> None:
        """Raise an error that a stop waits for no longer."""
        if self._left is not None and asyncio.get_running_loop().time() > self._left:
            raise error
