"""Traces as MLflow's JSON has them: as clients since 3 speak of them, and as those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow import wire
from argosy.store.codec import EPOCH
from argosy.store.traces import assessments, record, spans
from argosy.store.traces.assessments import Assessment
from argosy.store.traces.record import NAME_TAG, Trace
from argosy.store.traces.search import SPELLING
from argosy.store.tracking import experiments, labels
from argosy.store.tracking.changes import TRACE

LOCATION_TAG, SPANS_TAG = "mlflow.artifactLocation", "mlflow.trace.spansLocation"
OWN_TAGS = (NAME_TAG, LOCATION_TAG, SPANS_TAG)
"""Tags that tell what a trace is; no label is kept for them."""
STATES = {theirs: ours for ours, theirs in SPELLING.items()}
"""States by the names that clients give them."""
_OLD = {**SPELLING, record.UNKNOWN: "TRACE_STATUS_UNSPECIFIED"}


def infos(conn: Connection, found: Sequence[Trace]) -> list[dict[str, Any]]:
    """Traces without their spans; a constant number of queries."""
    tags = _tags(conn, found)
    judged = assessments.of(conn, [each.id for each in found])
    return [
        wire.filled({
            "trace_id": each.trace,
            "trace_location": {
                "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": str(each.experiment_id)},
            },
            "request_time": moment(each.at_ms),
            "execution_duration": None if each.took_ms is None else f"{each.took_ms / 1000:.3f}s",
            "state": SPELLING[each.state], "trace_metadata": each.metadata, "tags": tags[each.trace],
            "request_preview": each.request, "response_preview": each.response, "client_request_id": each.client,
            "assessments": [assessment(each.trace, one) for one in judged.get(each.id, ())],
        })
        for each in found
    ]  # fmt: skip


def whole(conn: Connection, found: Sequence[Trace]) -> list[dict[str, Any]]:
    """Traces with those of their spans that are kept here."""
    steps: dict[int, list[msgspec.Raw]] = spans.of(conn, found)
    return [
        {"trace_info": info, "spans": steps.get(each.id, [])}
        for info, each in zip(infos(conn, found), found, strict=True)
    ]


def elders(conn: Connection, found: Sequence[Trace]) -> list[dict[str, Any]]:
    """Traces as clients before 3 know them."""
    tags = _tags(conn, found)
    return [
        {
            "request_id": each.trace, "experiment_id": str(each.experiment_id), "timestamp_ms": each.at_ms,
            "execution_time_ms": each.took_ms or 0, "status": _OLD[each.state],
            "request_metadata": wire.pairs(each.metadata), "tags": wire.pairs(tags[each.trace]),
        }
        for each in found
    ]  # fmt: skip


def assessment(trace: str, found: Assessment) -> dict[str, Any]:
    """An assessment of a trace."""
    more = {"assessment_id": found.assessment, "assessment_name": found.name, "trace_id": trace, "valid": found.valid}
    return wire.filled({**found.body, **more, "overrides": found.overrides})


def moment(ms: int) -> str:
    """A time in milliseconds since 1970 as a text."""
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tags(conn: Connection, found: Sequence[Trace]) -> dict[str, Mapping[str, str]]:
    """The tags of traces, with those that tell what they are, by trace."""
    kept = labels.of(conn, TRACE, [each.trace for each in found])
    where = experiments.some(conn, {each.experiment_id for each in found})
    told: dict[str, Mapping[str, str]] = {}
    for each in found:
        root = where[each.experiment_id].location.rstrip("/")
        own = {LOCATION_TAG: f"{root}/traces/{each.trace}/artifacts"}
        if each.name is not None:
            own[NAME_TAG] = each.name
        if each.spanned:
            own[SPANS_TAG] = "TRACKING_STORE"
        told[each.trace] = {**kept.get(each.trace, {}), **own}
    return told
