"""Request features: what a fleet's expressions make of the rows of a request."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl

from argosy.errors import InputError
from argosy.serving.batch import Columns
from argosy.serving.part import part
from argosy.serving.routing import Datatype, Endpoint

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = pl.Datetime("us", "UTC")
_FAILS = (Exception, pl.exceptions.PanicException)
"""An expression may raise anything."""
_FEW, _DAYS = 64, 8
"""Rows whose times are taken apart without a frame, which costs 85 microseconds for two rows and little more for many;
and days of them in a time zone: one that was not asked about before costs as much as a frame."""
_TRIES = 2_000
"""How often parts of a batch are tried in search of the rows that an expression fails on: 30 microseconds each."""
DTYPES: Mapping[Datatype, pl.DataType] = {
    "BOOL": pl.Boolean(),
    "INT64": pl.Int64(),
    "FP64": pl.Float64(),
    "BYTES": pl.String(),
    "TIME": _TIME,
}
"""What the inputs of an endpoint are in a frame."""


class Lost(msgspec.Struct, frozen=True):
    """The rows of a batch that a request feature of a fleet cannot be made of, by their places, and why not."""

    fleet: str
    why: Mapping[int, str]

    def error(self, row: int) -> InputError:
        """What to tell of one of them."""
        return InputError(
            f"the request features of fleet {self.fleet!r} fail on row {row}: {self.why[row]}",
            next="check the values that they are computed from",
        )


class Derivation:
    """The request features of one endpoint, ready to run. Threads share it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._fleet = endpoint.fleet
        self._expressions = {name: each.expr().alias(name) for name, each in endpoint.request_features}
        self._roots = {name: frozenset(each.meta.root_names()) for name, each in self._expressions.items()}
        self._optional = {name: roots - endpoint.required for name, roots in self._roots.items()}
        times = {each.name for each in endpoint.inputs if each.datatype == "TIME"}
        parts = {name: part(each.polars) for name, each in endpoint.request_features}
        self._parts = {name: each for name, each in parts.items() if each is not None and each.column in times}
        self._types = {each.name: DTYPES[each.datatype] for each in endpoint.inputs}

    def add(self, columns: Columns, rows: int) -> dict[str, Lost]:
        """Add the features that `columns` does not hold yet. Rows that an expression fails on are null and come back.

        A feature is left out where `columns` lacks what a request need not carry: then only a canary takes it.
        """
        wanted = [name for name in self._expressions if name not in columns]
        if rows <= _FEW:
            wanted = [name for name in wanted if not self._quick(columns, name)]
        wanted = [name for name in wanted if self._optional[name] <= columns.keys()]
        if not wanted:
            return {}
        needed = frozenset().union(*(self._roots[name] for name in wanted))
        present = [(name, dtype) for name, dtype in self._types.items() if name in needed and name in columns]
        series = [_series(name, columns[name], dtype) for name, dtype in present]
        frame = pl.DataFrame(series)
        lost = {}
        for name in wanted:
            values, why = self._run(frame, name, rows)
            columns[name] = values.to_list()
            if why:
                lost[name] = Lost(self._fleet, why)
        return lost

    def beside(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Lost]]:
        """As `add`, to the columns of a frame of at least one row: nothing becomes a Python value."""
        held = set(frame.columns)
        wanted = [name for name, lacks in self._optional.items() if name not in held and lacks <= held]
        given = frame.select(pl.col(name).cast(dtype) for name, dtype in self._types.items() if name in held)
        found = {name: self._run(given, name, frame.height) for name in wanted}
        lost = {name: Lost(self._fleet, why) for name, (_, why) in found.items() if why}
        return frame.with_columns(values for values, _ in found.values()), lost

    def _quick(self, columns: Columns, name: str) -> bool:
        """Add a feature of a few rows without a frame, which costs several times the rest of a request of one."""
        known = self._parts.get(name)
        if known is None or known.column not in columns:
            return False
        times = columns[known.column]
        if known.zone is not None and len({at.date() for at in times if at is not None}) > _DAYS:
            return False
        values = [None if at is None else known.of(at) for at in times]
        if None in values and values.count(None) != times.count(None):
            return False
        columns[name] = values
        return True

    def _run(self, frame: pl.DataFrame, name: str, rows: int) -> tuple[pl.Series, dict[int, str]]:
        """The values of a feature, and why some rows have none."""
        try:
            values = self._values(frame, name)
        except _FAILS as error:
            return self._salvaged(frame, name, rows, str(error))
        if len(values) == 1:
            return values.new_from_index(0, rows), {}
        if len(values) != rows:
            return _nothing(name, rows, f"{name!r} gives {len(values)} values for {rows} rows")
        return values, {}

    def _values(self, frame: pl.DataFrame, name: str) -> pl.Series:
        """One expression at a time: measured, several in one `select` wake the thread pool for a single row."""
        values = frame.select(self._expressions[name]).to_series()
        if values.dtype.is_temporal():
            values.to_list()  # fails where a time is beyond those of Python
        return values

    def _salvaged(self, frame: pl.DataFrame, name: str, rows: int, why: str) -> tuple[pl.Series, dict[int, str]]:
        """As `_run`, where the whole fails: halves of what fails are tried in their turn, up to a limit.

        Nothing is made where the expression does not give a value per row: then no row is to blame by itself.
        """
        made: dict[int, pl.Series] = {}
        lost: dict[int, str] = {}
        failing, tries = deque([(range(rows), why)]), _TRIES if self._roots[name] else 0
        while failing:
            part, said = failing.popleft()
            if len(part) == 1 or tries <= 0:
                lost.update(dict.fromkeys(part, said))
                continue
            for half in (part[: len(part) // 2], part[len(part) // 2 :]):
                tries -= 1
                try:
                    found = self._values(frame.slice(half.start, len(half)), name)
                except _FAILS as error:
                    failing.append((half, str(error)))
                    continue
                if len(found) != len(half):
                    return _nothing(name, rows, why)
                made[half.start] = found
        return _filled(name, made, rows), lost


def _nothing(name: str, rows: int, why: str) -> tuple[pl.Series, dict[int, str]]:
    return _filled(name, {}, rows), dict.fromkeys(range(rows), why)


def _filled(name: str, made: Mapping[int, pl.Series], rows: int) -> pl.Series:
    """A column of so many rows out of pieces of one type at their places, null elsewhere."""
    gap = pl.Series(name, [None], next((each.dtype for each in made.values()), pl.Null()))
    parts, end = list[pl.Series](), 0
    for start in sorted(made):
        parts += [gap.new_from_index(0, start - end), made[start]]
        end = start + len(made[start])
    return pl.concat([*parts, gap.new_from_index(0, rows - end)])


def _series(name: str, values: list[object], dtype: pl.DataType) -> pl.Series:
    """A column of a request. Times go in as integers: measured, a seventh of the cost of datetimes."""
    if dtype is _TIME:
        values = [(value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else None for value in values]
    return pl.Series(name, values, dtype=dtype)
