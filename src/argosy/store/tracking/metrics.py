"""Metrics of runs: points in time and steps, appended in blocks, and the last value of each key.

A block is msgpack: keys, how many points each has, and of all points, key after key, the steps and the times
(milliseconds since 1970) as little-endian int64 and the values as float64. Of each sixteen blocks of a size one of the
next size is made, so that a point is copied a few times however many there are, and a run of a million points is a few
hundred blocks.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from operator import attrgetter, lt
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from argosy.store.rows import execute, execute_many, within

T = TypeVar("T")
_FANOUT, _SIZES = 16, (16, 256, 4096)
_LITTLE = sys.byteorder == "little"
_WIDTH = 8
_encode = msgspec.msgpack.Encoder().encode


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


_MADE = (
    "INSERT INTO metric (run_id, key, experiment_id, value, step, at_ms) {} "
    "ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, step = excluded.step, at_ms = excluded.at_ms "
    "WHERE excluded.step > metric.step OR (excluded.step = metric.step AND (excluded.at_ms > metric.at_ms "
    "OR (excluded.at_ms = metric.at_ms AND coalesce(excluded.value, 0) > coalesce(metric.value, 0))))"
)


def log(tx: Connection, run_id: int, experiment_id: int, points: Sequence[Point]) -> None:
    """Append points to a run, and keep the last value of each key: that of the largest step, then time, then value."""
    if not points:
        return
    sql = (
        "INSERT INTO block (id, run_id, points, data) SELECT coalesce(max(id), 0) + 1, ?, ?, ? FROM block RETURNING id"
    )
    [[id]] = execute(tx, sql, (run_id, len(points), pack(points))).fetchall()
    if id % _FANOUT == 0:
        _merge(tx, run_id)
    last: dict[str, Point] = {}
    for point in points:
        known = last.get(point.key)
        if known is None or _rank(point) > _rank(known):
            last[point.key] = point
    rows = [(p.key, None if p.value != p.value else float(p.value), p.step, p.at) for p in last.values()]
    if tx.dialect.name == "postgresql" and len(rows) > 1:  # in one question: measured, a batch costs a quarter less
        some = "unnest(?::text[], ?::float8[], ?::int8[], ?::int8[]) AS row (key, value, step, at_ms)"
        made = _MADE.format(f"SELECT ?, key, ?, value, step, at_ms FROM {some}")
        execute(tx, made, (run_id, experiment_id, *map(list, zip(*rows, strict=True))))
        return
    values = [(run_id, key, experiment_id, value, step, at) for key, value, step, at in rows]
    execute_many(tx, _MADE.format("VALUES (?, ?, ?, ?, ?, ?)"), values)


def _rank(point: Point) -> tuple[int, int, float]:
    """What the last of some points is the largest of; no number counts as 0, as in the statement above."""
    return point.step, point.at, 0.0 if point.value != point.value else point.value


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


def counted(conn: Connection, run_ids: Iterable[int]) -> dict[int, int]:
    """How many points runs have that have any; what was logged twice counts twice."""
    clause, bound = within(conn, "run_id", run_ids)
    found = execute(conn, f"SELECT run_id, sum(points) FROM block WHERE {clause} GROUP BY run_id", (bound,))
    return {run_id: int(points) for run_id, points in found}


def history(conn: Connection, run_id: int, key: str, start: int = 0, stop: int | None = None) -> list[Point]:
    """The points of a metric, by time, step and value, from the place `start` on up to `stop`.

    What was logged twice counts once.
    """
    steps, times, values = _columns(conn, run_id, key)
    if _rising(times):  # as it is logged, as a rule: only what is asked for is made points of
        some = slice(start, stop)
        return list(map(Point, repeat(key), values[some], steps[some], times[some]))
    found = list(zip(times, steps, values, strict=True))
    if any(value != value for value in values):  # NaN has no order, and is none that was there before
        found.sort(key=lambda each: (each[0], each[1], each[2] != each[2], each[2] if each[2] == each[2] else 0.0))
        places = [(at, step, None if value != value else value) for at, step, value in found]
    else:
        found.sort()
        places = list(found)
    kept = [each for each, here, before in zip(found, places, [None, *places], strict=False) if here != before]
    return [Point(key, value, step, at) for at, step, value in kept[start:stop]]


def sample(
    conn: Connection, run_id: int, key: str, most: int, low: int = -(2**63), high: int = 2**63 - 1
) -> list[Point]:  # fmt: skip
    """At most so many points of a metric between two steps, by step and time, as `sampled` takes them."""
    steps, times, values = _columns(conn, run_id, key)
    if _rising(steps):  # as a loop logs them: they are neither sorted nor made points of
        first, last = bisect_left(steps, low), bisect_right(steps, high)
        return [Point(key, values[place], steps[place], times[place]) for place in sampled(range(first, last), most)]
    points = [each for each in history(conn, run_id, key) if low <= each.step <= high]
    return sampled(sorted(points, key=attrgetter("step", "at")), most)


def sampled(points: Sequence[T], most: int) -> list[T]:
    """At most so many of the points, evenly among them; the last always, and the first where it is more than one."""
    if len(points) <= most:
        return list(points)
    if most == 1:
        return [points[-1]]
    return [points[place * (len(points) - 1) // (most - 1)] for place in range(most)]


def pack(points: Sequence[Point]) -> bytes:
    """A block of points."""
    if len({point.key for point in points}) == 1:
        ordered, counts = points, {points[0].key: len(points)}
    else:
        ordered = sorted(points, key=_KEY)
        counts = Counter(map(_KEY, ordered))
    columns: tuple[array[Any], ...] = (
        array("i", counts.values()), array("q", [each.step for each in ordered]),
        array("q", [each.at for each in ordered]), array("d", [each.value for each in ordered]),
    )  # fmt: skip
    return _encode(_Block(list(counts), *map(_bytes, columns)))


def unpack(data: bytes) -> dict[str, list[tuple[int, int, float]]]:
    """(step, time, value) of the points of a block, by key."""
    block, found = _decode(data), dict[str, list[tuple[int, int, float]]]()
    for key in dict.fromkeys(block.keys):
        for steps, times, values in _of(block, key):
            each = zip(_array("q", steps), _array("q", times), _array("d", values), strict=True)
            found.setdefault(key, []).extend(each)
    return found


class _Block(msgspec.Struct, array_like=True):
    keys: list[str]
    counts: bytes
    steps: bytes
    times: bytes
    values: bytes


_KEY = attrgetter("key")
_decode = msgspec.msgpack.Decoder(_Block).decode


def _columns(conn: Connection, run_id: int, key: str) -> tuple[array[int], array[int], array[float]]:
    """Steps, times and values of a metric, in the order in which they were logged."""
    columns: tuple[array[Any], array[Any], array[Any]] = array("q"), array("q"), array("d")
    for (data,) in execute(conn, "SELECT data FROM block WHERE run_id = ? ORDER BY id", (run_id,)):
        for parts in _of(_decode(data), key):
            for column, part in zip(columns, parts, strict=True):
                column.extend(_array(column.typecode, part))
    return columns


def _rising(values: Sequence[int]) -> bool:
    return all(map(lt, values, islice(values, 1, None)))


def _of(block: _Block, key: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The columns of a key's points."""
    if key in block.keys:
        place, counts = block.keys.index(key), _array("i", block.counts)
        low = _WIDTH * sum(counts[:place])
        high = low + _WIDTH * counts[place]
        yield block.steps[low:high], block.times[low:high], block.values[low:high]


