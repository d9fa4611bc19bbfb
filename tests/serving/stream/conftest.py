"""A Redis server, and a stream of the fleet's messages through it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.recorder import Recorder
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from argosy.serving.stream.answerer import Answerer
from argosy.serving.stream.broker import Broker
from argosy.serving.stream.flow import Flow, Pace
from argosy.serving.stream.measure import Measures
from argosy.serving.stream.message import Message
from argosy.serving.stream.picture import Picture
from tests.redis import Server
from tests.serving.conftest import FLEET, NOW, Fixture
from tests.serving.served import Weather


def record(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A good record."""
    row = {
        "flight": f"f{number}", "origin": "JFK", "carrier": ["AA", "B6"][number % 2],
        "departure": "2013-04-01T15:30:00Z", "distance": 100 + number, "dest": "LAX",
    }  # fmt: skip
    return {name: value for name, value in (row | changes).items() if value is not None}


def message(body: object, id: str = "in/1-0", key: str | None = None) -> Message:
    """A message as it was delivered."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Message(id, data, datetime(2013, 4, 1, 14, tzinfo=UTC), key)


class Streaming:
    """What answers the messages of a fleet, over a broker."""

    def __init__(self, fleet: Fixture, segments: Path) -> None:
        self.fleet, self.segments = fleet, segments
        self.cache = ModelCache(blob_loader(fleet.store.blobs))
        self.recorder = Recorder(segments, lambda: NOW, durable=True)
        self.scorer = Scorer(self.cache, lambda: NOW, lambda endpoint: Weather(), self.recorder)
        self.answerer = Answerer(self.scorer, 100_000)
        self.picture = Picture(Source(fleet.store), self.cache, FLEET.name)
        self.measures = Measures(FLEET.name)

    def endpoint(self) -> Any:
        """The endpoint of now."""
        return asyncio.run(self.picture.take())

    def flow(self, broker: Broker, pace: Pace = Pace(once=True)) -> Flow:  # noqa: B008 - it is frozen
        """A flow of a broker's messages."""
        return Flow(broker, self.answerer, self.picture, self.recorder, self.measures, pace)


@pytest.fixture
def streaming(fleet: Fixture, tmp_path: Path) -> Iterator[Streaming]:
    made = Streaming(fleet, tmp_path / "segments")
    yield made
    made.recorder.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    place = tmp_path / "redis"
    place.mkdir()
    server = Server(place)
    yield server
    server.close()


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not await check():
            await asyncio.sleep(0.02)
