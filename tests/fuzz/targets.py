"""What is fuzzed: the doors that read bytes from outside.

Each is a function of them that raises only for a defect, and says whether they were taken for what they should be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from argosy.errors import ArgosyError
from argosy.serving import wire
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache
from argosy.serving.door import binary, invocations, predict
from argosy.serving.door.arrow import STREAM
from argosy.serving.request import JSON, Call, Reply, Request
from argosy.serving.routing import Endpoint, Input, Routing
from argosy.serving.rpc import infer as protobuf
from argosy.serving.rpc import wire as rpc
from argosy.serving.rpc.frame import PREFACE
from argosy.serving.rpc.service import Service
from argosy.serving.score import Scorer
from tests.serving.served import TOKEN

NOW = datetime(2013, 4, 1, 12, tzinfo=UTC)
ENDPOINT = Endpoint(
    fleet="late",
    task="binary",
    by=("depot",),
    inputs=(
        Input("depot", "BYTES"), Input("left_at", "TIME"), Input("weight", "FP64", False),
        Input("parcels", "INT64", False), Input("express", "BOOL", False),
    ),
    time="left_at",
)  # fmt: skip
Door = Callable[[Request, Endpoint], Any]
_TURNS = 20


class Defect(logging.Handler):
    """Raises what a server would only log: an answer of 500 is a finding."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage()) from (record.exc_info[1] if record.exc_info else None)


class Transport(asyncio.Transport):
    """Takes what a connection says, and says whether it has left."""

    def __init__(self) -> None:
        super().__init__()
        self.said = 0
        self.left = False

    def write(self, data: Any) -> None:
        self.said += len(data)

    def is_closing(self) -> bool:
        return self.left

    def close(self) -> None:
        self.left = True

    def abort(self) -> None:
        self.left = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Says:
    """An application that answers every request with its length."""

    body_limit = 4096

    def open(self, request: Request) -> Call:
        return Call(request, 0.0)

    def overflow(self, call: Call) -> None:
        call.refusal = Reply(413, b"{}")

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        return call.refusal or Reply(200, b"%d" % len(call.request.body))

    def drain(self) -> None:
        pass


def _asked(door: Door, data: bytes, **headers: bytes) -> bool:
    """Rows are there in the numbers that were said, or what is wrong is told."""
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    try:
        batch, _ = door(Request("POST", "/", named, body=data), ENDPOINT)
    except ArgosyError as error:
        assert str(error)
        return False
    assert all(len(values) == batch.count for values in batch.columns.values())
    return True


def arrow(data: bytes) -> bool:
    """A body of `/predict`, in Arrow's stream or file format."""
    return _asked(predict.ask, data, content_type=STREAM)


def records(data: bytes) -> bool:
    """A body of `/predict`, as JSON."""
    return _asked(predict.ask, data, content_type=JSON)


def octets(data: bytes) -> bool:
    """A body of the binary extension, behind the length of its JSON in two bytes."""
    length = b"%d" % int.from_bytes(data[:2], "big")
    return _asked(binary.ask, data[2:], inference_header_content_length=length)


def tensors(data: bytes) -> bool:
    """A body of the Open Inference Protocol, as JSON."""
    return _asked(binary.ask, data)


def scored(data: bytes) -> bool:
    """A body of `/invocations`: CSV where its first byte is odd, else JSON."""
    return _asked(invocations.ask, data[1:], content_type=invocations.CSV if data[:1] and data[0] % 2 else JSON)


def message(data: bytes) -> bool:
    """A message of `ModelInfer`."""
    return _asked(protobuf.ask, data)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _service() -> Service:
    """The service over an application that has a fleet and no version of it."""
    cache_ = ModelCache(lambda ref: None)  # type: ignore[arg-type,return-value]
    app = App(Settings(TOKEN, body_limit=1 << 16), lambda: None, Scorer(cache_, lambda: NOW), cache_)
    app.routing = Routing(1, {"late": ENDPOINT})
    return Service(app)


def _fed(connection: asyncio.Protocol, data: bytes) -> bool:
    """Let a connection have bytes, cut where two first ones of them say, until it has said all that it will."""
    loop, transport = _loop(), Transport()
    connection.connection_made(transport)
    cut, rest = int.from_bytes(data[:2], "big"), data[2:]
    for part in (rest[:cut], rest[cut:]):
        if part and not transport.left:
            connection.data_received(part)
    for _ in range(_TURNS):
        loop.run_until_complete(asyncio.sleep(0))
    connection.connection_lost(None)
    assert transport.said <= 64 * len(data) + (1 << 16)
    return not transport.left


def frames(data: bytes) -> bool:
    """What a client of gRPC sends after its preface."""
    return _fed(rpc.Connection(rpc.Connections(_service(), _loop())), data[:2] + PREFACE + data[2:])


def heads(data: bytes) -> bool:
    """What a client of HTTP sends."""
    return _fed(wire.Connection(wire.Connections(Says(), _loop())), data)


TARGETS: dict[str, Callable[[bytes], bool]] = {
    each.__name__: each for each in (arrow, frames, heads, message, octets, records, scored, tensors)
}
