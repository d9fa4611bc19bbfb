"""The inference server of the fixture's fleet, with gRPC in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import msgspec
import pytest

from argosy.serving.rpc.message import SERVICE, message
from argosy.serving.rpc.service import Service
from tests.serving.rpc.wired import Wired
from tests.serving.served import TOKEN, Served

METADATA = (("authorization", f"Bearer {TOKEN}"),)


class Called(msgspec.Struct):
    """A server and a channel to it."""

    served: Served
    channel: grpc.Channel

    def call(self, method: str, /, *, kind: str | None = None, metadata: Any = METADATA, **fields: Any) -> Any:
        """What one method answers; raises grpc.RpcError."""
        kind = kind or method
        ask = self.channel.unary_unary(
            f"/{SERVICE}/{method}",
            message(f"{kind}Request").SerializeToString,
            message(f"{kind}Response").FromString,
        )
        return ask(message(f"{kind}Request")(**fields), metadata=metadata, timeout=60)

    def refused(self, method: str, /, **more: Any) -> tuple[grpc.StatusCode, str]:
        """The code and the text with which it refuses."""
        with pytest.raises(grpc.RpcError) as error:
            self.call(method, **more)
        return error.value.code(), error.value.details()


@pytest.fixture
def called(served: Served) -> Iterator[Called]:
    asyncio.run(served.app.refresh())
    server = Wired(Service(served.app))
    server.start()
    with server.client() as channel:
        yield Called(served, channel)
    server.stop()
