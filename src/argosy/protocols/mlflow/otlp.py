"""Spans in OpenTelemetry's protocol over HTTP, in protobuf: from clients since 3, and from whatever else speaks it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow.body import LIMIT, whole
from argosy.protocols.mlflow.experiments import number
from argosy.protocols.mlflow.fault import INVALID, NO_ENDPOINT, Fault, missing
from argosy.store.batch import Batch
from argosy.store.traces import record, spans
from argosy.store.traces.spans import Span
from argosy.store.tracking.changes import Hand

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

PATH = "/v1/traces"
_KIND = b"application/x-protobuf"
_STATUSES = ("UNSET", "OK", "ERROR")
_INT64 = 1 << 63
_SHORT = 1000


class Spans:
    """An ASGI application that takes spans."""

    def __init__(self, batch: Batch, now: Callable[[], datetime]) -> None:
        self._batch, self._now = batch, now

    def takes(self, path: str) -> bool:
        """Whether spans come to a path."""
        return path == PATH

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The ASGI entry."""
        if scope["method"] != "POST":
            raise Fault(NO_ENDPOINT, f"No endpoint {scope['method'][:20]} {PATH}: use POST")
        headers = {name.lower(): value for name, value in scope["headers"]}
        experiment = headers.get(b"x-mlflow-experiment-id", b"").decode("latin-1")
        if not experiment:
            raise missing("x-mlflow-experiment-id")
        if headers.get(b"content-type", b"").partition(b";")[0].strip() != _KIND:
            raise Fault(INVALID, f"Spans are taken as {_KIND.decode()} alone; set the exporter's protocol to it")
        body, packing = await whole(receive), headers.get(b"content-encoding", b"identity").lower()
        given = await asyncio.to_thread(lambda: read(_unpacked(body, packing)))
        id, hand = number(experiment), Hand(scope["auth"].name, self._now())
        run = headers.get(b"x-mlflow-run-id", b"").decode("latin-1")
        await asyncio.wrap_future(self._batch.submit(lambda tx: _log(tx, id, given, hand, run)))
        await send({"type": "http.response.start", "status": 200, "headers": [
            (b"content-type", _KIND), (b"content-length", b"0"),
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": b""})


def read(body: bytes) -> list[Span]:
    """The spans of a request. Raises Fault for what holds none, or one that cannot be."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise Fault(INVALID, "Invalid OpenTelemetry format: the body is no request to export traces") from None
    found = [
        _span(each) for source in request.resource_spans for scope in source.scope_spans for each in scope.spans
    ]  # fmt: skip
    if not found:
        raise Fault(INVALID, "Invalid OpenTelemetry format - no spans found")
    return found


def _log(tx: Connection, experiment_id: int, given: Sequence[Span], hand: Hand, run: str) -> None:
    found = spans.log(tx, experiment_id, given, hand)
    if run:
        record.attach(tx, [each.trace for each in found], run)


def _span(given: Message) -> Span:
    from google.protobuf.json_format import MessageToDict

    if len(given.trace_id) != 16 or len(given.span_id) != 8 or len(given.parent_span_id) not in (0, 8):
        raise Fault(INVALID, "Invalid OpenTelemetry format: a trace has an id of 16 bytes, a span one of 8")
    if max(given.start_time_unix_nano, given.end_time_unix_nano) >= _INT64:
        raise Fault(INVALID, "Invalid OpenTelemetry format: a span has a time beyond the year 2262")
    body = MessageToDict(given, preserving_proto_field_name=True)
    said = {each["key"]: each.get("value", {}) for each in body.get("attributes", ())}
    kind = _plain(said.get("mlflow.spanType", {}))
    return Span(
        f"tr-{given.trace_id.hex()}", given.span_id.hex(), given.parent_span_id.hex() or None, _clean(given.name),
        _clean(kind) if isinstance(kind, str) else "UNKNOWN", _STATUSES[min(given.status.code, 2)],
        given.start_time_unix_nano, given.end_time_unix_nano or None, msgspec.json.encode(body).decode(),
        _preview(said, "mlflow.spanInputs"), _preview(said, "mlflow.spanOutputs"),
    )  # fmt: skip


def _preview(said: dict[str, Any], key: str) -> str | None:
    if key not in said:
        return None
    value = _plain(said[key])
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _clean(text)[:_SHORT]


def _clean(text: str) -> str:
    """A text without what no database takes."""
    return text.replace("\0", "")


def _plain(value: dict[str, Any]) -> Any:
    """The value of an attribute as JSON has it."""
    kind: str
    held: Any
    kind, held = next(iter(value.items()), ("", None))
    if kind == "array_value":
        return [_plain(each) for each in held.get("values", ())]
    if kind == "kvlist_value":
        return {each["key"]: _plain(each.get("value", {})) for each in held.get("values", ())}
    return int(held) if kind == "int_value" else held


def _unpacked(body: bytes, packing: bytes) -> bytes:
    if packing == b"identity":
        return body
    if packing not in (b"gzip", b"deflate"):
        raise Fault(INVALID, f"Unsupported Content-Encoding {packing[:40]!r}: use gzip, or none")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        found = unpacking.decompress(body, LIMIT)
    except zlib.error as error:
        raise Fault(INVALID, f"the body is no {packing.decode()}: {error}") from None
    if unpacking.unconsumed_tail:
        raise Fault(INVALID, f"the body is larger than {LIMIT:,} bytes unpacked; send less at a time")
    if not unpacking.eof:
        raise Fault(INVALID, f"the body is no {packing.decode()}: it is cut off")
    return found