def _merge(tx: Connection, run_id: int) -> None:
    """Make one block of each sixteen of a size."""
    low = 1
    for high in _SIZES:
        sql = "SELECT id, points, data FROM block WHERE run_id = ? AND points >= ? AND points < ? ORDER BY id"
        rows = execute(tx, sql, (run_id, low, high)).fetchall()
        low = high
        if len(rows) >= _FANOUT:
            execute_many(tx, "DELETE FROM block WHERE id = ?", [(id,) for id, *_ in rows[1:]])
            made = _joined([_decode(data) for *_, data in rows])
            points = sum(count for _, count, _ in rows)
            execute(tx, "UPDATE block SET points = ?, data = ? WHERE id = ?", (points, made, rows[0][0]))


def _joined(blocks: Sequence[_Block]) -> bytes:
    """One block of several: their columns, key by key."""
    parts: dict[str, list[tuple[bytes, bytes, bytes]]] = {}
    for each in blocks:
        low = 0
        for key, count in zip(each.keys, _array("i", each.counts), strict=True):
            high = low + _WIDTH * count
            parts.setdefault(key, []).append((each.steps[low:high], each.times[low:high], each.values[low:high]))
            low = high
    columns = [b"".join([part[place] for several in parts.values() for part in several]) for place in range(3)]
    counts = array("i", [sum(len(part[0]) for part in several) // _WIDTH for several in parts.values()])
    return _encode(_Block(list(parts), _bytes(counts), *columns))


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
