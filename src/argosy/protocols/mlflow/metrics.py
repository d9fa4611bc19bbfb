"""What runs log: metrics with their history, and parameters; one by one or in batches, each batch whole or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow import limit, wire
from argosy.protocols.mlflow.endpoint import Endpoint, OfRun, Request
from argosy.protocols.mlflow.fault import INVALID, Fault, invalid, missing
from argosy.protocols.mlflow.wire import Tag
from argosy.store.models import readings
from argosy.store.tracking import metrics, pages, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Point

_MOST_RUNS, _SAMPLED, _BULK = 100, 2500, 25_000


class Metric(msgspec.Struct):
    """A value of a metric."""

    key: str | None = None
    value: float | None = None
    timestamp: int | None = None
    step: int | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LogMetric(OfRun, kw_only=True):
    """runs/log-metric."""

    key: str | None = None
    value: float | None = None
    timestamp: int | None = None
    step: int | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LogParameter(OfRun, kw_only=True):
    """runs/log-parameter."""

    key: str | None = None
    value: str | None = None


class LogBatch(OfRun, kw_only=True):
    """runs/log-batch."""

    metrics: list[Metric] | None = None
    params: list[Tag] | None = None
    tags: list[Tag] | None = None


class History(OfRun, kw_only=True):
    """metrics/get-history."""

    metric_key: str | None = None
    max_results: int | None = None
    page_token: str | None = None


class Bulk(Request, kw_only=True):
    """metrics/get-history-bulk, and with steps get-history-bulk-interval."""

    run_id: list[str] | None = None
    run_ids: list[str] | None = None
    metric_key: str | None = None
    start_step: int | None = None
    end_step: int | None = None
    max_results: int | None = None


def log_metric(tx: Connection, hand: Hand, request: LogMetric) -> None:
    """One value."""
    _log(tx, runs.writable(tx, request.run), [request], hand, [""])


def log_parameter(tx: Connection, hand: Hand, request: LogParameter) -> None:
    """One parameter, which is written once: the same value again changes nothing."""
    key = limit.key(request.key or "", "key")
    value = limit.clipped(request.value or "", limit.PARAMETER, "value")
    found = runs.writable(tx, request.run)
    texts.put(tx, texts.PARAMETER, found.id, found.experiment_id, {key: value}, hand, run=found.run)


def log_batch(tx: Connection, hand: Hand, request: LogBatch) -> None:
    """Many values, parameters and tags: all of them, or none."""
    values, given, tags = request.metrics or [], request.params or [], request.tags or []
    limit.named(request.run)
    for name, all, most in (
        ("metrics", values, limit.METRICS), ("params", given, limit.PARAMETERS), ("tags", tags, limit.TAGS),
        ("metrics, params, and tags", [*values, *given, *tags], limit.ALL),
    ):  # fmt: skip
        if len(all) > most:
            raise Fault(
                INVALID, f"A batch logging request can contain at most {most} {name}. Got {len(all)} {name}. "
                f"Please split up {name} across multiple requests and try again."
            )  # fmt: skip
    parameters = {
        limit.key(each.key, f"params[{n}].key"): limit.clipped(each.value, limit.PARAMETER, f"params[{n}].value")
        for n, each in enumerate(_keyed(given, "params"))
    }
    if len(parameters) < len(given):
        keys = [each.key for each in given]
        raise Fault(
            INVALID, f"Duplicate parameter keys have been submitted: {sorted({k for k in keys if keys.count(k) > 1})}."
        )
    labels = {
        limit.key(each.key, f"tags[{n}].key"): limit.clipped(each.value, limit.TAG, f"tags[{n}].value")
        for n, each in enumerate(_keyed(tags, "tags"))
    }
    found = runs.writable(tx, request.run) if values or given else runs.active(tx, request.run)
    texts.put(tx, texts.PARAMETER, found.id, found.experiment_id, parameters, hand, run=found.run)
    _log(tx, found, values, hand, [f"metrics[{n}]." for n in range(len(values))])
    runs.set_tags(tx, found, labels, hand)


def history(conn: Connection, request: History) -> dict[str, Any]:
    """All points of a metric, a page at a time where so many are asked for."""
    most = request.max_results
    if most is not None and most <= 0:
        raise invalid("max_results", most, "It must be a positive integer.")
    found = runs.get(conn, request.run)
    start = pages.start(request.page_token)
    stop = None if most is None else start + most
    points = metrics.history(conn, found.id, request.metric_key or "", start, None if stop is None else stop + 1)
    more = stop is not None and len(points) > stop - start
    listed = [_told(each) for each in (points[:-1] if more else points)]
    return wire.filled({"metrics": listed, "next_page_token": pages.token(stop) if more and stop is not None else None})


def bulk(conn: Connection, request: Bulk) -> dict[str, Any]:
    """All points of a metric of several runs, run after run."""
    names, key = _several(request.run_id, request.metric_key)
    most, listed = min(request.max_results or _BULK, _BULK), list[dict[str, Any]]()
    for name in sorted(names):
        points = metrics.history(conn, runs.get(conn, name).id, key)
        listed += [{**_told(each), "run_id": name} for each in points]
    return {"metrics": listed[:most]}


def interval(conn: Connection, request: Bulk) -> dict[str, Any]:
    """Points of a metric of several runs, of each so many over its steps, the first and the last always."""
    names, key = _several(request.run_ids, request.metric_key)
    most = _SAMPLED if request.max_results is None else request.max_results
    if not 1 <= most <= _SAMPLED:
        raise Fault(INVALID, f"max_results must be between 1 and {_SAMPLED}.")
    low, high = request.start_step, request.end_step
    if (low is None) != (high is None):
        raise Fault(INVALID, "If either start step or end step are specified, both must be specified.")
    if low is not None and high is not None and low > high:
        raise Fault(INVALID, f"end_step must be greater than start_step. Found start_step={low} and end_step={high}.")
    span = () if low is None or high is None else (low, high)
    listed = []
    for name in names:
        points = metrics.sample(conn, runs.get(conn, name).id, key, most, *span)
        listed += [{**_told(each), "run_id": name} for each in points]
    return wire.filled({"metrics": listed})


def _log(tx: Connection, found: runs.Run, given: Sequence[Metric | LogMetric], hand: Hand, paths: list[str]) -> None:
    points = [_point(each, path) for each, path in zip(given, paths, strict=True)]
    metrics.log(tx, found.id, found.experiment_id, points)
    of_models = [(each, point) for each, point in zip(given, points, strict=True) if each.model_id]
    if of_models:
        readings.log(tx, [
            readings.Reading(each.model_id or "", found.run, each.dataset_name or "", each.dataset_digest or "", point)
            for each, point in of_models
        ])  # fmt: skip


def _point(each: Metric | LogMetric, path: str) -> Point:
    if not each.key:
        raise missing(f"{path}key")
    if each.value is None:
        raise missing(f"{path}value")
    if each.timestamp is None:
        raise missing(f"{path}timestamp")
    if each.timestamp < 0:
        raise invalid(f"{path}timestamp", each.timestamp, "Timestamp must be a nonnegative long (64-bit integer).")
    at, step = limit.whole(each.timestamp, f"{path}timestamp"), limit.whole(each.step or 0, f"{path}step")
    return Point(limit.key(each.key, f"{path}name"), each.value, step, at)


def _keyed(given: list[Tag], name: str) -> list[Tag]:
    for place, each in enumerate(given):
        if not each.key:
            raise missing(f"{name}[{place}].key")
    return given


def _several(names: list[str] | None, key: str | None) -> tuple[list[str], str]:
    if not names:
        raise missing("run_ids")
    if len(names) > _MOST_RUNS:
        raise Fault(INVALID, f"The request must specify at most {_MOST_RUNS} run_ids. Received {len(names)} run_ids.")
    if not key:
        raise missing("metric_key")
    return names, key


def _told(point: Point) -> dict[str, Any]:
    return {"key": point.key, "value": wire.number(point.value), "timestamp": point.at, "step": point.step}


ENDPOINTS = [
    Endpoint(
        "POST", "runs/log-metric", LogMetric, log_metric, needs=("run_id", "key", "value", "timestamp"), writes=True
    ),
    Endpoint("POST", "runs/log-parameter", LogParameter, log_parameter, needs=("run_id", "key"), writes=True),
    Endpoint("POST", "runs/log-batch", LogBatch, log_batch, needs=("run_id",), writes=True),
    Endpoint("GET", "metrics/get-history", History, history, needs=("run_id", "metric_key")),
    Endpoint("GET", "metrics/get-history-bulk", Bulk, bulk),
    Endpoint("GET", "metrics/get-history-bulk-interval", Bulk, interval),
]
