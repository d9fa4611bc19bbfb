"""Traces as clients since 3 speak of them, and what they share with those before: tags, links to runs, deletion."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow import limit, view
from argosy.protocols.mlflow.assessments import Given, of_given
from argosy.protocols.mlflow.body import UNREAD
from argosy.protocols.mlflow.endpoint import PREFIX, Endpoint, Request
from argosy.protocols.mlflow.experiments import number
from argosy.protocols.mlflow.fault import INVALID, UNKNOWN, Fault, invalid, missing
from argosy.protocols.mlflow.wire import filled
from argosy.store.codec import EPOCH
from argosy.store.traces import assessments, record, search
from argosy.store.traces.record import NAME_TAG, Trace
from argosy.store.tracking import clause
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.grammar import TRACES

NEWER = "/api/3.0/mlflow/"
USUAL, MOST = 100, 500
_LINKS, _ALL = 100, 1_000_000
_PREVIEW, _METADATA = 10_000, 65_535
_NAME = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_DURATION = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?s")
_SIZES = "mlflow.trace.sizeStats"


class Experiment(msgspec.Struct):
    """The experiment that a trace belongs to."""

    experiment_id: str | None = None


class Location(msgspec.Struct):
    """Where a trace belongs; only to experiments, here."""

    mlflow_experiment: Experiment | None = None


class Info(msgspec.Struct):
    """What is told of a trace."""

    trace_id: str | None = None
    trace_location: Location | None = None
    request_time: datetime | None = None
    execution_duration: str | None = None
    state: str | None = None
    trace_metadata: dict[str, str] | None = None
    tags: dict[str, str] | None = None
    request_preview: str | None = None
    response_preview: str | None = None
    client_request_id: str | None = None
    assessments: list[Given] | None = None


class Told(msgspec.Struct):
    """A trace."""

    trace_info: Info | None = None


class Start(Request, kw_only=True):
    """traces."""

    trace: Told | None = None


class OfTrace(Request, kw_only=True):
    """A request about one trace; whether it may be told of before it is whole."""

    trace_id: str | None = None
    allow_partial: bool | None = None


class OfTraces(Request, kw_only=True):
    """A request about several traces, of some experiments only where these are given."""

    trace_ids: list[str] | None = None
    experiment_ids: list[str] | None = None


class Search(Request, kw_only=True):
    """traces/search."""

    locations: list[Location] | None = None
    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


class OfTag(OfTrace, kw_only=True):
    """traces/{trace_id}/tags."""

    key: str | None = None
    value: str | None = None


class Link(OfTraces, kw_only=True):
    """traces/link-to-run."""

    run_id: str | None = None


class Delete(Request, kw_only=True):
    """traces/delete-traces."""

    experiment_id: str | None = None
    max_timestamp_millis: int | None = None
    max_traces: int | None = None
    request_ids: list[str] | None = None


def start(tx: Connection, hand: Hand, request: Start) -> dict[str, Any]:
    """What is told of a trace, which its spans may come before or after."""
    info = request.trace.trace_info if request.trace is not None else None
    if info is None:
        raise missing("trace.trace_info")
    location = info.trace_location.mlflow_experiment if info.trace_location is not None else None
    if location is None:
        raise Fault(INVALID, "Traces belong to experiments here: give trace_location.mlflow_experiment.")
    if info.state is not None and info.state not in view.STATES:
        raise invalid("state", info.state, f"It must be one of {', '.join(view.STATES)}.")
    name, kept = split(info.tags or {})
    made = record.put(
        tx,
        Trace(
            named(info.trace_id), number(location.experiment_id), name, _began(info.request_time),
            duration(info.execution_duration), view.STATES[info.state or "STATE_UNSPECIFIED"],
            _short(info.request_preview), _short(info.response_preview), _short(info.client_request_id),
            metadata(info.trace_metadata or {}),
        ),
        kept, hand,
    )  # fmt: skip
    for each in info.assessments or ():
        assessments.add(tx, made.trace, of_given(each, hand), hand)
    return {"trace": {"trace_info": view.infos(tx, [made])[0]}}


def get(conn: Connection, request: OfTrace) -> dict[str, Any]:
    """One, without its spans."""
    return {"trace": {"trace_info": view.infos(conn, [record.get(conn, request.trace_id or "")])[0]}}


def get_whole(conn: Connection, request: OfTrace) -> dict[str, Any]:
    """One, with its spans."""
    found = record.get(conn, request.trace_id or "")
    trace = view.whole(conn, [found])[0]
    if not request.allow_partial and len(trace["spans"]) < _spans(found):
        raise Fault(UNKNOWN, f"Trace with ID {found.trace} is not fully exported yet, or its spans lie in a file.")
    return {"trace": trace}


def get_all(conn: Connection, request: OfTraces) -> dict[str, Any]:
    """Several, with their spans, in the order of their names; those that are not are left out."""
    return filled({"traces": view.whole(conn, _several(conn, request))})


def get_infos(conn: Connection, request: OfTraces) -> dict[str, Any]:
    """The same without their spans."""
    return filled({"trace_infos": view.infos(conn, _several(conn, request))})


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Those that a filter describes, in order."""
    where = [each.mlflow_experiment for each in request.locations or ()]
    found = search.page(
        conn, [number(each.experiment_id) for each in where if each is not None],
        clause.parse(request.filter or "", TRACES), clause.orders(request.order_by or (), TRACES),
        limit=limit.page(request.max_results, USUAL, MOST), token=request.page_token or None,
    )  # fmt: skip
    return filled({"traces": view.infos(conn, found.items), "next_page_token": found.next})


