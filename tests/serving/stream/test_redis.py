from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from argosy.errors import InputError
from argosy.serving.stream.address import parse
from argosy.serving.stream.broker import UnreachableError
from argosy.serving.stream.message import Message, Outcome
from argosy.serving.stream.redis import RedisStream
from tests.redis import Server


def consumer(redis: Server, **more: Any) -> RedisStream:
    return RedisStream(parse(f"{redis.url}/in", "--from"), "out", "dead", "g", **more)


def told(message: Message, reason: str = "") -> Outcome:
    return Outcome(message, b"answer", 1, reason)


def talk(redis: Server, work: Callable[[RedisStream], Awaitable[None]], **more: Any) -> None:
    async def talking() -> None:
        found = consumer(redis, **more)
        await found.open()
        await work(found)
        await found.close()

    asyncio.run(talking())


def test_messages_are_told_apart_by_their_fields(redis: Server) -> None:
    redis.client.xadd("in", {"data": "body", "key": "k"}, id="1700000000000-1")
    redis.client.xadd("in", {"anything": "body"})
    redis.client.xadd("in", {"one": "1", "two": "2"})
    redis.client.xadd("in", {"data": "body"}, id="18446744073709551615-1")

    async def work(stream: RedisStream) -> None:
        found = await stream.read(10, 0)
        assert [each.body for each in found] == [b"body", b"body", b"", b"body"]
        assert (found[0].id, found[0].key) == ("in/1700000000000-1", "k")
        assert found[0].at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
        assert found[1].key is None

    talk(redis, work)


def test_a_message_and_its_answer_are_settled_at_once_and_only_once(redis: Server) -> None:
    for number in range(3):
        redis.client.xadd("in", {"data": str(number), "key": f"k{number}"})

    async def work(stream: RedisStream) -> None:
        found = await stream.read(10, 0)
        assert await stream.behind() == 0
        outcomes = [told(found[0]), told(found[1], "it is bad"), told(found[2])]
        assert await stream.settle(outcomes[:2]) == 2
        assert await stream.settle(outcomes) == 1
        assert await stream.settle(outcomes) == 0
        [first, second] = redis.client.xrange("out")
        assert first[1] == {b"id": found[0].id.encode(), b"key": b"k0", b"data": b"answer"}
        assert second[1][b"key"] == b"k2"
        [(_, letter)] = redis.client.xrange("dead")
        assert letter == {b"id": found[1].id.encode(), b"key": b"k1", b"data": b"answer", b"reason": b"it is bad"}
        assert redis.client.xpending("in", "g")["pending"] == 0

    talk(redis, work)
    assert redis.client.xinfo_consumers("in", "g") == []


def test_what_a_dead_consumer_left_is_taken_over_and_told_once(redis: Server) -> None:
    for number in range(4):
        redis.client.xadd("in", {"data": str(number)})

    async def work(stream: RedisStream) -> None:
        slow = consumer(redis)
        await slow.open()
        left = await slow.read(3, 0)
        assert [each.body for each in left] == [b"0", b"1", b"2"]
        await asyncio.sleep(0.02)
        taken = await stream.read(10, 0)
        assert [each.body for each in taken] == [b"0", b"1", b"2"]
        assert [each.id for each in taken] == [each.id for each in left]
        assert [each.body for each in await stream.read(10, 0)] == [b"3"]
        assert await stream.settle([told(each) for each in taken]) == 3
        assert await slow.settle([told(each) for each in left]) == 0  # it was not dead after all
        assert redis.client.xlen("out") == 3
        await slow.close()

    talk(redis, work, idle_seconds=0.01)


def test_what_is_under_way_is_not_taken_over_from_oneself(redis: Server) -> None:
    redis.client.xadd("in", {"data": "0"})

    async def work(stream: RedisStream) -> None:
        found = await stream.read(10, 0)
        await asyncio.sleep(0.02)
        assert await stream.read(10, 0) == []
        assert await stream.settle([told(each) for each in found]) == 1

    talk(redis, work, idle_seconds=0.01)


