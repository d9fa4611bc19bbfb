"""Metrics of runs: points in time and steps, appended in blocks, and the last value of each key.

A block is msgpack: by key, steps and times (milliseconds since 1970) as little-endian int64 and values as float64.
Of each sixteen blocks of a size one of the next size is made, so that a point is copied a few times however many
there are, and a run of a million points is a few hundred blocks.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from argosy.store.rows import execute, execute_many, next_id, within
from argosy.store.tracking.tables import block

_FANOUT, _SIZES = 16, (16, 256, 4096)
_LITTLE = sys.byteorder == "little"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, tuple[bytes, bytes, bytes]]).decode


class Point(NamedTuple):
    """A value of a metric at a step; `at` is in milliseconds since 1970, as the client says."""

    key: str
    value: float
    step: int
    at: int


class Last(NamedTuple):
    """The last value of a metric."""

    value: float
    step: int
    at: int


def log(tx: Connection, run_id: int, experiment_id: int, points: Sequence[Point]) -> None:
    """Append points to a run, and keep the last value of each key: that of the largest step, then time, then value."""
    if not points:
        return
    id = next_id(tx, block)
    sql = "INSERT INTO block (id, run_id, points, data) VALUES (?, ?, ?, ?)"
    execute(tx, sql, (id, run_id, len(points), pack(points)))
    if id % _FANOUT == 0:
        _merge(tx, run_id)
    last: dict[str, Point] = {}
    for point in points:
        known = last.get(point.key)
        if known is None or (point.step, point.at, point.value) > (known.step, known.at, known.value):
            last[point.key] = point
    execute_many(
        tx,
        "INSERT INTO metric (run_id, key, experiment_id, value, step, at_ms) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, step = excluded.step, at_ms = excluded.at_ms "
        "WHERE excluded.step > metric.step OR (excluded.step = metric.step AND (excluded.at_ms > metric.at_ms "
        "OR (excluded.at_ms = metric.at_ms AND coalesce(excluded.value, 0) > coalesce(metric.value, 0))))",
        [(run_id, p.key, experiment_id, None if p.value != p.value else p.value, p.step, p.at) for p in last.values()],
    )


def last(conn: Connection, run_ids: Iterable[int], keys: Iterable[str] | None = None) -> dict[int, dict[str, Last]]:
    """The last values of the metrics of runs, by run and key; of some keys only if they are given."""
    clause, bound = within(conn, "run_id", run_ids)
    sql, values = f"SELECT run_id, key, value, step, at_ms FROM metric WHERE {clause}", [bound]
    if keys is not None:
        other, wanted = within(conn, "key", keys)
        sql, values = f"{sql} AND {other}", [bound, wanted]
    found: dict[int, dict[str, Last]] = {}
    for run_id, key, value, step, at in execute(conn, f"{sql} ORDER BY run_id, key", values):
        found.setdefault(run_id, {})[key] = Last(float("nan") if value is None else value, step, at)
    return found


def history(conn: Connection, run_id: int, key: str) -> list[Point]:
    """Every point of a metric, by time, step and value; what was logged twice counts once."""
    found: set[tuple[int, int, float]] = set()
    nans: set[tuple[int, int]] = set()
    for (data,) in execute(conn, "SELECT data FROM block WHERE run_id = ? ORDER BY id", (run_id,)):
        for step, at, value in unpack(data).get(key, ()):
            if value == value:
                found.add((at, step, value))
            else:
                nans.add((at, step))
    points = [Point(key, value, step, at) for at, step, value in sorted(found)]
    points += [Point(key, float("nan"), step, at) for at, step in nans]
    return sorted(points, key=lambda p: (p.at, p.step)) if nans else points


def sampled(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many of the points, evenly among them; the last always, and the first where it is more than one."""
    if len(points) <= most:
        return list(points)
    if most == 1:
        return [points[-1]]
    return [points[place * (len(points) - 1) // (most - 1)] for place in range(most)]


def pack(points: Iterable[Point]) -> bytes:
    """A block of points."""
    found: dict[str, tuple[array[int], array[int], array[float]]] = {}
    for key, value, step, at in points:
        held = found.get(key)
        if held is None:
            held = found[key] = (array("q"), array("q"), array("d"))
        held[0].append(step)
        held[1].append(at)
        held[2].append(value)
    return _encode({key: [_bytes(each) for each in held] for key, held in found.items()})


def unpack(data: bytes) -> dict[str, Iterable[tuple[int, int, float]]]:
    """(step, time, value) of the points of a block, by key."""
    return {
        key: zip(_array("q", steps), _array("q", times), _array("d", values), strict=True)
        for key, (steps, times, values) in _decode(data).items()
    }


def _merge(tx: Connection, run_id: int) -> None:
    """Make one block of each sixteen of a size."""
    low = 1
    for high in _SIZES:
        sql = "SELECT id, data FROM block WHERE run_id = ? AND points >= ? AND points < ? ORDER BY id"
        rows = execute(tx, sql, (run_id, low, high)).fetchall()
        low = high
        if len(rows) < _FANOUT:
            continue
        points = [
            Point(key, value, step, at)
            for _, data in rows
            for key, each in unpack(data).items()
            for step, at, value in each
        ]
        execute_many(tx, "DELETE FROM block WHERE id = ?", [(id,) for id, _ in rows[1:]])
        execute(tx, "UPDATE block SET points = ?, data = ? WHERE id = ?", (len(points), pack(points), rows[0][0]))


def _bytes(values: array[Any]) -> bytes:
    if not _LITTLE:
        values.byteswap()
    return values.tobytes()


def _array(kind: str, data: bytes) -> array[Any]:
    values: array[Any] = array(kind)
    values.frombytes(data)
    if not _LITTLE:
        values.byteswap()
    return values
