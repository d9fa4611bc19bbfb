"""`/predict`: rows as JSON records or as Arrow, and an answer in the form that the client accepts."""

from __future__ import annotations

from collections.abc import Callable

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch
from argosy.serving.check import checked, decision
from argosy.serving.door import arrow, query, records
from argosy.serving.request import JSON, Reply, Request
from argosy.serving.routing import Endpoint

KINDS = (JSON, arrow.STREAM, arrow.FILE)


def ask(request: Request, endpoint: Endpoint) -> tuple[Batch, Callable[[Answer], Reply]]:
    """The rows of a request, and how their answer is told; raises InputError."""
    given = request.headers.get(b"content-type", JSON).partition(b";")[0].strip().lower()
    kind = _accepted(request.headers.get(b"accept", b""), given)
    batch = records.parse(request.body, endpoint, request.query) if given == JSON else _table(request, endpoint)
    return batch, lambda answer: _reply(answer, kind)


def _table(request: Request, endpoint: Endpoint) -> Batch:
    """The rows of an Arrow table; what may stand beside records in JSON stands in the query here."""
    asked = query.parse(request.query)
    found = arrow.Reader(request.body, endpoint.by_name)
    if found.rows == 0:
        raise InputError("the Arrow data holds no rows", next="send at least one")
    columns = checked(endpoint, found.columns | {name: [] for name in found.others}, found.rows, None)
    at = decision(endpoint, columns, asked.at, found.rows)
    return Batch(endpoint, columns, found.rows, asked.id, at, explain=asked.explain)


def _accepted(accept: bytes, given: bytes) -> bytes:
    """The first form that a client accepts and that there is; where it says nothing of any, that of its rows."""
    for each in accept.lower().split(b","):
        if (kind := each.partition(b";")[0].strip()) in KINDS:
            return kind
    return given


def _reply(answer: Answer, kind: bytes) -> Reply:
    if kind == JSON:
        return Reply(200, records.response(answer))
    return Reply(200, arrow.response(answer, kind), kind, ((b"argosy-request-id", _plain(answer.id)),))


def _plain(id: str) -> bytes:
    """An id as a header may carry it."""
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in id[:200]).encode()