def test_answers_are_trimmed(redis: Server) -> None:
    for number in range(3_000):
        redis.client.xadd("in", {"data": str(number)})

    async def work(stream: RedisStream) -> None:
        while found := await stream.read(500, 0):
            await stream.settle([told(each) for each in found])

    talk(redis, work, keep=100)
    assert 100 <= redis.client.xlen("out") <= 1_000


def test_how_far_behind_a_group_is_is_known_where_messages_were_deleted(redis: Server) -> None:
    ids = [redis.client.xadd("in", {"data": str(number)}) for number in range(6)]

    async def work(stream: RedisStream) -> None:
        assert await stream.behind() == 6
        await stream.read(2, 0)
        redis.client.xdel("in", ids[4])
        assert await stream.behind() == 3

    talk(redis, work)


def test_a_group_that_is_gone_is_made_anew(redis: Server) -> None:
    async def work(stream: RedisStream) -> None:
        redis.client.xgroup_destroy("in", "g")
        redis.client.xadd("in", {"data": "0"})
        with pytest.raises(UnreachableError, match="made anew"):
            await stream.read(10, 0)
        assert [each.body for each in await stream.read(10, 0)] == [b"0"]

    talk(redis, work)


def test_a_stream_that_is_gone_is_made_anew(redis: Server) -> None:
    async def work(stream: RedisStream) -> None:
        redis.client.flushall()
        with pytest.raises(UnreachableError, match="made anew"):
            await stream.behind()
        assert await stream.behind() == 0

    talk(redis, work)


def test_large_messages_come_fewer_at_a_time(redis: Server) -> None:
    for number in range(20):
        redis.client.xadd("in", {"data": b"%d" % (number % 10) * (8 << 20)})
    for number in range(200):
        redis.client.xadd("in", {"data": str(number)})

    async def work(stream: RedisStream) -> None:
        found = [await stream.read(1_000, 0) for _ in range(5)]
        assert [len(each) for each in found] == [16, 7, 13, 184, 0]
        assert await stream.settle([told(each) for batch in found for each in batch]) == 220

    talk(redis, work)


def test_what_was_told_before_the_broker_went_is_not_told_again(redis: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.serving.stream.redis._TOLD", 100)
    for number in range(1_000):
        redis.client.xadd("in", {"data": str(number)})

    async def work(stream: RedisStream) -> None:
        found: list[Message] = []
        while len(found) < 1_000:
            found += await stream.read(1_000, 0)
        tell, count = stream._tell, 0

        async def telling(outcomes: Sequence[Outcome]) -> None:
            nonlocal count
            count += 1
            if count == 4:
                redis.kill()
            await tell(outcomes)

        monkeypatch.setattr(stream, "_tell", telling)
        outcomes = [told(each) for each in found]
        with pytest.raises(UnreachableError):
            await stream.settle(outcomes)
        redis.start()
        assert redis.client.xlen("out") == 300
        assert await stream.settle(outcomes) == 1_000
        assert count == 11 and redis.client.xlen("out") == 1_000

    talk(redis, work)


def test_what_lasts_is_told_from_what_passes(redis: Server) -> None:
    redis.client.xadd("in", {"data": "0"})
    redis.client.set("out", "no stream")

    async def work(stream: RedisStream) -> None:
        [found] = await stream.read(10, 0)
        with pytest.raises(InputError, match="out is a string"):
            await stream.settle([told(found)])
        assert redis.client.xpending("in", "g")["pending"] == 1
        redis.client.delete("out")
        assert await stream.settle([told(found)]) == 1
        redis.kill()
        with pytest.raises(UnreachableError, match="is not there"):
            await stream.read(10, 0)

    talk(redis, work)


def test_a_password_that_is_wrong_is_told_at_once(redis: Server) -> None:
    redis.client.config_set("requirepass", "right")

    async def talking() -> None:
        address = parse(f"redis://:wrong@127.0.0.1:{redis.port}/in", "--from")
        stream = RedisStream(address, "out", "dead", "g")
        with pytest.raises(InputError, match="refuses") as refused:
            await stream.open()
        assert "wrong" not in str(refused.value).replace("username-password", "")
        await stream.close()

    asyncio.run(talking())
