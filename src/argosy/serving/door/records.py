"""`/predict`: JSON records in and out, for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch, Columns
from argosy.serving.check import MAX_ROWS, checked, decision, missing
from argosy.serving.door.json import decoded, encode
from argosy.serving.routing import Endpoint


class RecordsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /predict/{fleet}`: records, for people."""

    records: list[dict[str, Any]]
    id: str | None = None
    at: str | list[str] | None = None


_records: Callable[[bytes], RecordsRequest | list[dict[str, Any]]] = msgspec.json.Decoder(
    RecordsRequest | list[dict[str, Any]]
).decode


def parse(body: bytes, endpoint: Endpoint) -> Batch:
    """The rows of a list of JSON records, or of an object with `records`; raises InputError."""
    request = decoded(_records, body, "send JSON with `records`, and beside them `id` or `at` only")
    if isinstance(request, list):
        request = RecordsRequest(request)
    if not request.records or len(request.records) > MAX_ROWS:
        raise InputError(f"{len(request.records):,} records", next=f"send between 1 and {MAX_ROWS:,}")
    names = dict.fromkeys(name for record in request.records for name in record)
    given: Columns = {name: [record.get(name) for record in request.records] for name in names}
    for each in endpoint.inputs:
        if (
            each.required
            and (lacks := next((i for i, r in enumerate(request.records) if each.name not in r), None)) is not None
        ):
            raise missing(endpoint, each.name, f"record {lacks}")
    columns = checked(endpoint, given, len(request.records), None)
    at = decision(endpoint, columns, request.at, len(request.records))
    return Batch(endpoint, columns, len(request.records), request.id, at)


def response(answer: Answer) -> bytes:
    """The body of the answer to records: one object a row."""
    stale: Sequence[bool | None] = answer.stale or [None] * len(answer.predictions)
    rows = zip(answer.predictions, answer.versions, answer.routes, stale, strict=True)
    found = [{"prediction": p, "version": v, "route": r} | ({} if s is None else {"stale": s}) for p, v, r, s in rows]
    return encode({"id": answer.id, "predictions": found})
