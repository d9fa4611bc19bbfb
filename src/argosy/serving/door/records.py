"""`/predict`: JSON records in and out, for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch, Columns
from argosy.serving.check import checked, decision, missing
from argosy.serving.door import query
from argosy.serving.door.json import decoded, encode
from argosy.serving.door.output import told
from argosy.serving.limits import MAX_ID, MAX_ROWS
from argosy.serving.routing import Endpoint


class RecordsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /predict/{fleet}`: records, for people."""

    records: list[dict[str, Any]]
    id: Annotated[str, msgspec.Meta(max_length=MAX_ID)] | None = None
    at: str | list[str] | None = None
    explain: bool = False


_records: Callable[[bytes], RecordsRequest | list[dict[str, Any]]] = msgspec.json.Decoder(
    RecordsRequest | list[dict[str, Any]]
).decode


def parse(body: bytes, endpoint: Endpoint, beside: bytes = b"") -> Batch:
    """The rows of a list of JSON records, or of an object with `records`; raises InputError.

    What the object does not say, the query may: `beside` is its text.
    """
    asked = query.parse(beside)
    request = decoded(_records, body, "send JSON with `records`, and beside them `id`, `at` or `explain` only")
    if isinstance(request, list):
        request = RecordsRequest(request)
    if not request.records or len(request.records) > MAX_ROWS:
        raise InputError(f"{len(request.records):,} records", next=f"send between 1 and {MAX_ROWS:,}")
    names = dict.fromkeys(name for record in request.records for name in record)
    given: Columns = {name: [record.get(name) for record in request.records] for name in names}
    lacking = _lacking(request.records, endpoint)
    columns = checked(endpoint, given, len(request.records), None)
    at = decision(endpoint, columns, request.at if request.at is not None else asked.at, len(request.records))
    id, explain = request.id if request.id is not None else asked.id, request.explain or asked.explain
    return Batch(endpoint, columns, len(request.records), id, at, explain=explain, lacking=lacking)


def _lacking(records: list[dict[str, Any]], endpoint: Endpoint) -> dict[str, list[int]]:
    """The records that lack what the fleet imputes, by the name of it; raises InputError for what it does not."""
    found = {}
    for each in endpoint.inputs:
        rows = [i for i, record in enumerate(records) if each.name not in record] if each.required else []
        if rows and (each.name in endpoint.by or endpoint.rules.missing == "refuse"):
            raise missing(endpoint, each.name, f"record {rows[0]}")
        if rows:
            found[each.name] = rows
    return found


def response(answer: Answer) -> bytes:
    """The body of the answer to records: one object a row."""
    found = told(answer)
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    if answer.explanation is not None:
        rows = [row | {"explanation": why} for row, why in zip(rows, answer.explanation.told(), strict=True)]
    return encode({"id": answer.id, "predictions": rows})
