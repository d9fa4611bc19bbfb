"""Request features: what a fleet's expressions make of the rows of a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from argosy.errors import InputError
from argosy.serving.part import part
from argosy.serving.protocol import Columns
from argosy.serving.routing import Endpoint

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = pl.Datetime("us", "UTC")
_DTYPES: Mapping[str, pl.DataType] = {
    "BOOL": pl.Boolean(),
    "INT64": pl.Int64(),
    "FP64": pl.Float64(),
    "BYTES": pl.String(),
    "TIME": _TIME,
}


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
        self._types = {each.name: _DTYPES[each.datatype] for each in endpoint.inputs}

    def add(self, columns: Columns, rows: int) -> dict[str, InputError]:
        """Add the features that `columns` does not hold yet; those whose expression fails on them come back, with why.

        A feature is left out where `columns` lacks what a request need not carry: then only a canary takes it.
        """
        wanted = [name for name in self._expressions if name not in columns]
        if rows == 1:
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
            try:
                columns[name] = self._run(frame, name, rows)
            except InputError as error:
                lost[name] = error
        return lost

    def _quick(self, columns: Columns, name: str) -> bool:
        """Add a feature of the only row without a frame, which costs several times the rest of a request."""
        known = self._parts.get(name)
        if known is None or known.column not in columns:
            return False
        [at] = columns[known.column]
        value = None if at is None else known.of(at)
        if value is None and at is not None:
            return False
        columns[name] = [value]
        return True

    def _run(self, frame: pl.DataFrame, name: str, rows: int) -> list[object]:
        """One expression at a time: measured, several in one `select` wake the thread pool for a single row."""
        try:
            values = frame.select(self._expressions[name]).to_series().to_list()
        except (Exception, pl.exceptions.PanicException) as error:  # an expression may raise anything
            raise self._failed(error) from error
        if len(values) == 1:
            return values * rows
        if len(values) != rows:
            raise self._failed(f"{name!r} gives {len(values)} values for {rows} rows")
        return values

    def _failed(self, why: object) -> InputError:
        return InputError(
            f"the request features of fleet {self._fleet!r} fail on these rows: {why}",
            next="check the values that they are computed from",
        )


def _series(name: str, values: list[object], dtype: pl.DataType) -> pl.Series:
    """A column of a request. Times go in as integers: measured, a seventh of the cost of datetimes."""
    if dtype is _TIME:
        values = [(value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else None for value in values]
    return pl.Series(name, values, dtype=dtype)
