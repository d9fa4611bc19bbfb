from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import polars as pl
import pytest

from argosy.errors import UnknownError
from argosy.serving.snapshot import Source
from argosy.serving.stream.address import parse
from argosy.serving.stream.flow import Flow, Pace
from argosy.serving.stream.picture import Picture
from argosy.serving.stream.redis import RedisStream
from argosy.store import declarations
from tests.redis import Server
from tests.serving.conftest import FLEET, declared
from tests.serving.stream.conftest import Streaming, eventually, record

GOING = Pace(poll_seconds=0.02)


def stream(redis: Server) -> RedisStream:
    return RedisStream(parse(f"{redis.url}/in", "--from"), "out", "dead", "g")


def send(redis: Server, *numbers: int) -> None:
    pipe = redis.client.pipeline()
    for number in numbers:
        pipe.xadd("in", {"data": json.dumps(record(number)), "key": f"k{number}"})
    pipe.execute()


def answers(redis: Server) -> dict[str, dict[str, Any]]:
    """What was told, by key: each once."""
    found = redis.client.xrange("out")
    told = {fields[b"key"].decode(): json.loads(fields[b"data"]) for _, fields in found}
    assert len(told) == len(found)
    return told


async def told(redis: Server, count: int) -> bool:
    """Whether so many answers are there."""
    return redis.client.xlen("out") >= count


def talk(flow: Flow, work: Callable[[], Awaitable[None]]) -> None:
    """Do something while a flow goes on; then it is stopped, and ends by itself."""

    async def talking() -> None:
        going = asyncio.create_task(flow.run())
        try:
            await work()
            assert not going.done()
        finally:
            flow.stop()
            async with asyncio.timeout(60):
                await going

    asyncio.run(talking())


def test_everything_is_answered_recorded_and_settled(redis: Server, streaming: Streaming) -> None:
    send(redis, *range(2_500))
    redis.client.xadd("in", {"data": "hello"})
    asyncio.run(streaming.flow(stream(redis)).run())
    found = answers(redis)
    assert found.keys() == {f"k{number}" for number in range(2_500)}
    assert {row["version"] for row in found.values()} == {"late-arrival/JFK/AA@1", "late-arrival/JFK/B6@1"}
    rows = pl.concat([pl.read_ipc(path) for path in streaming.segments.rglob("*.arrow")])
    assert sorted(rows["row_key"]) == sorted(f"f{number}" for number in range(2_500))
    assert redis.client.xpending("in", "g")["pending"] == 0 and redis.client.xlen("dead") == 1
    counts = streaming.measures
    assert (counts.answered, counts.dead, counts.rows, counts.behind) == (2_500, 1, 2_500, 0)
    assert counts.batches == 3
    text = counts.text()
    assert 'argosy_stream_messages_total{fleet="late-arrival",outcome="answered"} 2500' in text
    assert 'argosy_stream_batch_messages_bucket{fleet="late-arrival",le="1024"} 3' in text


def test_rows_are_on_disk_before_their_answers_are_told(redis: Server, streaming: Streaming) -> None:
    broker = stream(redis)
    settle, seen = broker.settle, []

    async def settling(outcomes: Any) -> int:
        seen.append((len(outcomes), streaming.recorder.written, redis.client.xlen("out")))
        return await settle(outcomes)

    broker.settle = settling  # type: ignore[method-assign]
    send(redis, *range(300))
    asyncio.run(streaming.flow(broker, Pace(once=True, most=100)).run())
    assert [count for count, _, _ in seen] == [100, 100, 100]
    assert all(written >= out + count for count, written, out in seen)


def test_messages_that_come_one_by_one_are_scored_together(redis: Server, streaming: Streaming) -> None:
    async def work() -> None:
        for number in range(200):
            send(redis, number)
            await asyncio.sleep(0)
        await eventually(lambda: told(redis, 200))

    talk(streaming.flow(stream(redis), Pace(wait_seconds=0.05)), work)
    assert streaming.measures.batches < 100


def test_a_promotion_is_taken_up_while_it_runs(redis: Server, streaming: Streaming) -> None:
    async def work() -> None:
        number = 0

        async def answered_by(version: str) -> bool:
            nonlocal number
            number += 2
            send(redis, number)
            return any(row["version"] == version for row in answers(redis).values())

        await eventually(lambda: answered_by("late-arrival/JFK/AA@1"))
        promoted = streaming.fleet.add_version("JFK/AA", 9)
        assert promoted == "late-arrival/JFK/AA@2"
        await eventually(lambda: answered_by(promoted))

    talk(streaming.flow(stream(redis), GOING), work)


def test_what_was_read_is_answered_before_it_ends(redis: Server, streaming: Streaming) -> None:
    async def work() -> None:
        send(redis, *range(5_000))
        await eventually(lambda: told(redis, 1))

    talk(streaming.flow(stream(redis), Pace(most=50)), work)
    assert redis.client.xpending("in", "g")["pending"] == 0
    assert len(answers(redis)) == redis.client.xinfo_groups("in")[0]["entries-read"] < 5_000


@pytest.mark.fault
def test_a_broker_that_is_killed_is_waited_for(redis: Server, streaming: Streaming) -> None:
    async def work() -> None:
        for round in range(3):
            send(redis, *range(1_000 * round, 1_000 * round + 1_000))
            await eventually(lambda least=1_000 * round + 100: told(redis, least))
            await asyncio.to_thread(redis.kill)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(redis.start)
        await eventually(lambda: told(redis, 3_000))

    talk(streaming.flow(stream(redis), Pace(most=100)), work)
    assert answers(redis).keys() == {f"k{number}" for number in range(3_000)}


def test_a_fleet_that_nobody_declared_ends_it(redis: Server, streaming: Streaming) -> None:
    streaming.picture = Picture(lambda: None, streaming.cache, "nothing")
    with pytest.raises(UnknownError, match="nothing"):
        asyncio.run(streaming.flow(stream(redis)).run())


def test_a_fleet_that_vanishes_ends_it_once_what_was_read_is_settled(redis: Server, streaming: Streaming) -> None:
    async def talking() -> None:
        going = asyncio.create_task(streaming.flow(stream(redis), GOING).run())
        send(redis, *range(50))
        await eventually(lambda: told(redis, 50))
        with streaming.fleet.store.write() as tx:
            declarations.add(tx, [msgspec.structs.replace(declared(FLEET), removed=True)])
        with pytest.raises(UnknownError, match=FLEET.name):
            async with asyncio.timeout(60):
                await going

    asyncio.run(talking())
    assert answers(redis).keys() == {f"k{number}" for number in range(50)}
    assert redis.client.xpending("in", "g")["pending"] == 0
    send(redis, 50)
    streaming.picture = Picture(Source(streaming.fleet.store), streaming.cache, FLEET.name)
    with pytest.raises(UnknownError, match=FLEET.name):
        asyncio.run(streaming.flow(stream(redis)).run())
    assert redis.client.xinfo_groups("in")[0]["lag"] == 1 and redis.client.xlen("dead") == 0
