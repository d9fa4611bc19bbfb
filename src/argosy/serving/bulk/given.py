"""The rows of a chunk as an endpoint takes them: its inputs in their types, and the decision time of each row."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from argosy.errors import InputError
from argosy.serving.bulk.reason import Reasons
from argosy.serving.derive import DTYPES
from argosy.serving.routing import Datatype, Endpoint


def given(endpoint: Endpoint, rows: pl.DataFrame, reasons: Reasons) -> pl.DataFrame:
    """The inputs that the rows hold, in the endpoint's types. A row with a value of another type has its reason then.

    Raises InputError where a column that every row needs is not there.
    """
    missing = [name for name in sorted(endpoint.required) if name not in rows.columns]
    if missing:
        raise InputError(
            f"the rows lack {', '.join(missing)}, which fleet {endpoint.fleet!r} needs",
            next=f"it takes {', '.join(each.name for each in endpoint.inputs)}",
        )
    columns = []
    for each in endpoint.inputs:
        if each.name in rows.columns:
            column = rows[each.name]
            made = fitted(column, each.datatype)
            if made.null_count() > column.null_count():
                lost = made.is_null() & column.is_not_null()
                reasons.add(lost.to_numpy(), f"column {each.name!r} holds what is no {DTYPES[each.datatype]}")
            columns.append(made)
    found = pl.DataFrame(columns)
    for name in endpoint.by:
        if found[name].null_count():
            reasons.add(found[name].is_null().to_numpy(), f"key column {name!r} is missing")
    return found


def fitted(column: pl.Series, datatype: Datatype) -> pl.Series:
    """A column in the type of an input; null where a value is not of it, rather than another value in its place.

    Whole numbers may come as floats, numbers and truth values as text, and truth values as 0 and 1.
    """
    kind, wanted = column.dtype, DTYPES[datatype]
    text = kind == pl.String or isinstance(kind, (pl.Categorical, pl.Enum))
    fits = {
        "BYTES": text or kind.is_integer() or kind == pl.Boolean,
        "INT64": text or kind.is_integer() or kind.is_float(),
        "FP64": text or kind.is_numeric(),
        "BOOL": text or kind.is_numeric() or kind == pl.Boolean,
        "TIME": isinstance(kind, pl.Datetime) and kind.time_zone is not None,
    }[datatype]
    if not fits and kind != pl.Null:
        return pl.Series(column.name, [None], wanted).new_from_index(0, column.len())
    if datatype == "BOOL" and kind != pl.Boolean:
        given = column.cast(pl.String).str.to_lowercase() if text else column.cast(pl.Float64)
        truth = {"true": True, "false": False} if text else {1.0: True, 0.0: False}
        return given.replace_strict(truth, default=None, return_dtype=wanted)
    made = column.cast(pl.String if text else kind).cast(wanted, strict=False)
    if datatype == "INT64" and kind.is_float():
        return made.set(made.cast(pl.Float64) != column, None)
    return made


def moments(endpoint: Endpoint, found: pl.DataFrame, at: datetime | None, reasons: Reasons) -> pl.Series:
    """The decision time of each row: `at`, else its event time less the fleet's lead.

    A row without an event time has its reason then. Raises InputError where there is no time at all to tell it from.
    """
    if at is not None:
        return pl.Series("at", [at], DTYPES["TIME"]).new_from_index(0, found.height)
    if endpoint.time is None or endpoint.time not in found.columns:
        raise InputError(
            f"the rows lack the event time of fleet {endpoint.fleet!r} ({endpoint.time!r})",
            next="send it, or state the decision time",
        )
    times = found[endpoint.time]
    if times.null_count():
        reasons.add(times.is_null().to_numpy(), f"{endpoint.time!r} is missing, so there is no decision time")
    return (times - endpoint.lead).alias("at")