def set_tag(tx: Connection, hand: Hand, request: OfTag) -> None:
    """A tag."""
    key, value = _free(request.key or ""), request.value or ""
    record.set_tag(tx, request.trace_id or "", key, limit.clipped(value, limit.TAG, "value"), hand)


def delete_tag(tx: Connection, hand: Hand, request: OfTag) -> None:
    """No tag any more."""
    record.delete_tag(tx, request.trace_id or "", _free(request.key or ""), hand)


def link(tx: Connection, hand: Hand, request: Link) -> None:
    """Traces belong to a run."""
    names = request.trace_ids or []
    if len(names) > _LINKS:
        raise Fault(INVALID, f"Cannot link more than {_LINKS} traces to a run in a single request: got {len(names)}.")
    record.attach(tx, names, request.run_id or "")


def delete(tx: Connection, hand: Hand, request: Delete) -> dict[str, int]:
    """For good."""
    names, until, most = request.request_ids or None, request.max_timestamp_millis, request.max_traces
    if (names is None) is (until is None):
        raise Fault(INVALID, "Either `max_timestamp_millis` or `trace_ids` must be specified, but not both.")
    if names is not None and most is not None:
        raise Fault(INVALID, "`max_traces` can't be specified if `trace_ids` is specified.")
    if most is not None and not 0 < most <= _ALL:
        raise invalid("max_traces", most, f"It must be a positive integer of at most {_ALL}.")
    if until is not None and not 0 <= until < 1 << 63:
        raise invalid("max_timestamp_millis", until, "It must be in milliseconds since 1970.")
    id = number(request.experiment_id)
    return {"traces_deleted": record.delete(tx, id, hand, names=names, until_ms=until, limit=most)}


def named(name: str | None) -> str:
    """The name of a trace, which is never taken for a path."""
    if not name:
        raise missing("trace_id")
    if not _NAME.fullmatch(name):
        raise invalid("trace_id", name)
    return name


def split(tags: Mapping[str, str]) -> tuple[str | None, dict[str, str]]:
    """The name that tags give a trace, and those of them that are kept as they are."""
    kept = {
        limit.length(key, limit.KEY, "tags.key"): limit.clipped(value, limit.TAG, "tags.value")
        for key, value in tags.items()
        if key not in view.OWN_TAGS
    }
    name = tags.get(NAME_TAG)
    return None if name is None else limit.clipped(name, limit.TAG, NAME_TAG), kept


def metadata(given: Mapping[str, str]) -> dict[str, str]:
    """Metadata within its limits."""
    return {
        limit.length(key, limit.KEY, "metadata.key"): limit.clipped(value, _METADATA, "metadata.value")
        for key, value in given.items()
    }


def duration(text: str | None) -> int | None:
    """The milliseconds of a text such as 0.362s."""
    if text is None:
        return None
    found = _DURATION.fullmatch(text)
    if found is None:
        raise invalid("execution_duration", text, "It must be in seconds, such as 0.362s.")
    return int(found[1]) * 1000 + int((found[2] or "0").ljust(9, "0")) // 1_000_000


def _several(conn: Connection, request: OfTraces) -> list[Trace]:
    known = record.some(conn, request.trace_ids or ())
    found = [known[name] for name in request.trace_ids or () if name in known]
    if request.experiment_ids is None:
        return found
    wanted = {number(id) for id in request.experiment_ids}
    return [each for each in found if each.experiment_id in wanted]


def _began(at: datetime | None) -> int:
    if at is None or at.tzinfo is None or at < EPOCH:
        raise invalid("request_time", str(at), "It must be a time since 1970 with its zone.")
    return (at - EPOCH) // timedelta(milliseconds=1)


def _short(text: str | None) -> str | None:
    return None if text is None else limit.clipped(text, _PREVIEW, "preview")


def _free(key: str) -> str:
    if key in (view.LOCATION_TAG, view.SPANS_TAG):
        raise invalid("key", key, "This tag tells where the trace lies, and is not set.")
    return limit.length(key, limit.KEY, "key")


def _spans(found: Trace) -> int:
    """How many spans a trace has at least, as its client told."""
    try:
        sizes = msgspec.json.decode(found.metadata.get(_SIZES, "{}"))
    except UNREAD:
        sizes = {}
    count = sizes.get("num_spans") if isinstance(sizes, dict) else None
    return count if isinstance(count, int) else 1


def _both(method: str, path: str, *rest: Any, **more: Any) -> Sequence[Endpoint]:
    """An endpoint under the prefix of older and of newer clients."""
    return [Endpoint(method, path, *rest, prefix=prefix, **more) for prefix in (PREFIX, NEWER)]


ENDPOINTS = [
    Endpoint("POST", "traces", Start, start, needs=("trace",), writes=True, prefix=NEWER),
    Endpoint("GET", "traces/get", OfTrace, get_whole, needs=("trace_id",), prefix=NEWER),
    Endpoint("GET", "traces/batchGet", OfTraces, get_all, needs=("trace_ids",), prefix=NEWER),
    Endpoint("POST", "traces/batchGetInfos", OfTraces, get_infos, needs=("trace_ids",), prefix=NEWER),
    Endpoint("POST", "traces/search", Search, find, needs=("locations",), prefix=NEWER),
    Endpoint("GET", "traces/{trace_id}", OfTrace, get, prefix=NEWER),
    *_both("PATCH", "traces/{trace_id}/tags", OfTag, set_tag, needs=("key",), writes=True),
    *_both("DELETE", "traces/{trace_id}/tags", OfTag, delete_tag, needs=("key",), writes=True),
    *_both("POST", "traces/link-to-run", Link, link, needs=("trace_ids", "run_id"), writes=True),
    *_both("POST", "traces/delete-traces", Delete, delete, needs=("experiment_id",), writes=True),
]
