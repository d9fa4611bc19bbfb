"""Topics of Kafka, and of what speaks its protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from argosy.errors import InputError, MissingExtraError
from argosy.serving.stream.address import Address
from argosy.serving.stream.broker import UnreachableError
from argosy.serving.stream.message import Message, Outcome, taken

try:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
    from aiokafka.errors import (
        CommitFailedError,
        IllegalStateError,
        KafkaConnectionError,
        KafkaError,
        KafkaTimeoutError,
        MessageSizeTooLargeError,
    )
except ImportError:
    raise MissingExtraError("topics of Kafka need its client", next="pip install 'argosy[kafka]'") from None

T = TypeVar("T")
_SECONDS = 20.0
_LOOKS, _LOOK_SECONDS = 10, 0.5
_MB = 1 << 20
_LOST = (CommitFailedError, IllegalStateError)
"""The partitions were dealt anew."""
_LATER = (KafkaConnectionError, KafkaTimeoutError, OSError, TimeoutError)
_LARGE = "the answer is larger than a message may be"


class _Place(msgspec.Struct, frozen=True):
    """Where a message is, and how often the partitions had been dealt anew when it was delivered."""

    partition: TopicPartition
    offset: int
    deal: int


class KafkaTopic(ConsumerRebalanceListener):  # type: ignore[misc]  # the library says nothing of its types
    """One consumer of a group of a topic. Answers go to topic `to`, dead letters to `dead`, at the same brokers.

    An answer has the key of its message, else its id, and the id as the header `argosy-id`: where a consumer dies after
    it told an answer and before it committed, the same one is told again under the same id. The producer is idempotent,
    so no failure of the network doubles one. A message has `most_mb` at most.
    """

    def __init__(self, address: Address, to: str, dead: str, group: str, *, most_mb: int = 4) -> None:
        self._address, self._to, self._dead = address, to, dead
        self._deal = 0
        self._told: set[str] = set()
        servers = list(address.servers)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=servers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest",
            isolation_level="read_committed",
        )  # fmt: skip
        self._consumer.subscribe([address.name], listener=self)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=servers, enable_idempotence=True, max_request_size=2 * most_mb * _MB
        )  # fmt: skip

    async def open(self) -> None:
        """See `Broker.open`."""
        await self._asked(self._producer.start)
        await self._asked(self._consumer.start)
        await self._asked(self._look)

    async def read(self, most: int, seconds: float) -> list[Message]:
        """See `Broker.read`."""
        ask = self._consumer.getmany
        found = await self._asked(lambda: ask(timeout_ms=int(seconds * 1000), max_records=most))
        return [self._message(partition, each) for partition, records in found.items() for each in records]

    async def settle(self, outcomes: Sequence[Outcome]) -> int:
        """See `Broker.settle`. Messages of partitions that were dealt anew meanwhile are left to who has them now."""
        mine = [each for each in outcomes if each.message.place.deal == self._deal]
        await self._asked(lambda: self._tell([each for each in mine if each.message.id not in self._told]))
        with suppress(*_LOST):
            await self._asked(lambda: self._commit(mine))
        self._told.clear()
        return len(mine)

    async def behind(self) -> int:
        """See `Broker.behind`."""
        return await self._asked(self._count)

    async def close(self) -> None:
        """See `Broker.close`."""
        for each in (self._consumer, self._producer):
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    await each.stop()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """What was delivered until now may be delivered to another consumer again."""
        self._deal += 1

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """The consumer itself goes on from what was committed."""

    async def _look(self) -> None:
        """Raise InputError where the topic is not there, nor made by having been asked for."""
        for _ in range(_LOOKS):
            if self._address.name in await self._consumer.topics():
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise InputError(
            f"{self._address.broker} has no topic {self._address.name!r}", next="check --from, or make the topic"
        )

    def _message(self, partition: TopicPartition, record: Any) -> Message:
        at = taken(record.timestamp) if record.timestamp > 0 else datetime.now(UTC)
        key = record.key.decode("utf-8", "replace") if record.key is not None else None
        id = f"{partition.topic}/{partition.partition}/{record.offset}"
        return Message(id, record.value or b"", at, key, _Place(partition, record.offset, self._deal))

    async def _tell(self, outcomes: Iterable[Outcome]) -> None:
        """Send what became of messages, and wait until all of it is acknowledged."""
        under_way = [(each, await self._send(each, each.body)) for each in outcomes]
        found = await asyncio.gather(*(future for _, future in under_way), return_exceptions=True)
        failed = next((each for each in found if isinstance(each, BaseException)), None)
        self._told |= {
            outcome.message.id
            for (outcome, _), each in zip(under_way, found, strict=True)
            if not isinstance(each, BaseException)
        }
        if failed is not None:
            raise failed

    async def _send(self, outcome: Outcome, body: bytes) -> Any:
        message = outcome.message
        headers = [("argosy-id", message.id.encode())]
        if outcome.reason:
            headers.append(("argosy-reason", outcome.reason.encode()))
        try:
            return await self._producer.send(
                self._dead if outcome.reason else self._to, body, (message.key or message.id).encode(), headers=headers
            )
        except MessageSizeTooLargeError:
            if not body:
                raise
            return await self._send(msgspec.structs.replace(outcome, reason=outcome.reason or _LARGE), b"")

    async def _commit(self, outcomes: Iterable[Outcome]) -> None:
        offsets = {each.message.place.partition: each.message.place.offset + 1 for each in outcomes}
        if offsets:
            await self._consumer.commit(offsets)

    async def _count(self) -> int:
        partitions = self._consumer.assignment()
        if not partitions:
            return 0
        ends = await self._consumer.end_offsets(partitions)
        return sum([max(0, ends[each] - await self._consumer.position(each)) for each in partitions])

    async def _asked(self, work: Callable[[], Awaitable[T]]) -> T:
        """What Kafka says, its errors in our words."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await work()
        except _LOST:
            raise
        except (KafkaError, OSError, TimeoutError) as error:
            said = f"{self._address.broker}: {type(error).__name__} {error}"
            lasting = not (getattr(error, "retriable", False) or isinstance(error, _LATER))
            if lasting:
                raise InputError(f"{said[:300]}", next="check the names of the topics and who may use them") from error
            raise UnreachableError(said[:300], next="check that it runs and is reached from here") from error
