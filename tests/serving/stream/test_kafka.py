"""Topics of Kafka, at the mock cluster of librdkafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from argosy.errors import InputError
from argosy.serving.stream.address import parse
from argosy.serving.stream.broker import UnreachableError
from argosy.serving.stream.flow import Pace
from argosy.serving.stream.kafka import KafkaTopic
from argosy.serving.stream.message import Message, Outcome
from tests.kafka import cluster
from tests.serving.stream.conftest import Streaming, record

pytestmark = pytest.mark.slow


@pytest.fixture
def kafka() -> Iterator[str]:
    with cluster() as address:
        yield address


def topic(kafka: str, **more: Any) -> KafkaTopic:
    return KafkaTopic(parse(f"kafka://{kafka}/in", "--from"), "out", "dead", "g", **more)


async def send(kafka: str, bodies: list[object], keys: bool = True) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    for number, body in enumerate(bodies):
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        await producer.send("in", data, key=b"k%d" % number if keys else None)
    await producer.stop()


async def told(kafka: str, name: str, count: int) -> list[Any]:
    """The first records of a topic, at least so many. The cluster does not keep the sums of what it numbers anew."""
    consumer = AIOKafkaConsumer(name, bootstrap_servers=kafka, auto_offset_reset="earliest", check_crcs=False)
    await consumer.start()
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += [each for records in (await consumer.getmany(timeout_ms=200)).values() for each in records]
    await consumer.stop()
    return found


async def read(stream: KafkaTopic, count: int) -> list[Message]:
    """So many messages, which may take several reads."""
    found: list[Message] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += await stream.read(count - len(found), 0.2)
    return found


def talk(stream: Callable[[], KafkaTopic], work: Callable[[KafkaTopic], Awaitable[None]]) -> None:
    async def talking() -> None:
        found = stream()
        await found.open()
        await work(found)
        await found.close()

    asyncio.run(talking())


def test_a_message_of_no_time_stops_nothing(kafka: str) -> None:
    async def both() -> list[Message]:
        producer, stream = AIOKafkaProducer(bootstrap_servers=kafka), topic(kafka)
        await producer.start()
        for moment in (2**62, 1_700_000_000_000):
            await producer.send_and_wait("in", b"body", timestamp_ms=moment)
        await producer.stop()
        await stream.open()
        found = await read(stream, 2)
        await stream.close()
        return found

    found = sorted(asyncio.run(both()), key=lambda each: each.at)
    assert [each.at.year for each in found] == [2023, datetime.now(UTC).year]


def test_everything_is_answered_and_committed(kafka: str, streaming: Streaming) -> None:
    async def talking() -> None:
        await send(kafka, [*(record(number) for number in range(600)), b"hello"])
        flow = streaming.flow(topic(kafka), Pace(once=True, most=100))
        await flow.run()
        answers = await told(kafka, "out", 600)
        rows = {each.key.decode(): msgspec.json.decode(each.value) for each in answers}
        assert len(answers) == len(rows) == 600
        assert {row["version"] for row in rows.values()} == {"late-arrival/JFK/AA@1", "late-arrival/JFK/B6@1"}
        assert all(dict(each.headers)["argosy-id"].decode() == rows[each.key.decode()]["id"] for each in answers)
        [letter] = await told(kafka, "dead", 1)
        assert (letter.key, letter.value) == (b"k600", b"hello")
        assert b"not the JSON" in dict(letter.headers)["argosy-reason"]
        counts = streaming.measures
        assert (counts.answered, counts.dead, counts.rows, counts.behind) == (600, 1, 600, 0)
        again = topic(kafka)
        await again.open()
        assert await again.behind() == 0 and await again.read(10, 0.5) == []
        await again.close()

    asyncio.run(talking())


def test_what_was_not_settled_is_delivered_again_under_the_same_id(kafka: str) -> None:
    asyncio.run(send(kafka, list(range(8)), keys=False))
    seen: list[str] = []

    async def dies(stream: KafkaTopic) -> None:
        found = await read(stream, 8)
        seen.extend(each.id for each in found)
        first = found[0].place.partition
        done = [each for each in found if each.place.partition == first]
        assert await stream.settle([Outcome(each, b"answer", 1) for each in done]) == len(done)
        del seen[:]
        seen.extend(each.id for each in found if each not in done)

    async def goes_on(stream: KafkaTopic) -> None:
        assert await stream.behind() == len(seen)
        found = await read(stream, len(seen))
        assert sorted(each.id for each in found) == sorted(seen)
        assert all(each.key is None for each in found)
        assert await stream.settle([Outcome(each, b"answer", 1) for each in found]) == len(seen)
        answers = await told(kafka, "out", 8)
        assert sorted(each.key for each in answers) == sorted(dict(each.headers)["argosy-id"] for each in answers)

    talk(lambda: topic(kafka), dies)
    assert seen
    talk(lambda: topic(kafka), goes_on)


def test_partitions_that_were_dealt_anew_are_left_to_who_has_them(kafka: str) -> None:
    asyncio.run(send(kafka, list(range(4))))

    async def work(stream: KafkaTopic) -> None:
        found = await read(stream, 4)
        await stream.on_partitions_revoked(())
        assert await stream.settle([Outcome(each, b"answer", 1) for each in found]) == 0

    talk(lambda: topic(kafka), work)
    talk(lambda: topic(kafka), lambda stream: _whole(stream, 4))


async def _whole(stream: KafkaTopic, count: int) -> None:
    assert await stream.behind() == count


def test_what_is_larger_than_a_message_may_be_is_a_dead_letter_without_its_body(kafka: str) -> None:
    asyncio.run(send(kafka, list(range(2))))

    async def work(stream: KafkaTopic) -> None:
        found = await read(stream, 2)
        outcomes = [Outcome(found[0], b"x" * (3 << 20), 1), Outcome(found[1], b"x" * (3 << 20), reason="bad")]
        assert await stream.settle(outcomes) == 2
        letters = await told(kafka, "dead", 2)
        assert {each.value for each in letters} == {b""}
        reasons = {each.key: dict(each.headers)["argosy-reason"] for each in letters}
        assert reasons[found[1].key.encode()] == b"bad"  # type: ignore[union-attr]
        assert b"larger than a message may be" in reasons[found[0].key.encode()]  # type: ignore[union-attr]

    talk(lambda: topic(kafka, most_mb=1), work)


def test_a_broker_that_is_not_there_is_told(kafka: str) -> None:
    async def talking() -> None:
        stream = KafkaTopic(parse("kafka://127.0.0.1:1/in", "--from"), "out", "dead", "g")
        with pytest.raises(UnreachableError, match=r"kafka://127\.0\.0\.1:1"):
            await stream.open()
        await stream.close()

    asyncio.run(talking())


def test_a_topic_that_is_not_there_is_told(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.serving.stream.kafka._LOOK_SECONDS", 0.01)

    async def none() -> set[str]:
        return set()

    async def talking() -> None:
        stream = topic(kafka)
        monkeypatch.setattr(stream._consumer, "topics", none)  # this cluster makes each topic that it is asked for
        with pytest.raises(InputError, match=r"has no topic 'in'"):
            await stream.open()
        await stream.close()

    asyncio.run(talking())
