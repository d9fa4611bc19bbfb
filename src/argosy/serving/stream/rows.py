"""The rows of a message, and how it is told what they got."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from argosy.serving.batch import Answer, Batch
from argosy.serving.door import arrow, predict, records
from argosy.serving.door.json import encode
from argosy.serving.door.output import told
from argosy.serving.request import Request
from argosy.serving.routing import Endpoint
from argosy.serving.stream.message import Message

_ARROW = {b"ARROW1": arrow.FILE, b"\xff\xff\xff\xff": arrow.STREAM}
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Asked(msgspec.Struct, frozen=True):
    """The rows of a message, checked, and what tells their answer."""

    message: Message
    batch: Batch
    render: Callable[[Answer], bytes]


def read(message: Message, endpoint: Endpoint) -> Asked:
    """One JSON record, or what `POST /predict` takes: a list of them, an object with `records`, Arrow.

    The decision time is when the broker took the message, unless it says another, and its rows are named by their own
    key, else by that of the message, else by its id: so a message that is delivered again is answered, routed and
    recorded as before. Raises InputError.
    """
    batch, render = _parsed(message, endpoint)
    batch.at = batch.at if batch.at is not None else message.at
    batch.id = batch.id if batch.id is not None else message.id
    batch.names = _names(message, batch)
    return Asked(message, batch, render)


def _parsed(message: Message, endpoint: Endpoint) -> tuple[Batch, Callable[[Answer], bytes]]:
    body = message.body
    kind = next((kind for mark, kind in _ARROW.items() if body.startswith(mark)), None)
    if kind is not None:
        batch, reply = predict.ask(Request("POST", "", {b"content-type": kind}, body=body), endpoint)
        return batch, lambda answer: reply(answer).body
    if _is_record(body):
        return records.parse(b"[%b]" % body, endpoint), _single
    return records.parse(body, endpoint), records.response


def _is_record(body: bytes) -> bool:
    """Whether a body is an object that is no list of records itself."""
    if not body.lstrip().startswith(b"{"):
        return False
    if b'"records"' not in body:
        return True
    try:
        return "records" not in _fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _single(answer: Answer) -> bytes:
    """The answer to a record: one object."""
    row: dict[str, Any] = {"id": answer.id} | {name: each[0] for name, each in told(answer).items()}
    if answer.explanation is not None:
        row["explanation"] = answer.explanation.told()[0]
    return encode(row)


def _names(message: Message, batch: Batch) -> list[str]:
    """The name of each row."""
    key = batch.endpoint.row_key
    given = batch.columns.get(key) if key is not None else None
    if batch.count == 1:
        own = given[0] if given else None
        return [str(own) if own is not None else message.key or message.id]
    unnamed = [f"{message.id}:{row}" for row in range(batch.count)]
    return (
        [str(own) if own is not None else name for own, name in zip(given, unnamed, strict=True)] if given else unnamed
    )
