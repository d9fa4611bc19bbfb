"""Streams of Redis, and of what speaks its protocol."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import Any, TypeVar

from argosy.errors import InputError, MissingExtraError
from argosy.serving.stream.address import Address
from argosy.serving.stream.broker import UnreachableError
from argosy.serving.stream.message import Message, Outcome, taken

try:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import (
        AuthenticationError,
        ConnectionError,
        OutOfMemoryError,
        ReadOnlyError,
        RedisError,
        ResponseError,
        TimeoutError,
    )
except ImportError:
    raise MissingExtraError("streams of Redis need its client", next="pip install 'argosy[redis]'") from None

T = TypeVar("T")
_SECONDS = 10.0
_TOLD = 1_000
"""Messages that are settled in one command: Redis takes a million words, and does nothing else meanwhile."""
_BYTES = 64 << 20
"""Bytes that are read at a time, about: as many messages as take that if all are as large as those read last."""
_GONE = ("NOGROUP", "no such key")
_DATA, _KEY, _ID, _REASON = b"data", b"key", b"id", b"reason"
_LATER = (ConnectionError, TimeoutError, OutOfMemoryError, ReadOnlyError, OSError)
_SETTLE = """
for place = 2, 3 do
  local kind = redis.call('TYPE', KEYS[place]).ok
  if kind ~= 'none' and kind ~= 'stream' then
    return redis.error_reply('WRONGTYPE ' .. KEYS[place] .. ' is a ' .. kind)
  end
end
local told, at = 0, 3
while at <= #ARGV do
  local fields = tonumber(ARGV[at + 2])
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[at]) == 1 then
    redis.call('XADD', KEYS[tonumber(ARGV[at + 1])], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, at + 3, at + 2 + fields))
    told = told + 1
  end
  at = at + 3 + fields
