"""Request features: what a fleet's expressions make of the rows of a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from argosy.errors import InputError
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
        self._types = {each.name: _DTYPES[each.datatype] for each in endpoint.inputs}

    def add(self, columns: Columns, rows: int) -> None:
        """Add the features that `columns` does not hold yet; raises InputError where an expression fails on them."""
        wanted = [name for name in self._expressions if name not in columns]
        if not wanted:
            return
        needed = frozenset().union(*(self._roots[name] for name in wanted))
        present = [(name, dtype) for name, dtype in self._types.items() if name in needed and name in columns]
        series = [_series(name, columns[name], dtype) for name, dtype in present]
        try:
            derived = pl.DataFrame(series).select([self._expressions[name] for name in wanted])
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"the request features of fleet {self._fleet!r} fail on these rows: {error}",
                next="check the values that they are computed from",
            ) from error
        for each in derived:
            values = each.to_list()
            columns[each.name] = values * rows if len(values) == 1 else values


def _series(name: str, values: list[object], dtype: pl.DataType) -> pl.Series:
    """A column of a request. Times go in as integers: measured, a seventh of the cost of datetimes."""
    if dtype is _TIME:
        values = [(value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else None for value in values]
    return pl.Series(name, values, dtype=dtype)
