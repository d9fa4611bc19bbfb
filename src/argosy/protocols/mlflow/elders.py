"""Traces as clients before 3 speak of them: begun, ended and found; their spans lie in a file."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection

from argosy.protocols.mlflow import limit, traces, view
from argosy.protocols.mlflow.endpoint import Endpoint, Request
from argosy.protocols.mlflow.experiments import number
from argosy.protocols.mlflow.fault import invalid
from argosy.protocols.mlflow.wire import Tag, filled
from argosy.store.traces import record, search
from argosy.store.traces.record import RUNNING, Trace
from argosy.store.tracking import clause
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.grammar import TRACES


class Start(Request, kw_only=True):
    """traces."""

    experiment_id: str | None = None
    timestamp_ms: int | None = None
    request_metadata: list[Tag] | None = None
    tags: list[Tag] | None = None


class OfTrace(Request, kw_only=True):
    """A request about one trace."""

    request_id: str | None = None


class End(OfTrace, kw_only=True):
    """PATCH traces/{request_id}."""

    timestamp_ms: int | None = None
    status: str | None = None
    request_metadata: list[Tag] | None = None
    tags: list[Tag] | None = None


class Search(Request, kw_only=True):
    """GET traces."""

    experiment_ids: list[str] | None = None
    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


def start(tx: Connection, hand: Hand, request: Start) -> dict[str, Any]:
    """Begin one, under a name of its own."""
    name, kept = traces.split(_pairs(request.tags))
    at = limit.moment(request.timestamp_ms, "timestamp_ms") or hand.at
    begun = Trace(
        uuid.uuid4().hex, number(request.experiment_id), name, limit.milliseconds(at), None, RUNNING,
        metadata=traces.metadata(_pairs(request.request_metadata)),
    )  # fmt: skip
    return {"trace_info": view.elders(tx, [record.put(tx, begun, kept, hand)])[0]}


def end(tx: Connection, hand: Hand, request: End) -> dict[str, Any]:
    """One has come to its end."""
    found = record.get(tx, request.request_id or "")
    if request.status is not None and request.status not in view.STATES:
        raise invalid("status", request.status, f"It must be one of {', '.join(view.STATES)}.")
    at = limit.milliseconds(limit.moment(request.timestamp_ms, "timestamp_ms") or hand.at)
    name, kept = traces.split(_pairs(request.tags))
    ended = found._replace(
        name=name, took_ms=max(0, at - found.at_ms), state=view.STATES[request.status or "STATE_UNSPECIFIED"],
        metadata=traces.metadata(_pairs(request.request_metadata)),
    )  # fmt: skip
    return {"trace_info": view.elders(tx, [record.put(tx, ended, kept, hand)])[0]}


def get(conn: Connection, request: OfTrace) -> dict[str, Any]:
    """One."""
    return {"trace_info": view.elders(conn, [record.get(conn, request.request_id or "")])[0]}


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Those that a filter describes, in order."""
    found = search.page(
        conn, [number(id) for id in request.experiment_ids or ()],
        clause.parse(request.filter or "", TRACES), clause.orders(request.order_by or (), TRACES),
        limit=limit.page(request.max_results, traces.USUAL, traces.MOST), token=request.page_token or None,
    )  # fmt: skip
    return filled({"traces": view.elders(conn, found.items), "next_page_token": found.next})


def _pairs(given: list[Tag] | None) -> dict[str, str]:
    return {each.key: each.value for each in given or ()}


ENDPOINTS = [
    Endpoint("POST", "traces", Start, start, needs=("experiment_id",), writes=True),
    Endpoint("GET", "traces", Search, find, needs=("experiment_ids",)),
    Endpoint("PATCH", "traces/{request_id}", End, end, writes=True),
    Endpoint("GET", "traces/{request_id}/info", OfTrace, get),
]
