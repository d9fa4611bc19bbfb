"""Landing: the results of some hundred members become facts in one transaction, their models one pack file."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.engine.contract import Result
from argosy.metric import Comparison
from argosy.model.signature import Signature
from argosy.spec.interval import Interval
from argosy.store import Slot, Store, artifacts, edges, executions, members, versions
from argosy.store.codec import from_micros
from argosy.training.outcome import Fitted, NoModel
from argosy.training.plan import Fallback, Fit

Write = Callable[[], AbstractContextManager[Connection]]
"""Opens the transaction that results are recorded in, and may refuse it: as `Store.write` does, or more strictly."""


class Context(NamedTuple):
    """What all executions of one call share: the fleet's name, when, in which bundle, what was read, and their kind."""

    fleet: str
    at: datetime
    bundle: str | None
    inputs: tuple[tuple[str, str], ...]
    kind: str = "train"


class Landed(NamedTuple):
    """What became of the members: key -> version, key -> why it failed, key -> why it has no model of its own."""

    versions: dict[str, versions.Version]
    failed: dict[str, str]
    fallbacks: dict[str, str]


def address(fleet: str, key: str) -> str:
    """`late-arrival/JFK/AA`; a fleet without key is its own member."""
    return f"{fleet}/{key}" if key else fleet


def land(store: Store, write: Write, context: Context, done: Sequence[tuple[Fit | Fallback, Result | None]]) -> Landed:
    """Record members with their results (None for a fallback that the plan decided). All of them, or none."""
    fitted = [result.value for _, result in done if result is not None and isinstance(result.value, Fitted)]
    slots = store.blobs.pack([each.data for each in fitted])
    signatures = {store.blobs.put(text): len(text) for text in {each.signature for each in fitted}}
    with write() as tx:
        ids = members.ensure(tx, context.fleet, (item.member.key for item, _ in done), context.at)
        artifacts.add(tx, artifacts.of_slots(slots, "model", context.at))
        artifacts.add(tx, artifacts.of_slots((Slot(d, None, 0, size) for d, size in signatures.items()), "signature",
                                             context.at))  # fmt: skip
        runs = [_execution(context, item, result, ids[item.member.key]) for item, result in done]
        numbers = executions.record(tx, runs)
        made = _versions(tx, context, done, ids, numbers, slots)
        edges.add(tx, _edges(context, done, numbers, made))
    named = list(zip((item.member.key for item, _ in done), runs, strict=True))
    return Landed(
        made,
        {key: run.reason for key, run in named if run.outcome == executions.FAILED},
        {key: run.reason for key, run in named if run.outcome == executions.FALLBACK},
    )


def _execution(context: Context, item: Fit | Fallback, result: Result | None, member: int) -> executions.NewExecution:
    outcome, reason = _outcome(item, result)
    parameters: dict[str, Any] = {"parts": item.parts}
    metrics: dict[str, Any] = {}
    if result is not None and isinstance(result.value, Fitted):
        parameters |= {"candidate": result.value.candidate, "settings": result.value.settings}
        metrics = {"phases": result.value.cost}
    return executions.NewExecution(
        key=item.key, kind=context.kind, subject=address(context.fleet, item.member.key), started_at=context.at,
        ended_at=context.at + timedelta(seconds=result.wall_s if result else 0.0), outcome=outcome, reason=reason,
        member_id=member, cpu_s=result.cpu_s if result else 0.0, wall_s=result.wall_s if result else 0.0,
        peak_bytes=result.peak_bytes if result else None, parameters=parameters, metrics=metrics, bundle=context.bundle,
    )  # fmt: skip


def _outcome(item: Fit | Fallback, result: Result | None) -> tuple[str, str]:
    if isinstance(item, Fallback):
        return executions.FALLBACK, item.reason
    if result is None or result.failure is not None:
        failure = result.failure if result else None
        return executions.FAILED, f"{failure.kind}: {failure.message}" if failure else "no result"
    if isinstance(result.value, NoModel):
        return executions.FALLBACK, result.value.reason
    return executions.SUCCEEDED, ""