end
return told
"""
"""A message is acknowledged and its answer added at once, or neither: one that was acknowledged before adds none."""


class RedisStream:
    """One consumer of a group of a stream. Answers go to stream `to`, dead letters to `dead`, in the same database.

    Each of these keeps its newest `keep` entries, and a little more. Messages that were given to a consumer
    `idle_seconds` ago and are not settled are taken over from it: it is taken for dead.
    """

    def __init__(
        self, address: Address, to: str, dead: str, group: str, *, keep: int = 1_000_000, idle_seconds: float = 30.0
    ) -> None:  # fmt: skip
        self._address, self._name, self._group = address, address.name, group
        self._streams, self._keep, self._idle = (address.name, to, dead), keep, idle_seconds
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
        self._under_way: set[bytes] = set()
        self._told, self._large = 0, _BYTES // 16
        self._look_at = 0.0
        host, _, port = address.servers[0].rpartition(":")
        self._redis = Redis(
            host=host.strip("[]"), port=int(port), db=address.database, username=address.user or None,
            password=address.password or None, ssl=address.scheme == "rediss", protocol=2,
            socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        self._settling = self._redis.register_script(_SETTLE)

    async def open(self) -> None:
        """See `Broker.open`."""
        await self._asked(self._join)

    async def read(self, most: int, seconds: float) -> list[Message]:
        """See `Broker.read`. What dead consumers left behind comes first."""
        most = max(1, min(most, _BYTES // self._large))
        if time.monotonic() >= self._look_at:
            taken = await self._asked(lambda: self._take_over(most))
            if taken:
                return taken
            self._look_at = time.monotonic() + min(self._idle / 2, _SECONDS)
        return await self._asked(lambda: self._next(most, seconds))

    async def settle(self, outcomes: Sequence[Outcome]) -> int:
        """See `Broker.settle`."""
        left = [each for each in outcomes if each.message.place in self._under_way]
        for start in range(0, len(left), _TOLD):
            await self._asked(partial(self._tell, left[start : start + _TOLD]))
        told, self._told = self._told, 0
        return told

    async def behind(self) -> int:
        """See `Broker.behind`."""
        found = await self._asked(lambda: self._redis.xinfo_groups(self._name))
        mine = next((each for each in found if each["name"] == self._group.encode()), None)
        if mine is None or mine.get("lag") is None:  # Redis does not know it where messages were deleted
            return await self._asked(lambda: self._counted(mine["last-delivered-id"] if mine else b"0-0"))
        return int(mine["lag"])

    async def close(self) -> None:
        """See `Broker.close`."""
        if not self._under_way:
            with suppress(RedisError, OSError):  # the name of a consumer is left behind, and nothing else
                await self._redis.xgroup_delconsumer(self._name, self._group, self._consumer)
        await self._redis.aclose()

    async def _tell(self, outcomes: Sequence[Outcome]) -> None:
        arguments: list[Any] = [self._group, self._keep]
        for each in outcomes:
            fields = list(_fields(each))
            arguments += [each.message.place, 3 if each.reason else 2, len(fields), *fields]
        self._told += await self._settling(keys=self._streams, args=arguments)
        self._under_way.difference_update(each.message.place for each in outcomes)

    async def _join(self) -> None:
        try:
            await self._redis.xgroup_create(self._name, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _take_over(self, most: int) -> list[Message]:
        idle = int(self._idle * 1000)
        found = await self._redis.xautoclaim(self._name, self._group, self._consumer, idle, count=most)
        return self._messages(found[1])

    async def _next(self, most: int, seconds: float) -> list[Message]:
        block = int(seconds * 1000) or None
        found: Any = await self._redis.xreadgroup(
            self._group, self._consumer, {self._name: ">"}, count=most, block=block
        )
        return self._messages(found[0][1]) if found else []

    async def _counted(self, after: bytes) -> int:
        found: Any = await self._redis.xrange(self._name, min=b"(" + after, max="+", count=1_000)
        return len(found)

    def _messages(self, entries: Iterable[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Message]:
        """Those of some entries that are not under way here already, nor deleted since they were delivered."""
        found = [
            Message(
                f"{self._name}/{id.decode()}",
                _body(fields),
                taken(int(id.partition(b"-")[0])),
                _text(fields.get(_KEY)),
                id,
            )
            for id, fields in entries
            if fields is not None and id not in self._under_way
        ]
        self._under_way.update(each.place for each in found)
        if found:
            self._large = sum(len(each.body) for each in found) // len(found) + 1
        return found

    async def _asked(self, work: Callable[[], Awaitable[T]]) -> T:
        """What Redis says, its errors in our words."""
        try:
            async with asyncio.timeout(2 * _SECONDS):
                return await work()
        except AuthenticationError as error:
            raise InputError(f"{self._address.broker} refuses: {error}", next="check user and password") from error
        except _LATER as error:
            raise UnreachableError(
                f"{self._address.broker} is not there: {error}", next="check that it runs and is reached from here"
            ) from error
        except ResponseError as error:
            if not str(error).startswith(_GONE):
                raise InputError(
                    f"{self._address.broker} refuses: {error}", next="check the names of the streams"
                ) from error
            await self._asked(self._join)  # it was deleted, or lost with what the server had not written to disk
            raise UnreachableError(f"group {self._group!r} was gone and is made anew") from error


def _body(fields: dict[bytes, bytes]) -> bytes:
    """The field `data`, or the only one there is; empty where it is not to be told which it is."""
    rest = [value for name, value in fields.items() if name not in (_KEY, _ID, _REASON)]
    return fields.get(_DATA, rest[0] if len(rest) == 1 else b"")


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value is not None else None


def _fields(outcome: Outcome) -> Iterable[str | bytes]:
    yield from (_ID, outcome.message.id)
    if outcome.message.key is not None:
        yield from (_KEY, outcome.message.key)
    yield from (_DATA, outcome.body)
    if outcome.reason:
        yield from (_REASON, outcome.reason)
