"""What becomes of answered rows, and of those that versions failed on: rows of the recorder's streams."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from argosy.model.signature import Signature
from argosy.serving.plan import Plan
from argosy.serving.prediction import Given
from argosy.serving.recorder import Recorder
from argosy.serving.routing import Endpoint, VersionRef
from argosy.serving.segment import Line, Same, Stream, some

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Ledger:
    """Hands rows to a recorder. Threads share it; it raises what the recorder raises."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._streams: dict[tuple[str, str, frozenset[str]], Stream] = {}

    def answered(self, plan: Plan, given: Given, predictions: list[float], stale: list[bool] | None) -> None:
        """Record the rows of a plan: many as the columns that they came in, which is a copy less for each."""
        if plan.batch.count == 1:
            self._one(plan, given, predictions[0], stale is not None and stale[0])
            return
        batch, chosen, count = plan.batch, plan.assignment, plan.batch.count
        [first, *others] = chosen.groups
        versions = [ref.address for ref in chosen.versions] if others else Same(first.address, count)
        at = _instants(plan) if isinstance(plan.at, list) else Same(_instant(plan.at), count)
        told: list[Sequence[Any] | Same] = [plan.rows, _short(plan.keys), at, Same(plan.id, count)]
        told += [versions, _short(chosen.reasons), predictions]
        told += [stale or Same(False, count), Same(_took(plan), count), batch.flags or Same(None, count)]
        streams: dict[Stream, list[int]] = {}
        for ref, indices in chosen.groups.items():
            streams.setdefault(self._stream(batch.endpoint, plan.models[ref].signature), []).extend(indices)
        for stream, rows in streams.items():
            numbers = _numbers(given, stream)
            block = [*told, *(given.columns[n] for n in stream.names)] if numbers is None else [*told, numbers]
            self._recorder.add_columns(stream, block if len(rows) == count else some(block, rows))

    def _one(self, plan: Plan, given: Given, prediction: float, stale: bool) -> None:
        batch, chosen = plan.batch, plan.assignment
        [ref], [at], flags = chosen.versions, _instants(plan), batch.flags
        stream = self._stream(batch.endpoint, plan.models[ref].signature)
        numbers = _numbers(given, stream)
        features = [given.columns[name][0] for name in stream.names] if numbers is None else (numbers,)
        line: Line = (
            plan.rows[0], plan.keys[0], at, plan.id, ref.address, chosen.reasons[0], prediction, stale, _took(plan),
            flags and flags[0], *features,
        )  # fmt: skip
        self._recorder.add(stream, [line])

    def failed(self, plan: Plan, ref: VersionRef, rows: Sequence[int]) -> None:
        """Record rows that a version failed on: they have no prediction."""
        at, took, reasons, flags = _instants(plan), _took(plan), plan.assignment.reasons, plan.batch.flags
        lines: list[Line] = [
            (plan.rows[i], plan.keys[i], at[i], plan.id, ref.address, reasons[i], None, None, took, flags and flags[i])
            for i in rows
        ]
        self._recorder.add(self._stream(plan.batch.endpoint, None), lines)

    def _stream(self, endpoint: Endpoint, signature: Signature | None) -> Stream:
        key = (endpoint.fleet, signature.digest if signature is not None else "", endpoint.redacted)
        known = self._streams.get(key)
        if known is None:
            known = self._streams[key] = Stream(endpoint.fleet, signature, endpoint.redacted)
        return known


def _instants(plan: Plan) -> list[int]:
    """The decision time of each row, in microseconds since 1970."""
    if isinstance(plan.at, list):
        return [_instant(at) for at in plan.at]
    return [_instant(plan.at)] * plan.batch.count


def _instant(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _short(values: Sequence[Any]) -> Sequence[Any] | Same:
    """A column that is there already, shorter where its rows are all alike."""
    return Same(values[0], len(values)) if values.count(values[0]) == len(values) else values


def _numbers(given: Given, stream: Stream) -> bytes | None:
    """The features of all rows as a stream of numbers may hold them."""
    return given.numbers(stream.signature) if stream.signature is not None and stream.numeric else None


def _took(plan: Plan) -> int:
    """Microseconds since a batch was planned."""
    return int((perf_counter() - plan.began) * 1e6)