def _versions(
    tx: Connection, context: Context, done: Sequence[tuple[Fit | Fallback, Result | None]], ids: dict[str, int],
    numbers: Sequence[int], slots: Sequence[Slot],
) -> dict[str, versions.Version]:  # fmt: skip
    rest = iter(slots)
    new = [
        _version(context, item, result, ids[item.member.key], execution, next(rest))
        for (item, result), execution in zip(done, numbers, strict=True)
        if result is not None and isinstance(result.value, Fitted)
    ]
    keys = {id: key for key, id in ids.items()}
    return {keys[version.member_id]: version for version in (versions.add(tx, new) if new else ())}


def _version(
    context: Context, item: Fit | Fallback, result: Result, member: int, execution: int, slot: Slot
) -> versions.NewVersion:
    fitted: Fitted = result.value
    return versions.NewVersion(
        fleet=context.fleet, member_id=member, key=item.key, artifact=slot.digest, format=fitted.format,
        execution_id=execution, at=context.at, rows=fitted.train_rows,
        signature=hashlib.sha256(fitted.signature).hexdigest(), span_low=from_micros(fitted.span[0]),
        span_high=from_micros(fitted.span[1]), metrics=metrics(fitted), body=body(fitted, item.parts, result),
    )  # fmt: skip


def metrics(fitted: Fitted) -> dict[str, float]:
    """Scores on the held-out rows and costs by name; a score that is undefined on them is left out."""
    scores = {score.name: score.value for score in fitted.evaluation.scores if not score.reason}
    if fitted.interval is not None and fitted.interval.margin is not None:
        scores[Interval(fitted.interval.coverage).metric] = fitted.interval.margin
    return scores | {
        "latency_p50_ms": fitted.evaluation.latency_p50_ms,
        "latency_p99_ms": fitted.evaluation.latency_p99_ms,
        "size_kb": len(fitted.data) / 1000,
    }


def body(fitted: Fitted, parts: dict[str, str], result: Result) -> dict[str, Any]:
    """The evidence of a version, as plain values: what gates, cards and the console show of it."""
    names = Signature.from_json(fitted.signature).names
    found = fitted.evaluation
    low, high = fitted.held_out_span
    return {
        "candidate": fitted.candidate,
        "settings": fitted.settings,
        "trials": fitted.trials,
        "held_out": {"rows": fitted.held_out, "low": from_micros(low), "high": from_micros(high)},
        "scores": {score.name: score for score in found.scores},
        "rivals": {rival: _rival(compared) for rival, compared in found.comparisons.items()},
        "uncompared": found.uncompared,
        "slices": found.slices,
        "interval": fitted.interval,
        "quantiles": fitted.quantiles,
        "answer": {"own": fitted.choice.own, "reason": fitted.choice.reason},
        "importance": dict(zip(names, fitted.importance, strict=True)),
        "predictions": {"trained": fitted.trained, "held_out": found.predictions, **found.rivals},
        "proof": fitted.proof,
        "warnings": fitted.warnings,
        "cost": {"cpu_s": result.cpu_s, "wall_s": result.wall_s, "peak_bytes": result.peak_bytes, **fitted.cost},
        "parts": parts,
    }


def _rival(compared: Sequence[Comparison]) -> dict[str, dict[str, float]]:
    """By score: this model's (`own`), the rival's, the paired difference; what has no value or interval is left out."""
    return {
        each.name: {
            "own": each.a, "rival": each.b, "difference": each.difference, "low": each.low, "high": each.high,
            "p_value": each.p_value, "rows": each.rows,
        }
        for each in compared
        if not each.reason and math.isfinite(each.low) and math.isfinite(each.high)
    }  # fmt: skip


def _edges(
    context: Context, done: Sequence[tuple[Fit | Fallback, Result | None]], numbers: Sequence[int],
    made: dict[str, versions.Version],
) -> list[edges.Edge]:  # fmt: skip
    found = []
    for (item, _), id in zip(done, numbers, strict=True):
        key = item.member.key
        for kind, reference in (*context.inputs, ("rows", item.member.digest)):
            found.append(edges.Edge(execution_id=id, direction=edges.IN, kind=kind, reference=reference))
        if key in made:
            reference = f"{address(context.fleet, key)}@{made[key].number}"
            found.append(edges.Edge(execution_id=id, direction=edges.OUT, kind="version", reference=reference))
    return found
