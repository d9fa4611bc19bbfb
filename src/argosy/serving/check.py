"""The one check of rows against an endpoint, behind every door."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from argosy.errors import InputError
from argosy.serving.batch import Columns
from argosy.serving.routing import Endpoint, Input

_NONE = type(None)
INTEGERS = {f"{sign}INT{bits}": bits for sign in ("", "U") for bits in (8, 16, 32, 64)}
FLOATS = ("FP16", "FP32", "FP64", "BF16")
_FITS: dict[str, frozenset[str]] = {
    "BOOL": frozenset({"BOOL"}),
    "INT64": frozenset(INTEGERS),
    "FP64": frozenset({*INTEGERS, *FLOATS}),
    "BYTES": frozenset({"BYTES"}),
    "TIME": frozenset({"BYTES"}),
}
_TYPES: dict[str, frozenset[type]] = {
    "BOOL": frozenset({bool, _NONE}),
    "INT64": frozenset({int, _NONE}),
    "FP64": frozenset({int, float, _NONE}),
    "BYTES": frozenset({str, _NONE}),
    "TIME": frozenset({str, datetime, _NONE}),
}


def checked(endpoint: Endpoint, given: Columns, count: int, types: Mapping[str, str] | None) -> Columns:
    """The columns of `count` rows in the endpoint's types, by name. `types` are those that were stated on the wire.

    Raises InputError that names the first column or row that does not fit.
    """
    columns: Columns = {}
    for each in endpoint.inputs:
        values = given.get(each.name)
        if values is None:
            if each.required and (each.name in endpoint.by or endpoint.rules.missing == "refuse"):
                raise missing(endpoint, each.name, "the request")
            continue
        if types is not None:
            _check_datatype(each, types[each.name], values)
        columns[each.name] = typed(each, values)
    if len(columns) != len(given) and endpoint.rules.unknown == "refuse":
        extra = sorted(set(given) - set(columns))
        raise InputError(
            f"fleet {endpoint.fleet!r} has no input {extra[0][:80]!r} ({len(extra)} unknown)",
            next=metadata_hint(endpoint),
        )
    for name in endpoint.by:
        if None in columns[name]:
            row = columns[name].index(None)
            raise InputError(f"row {row} has no value for the key column {name!r}", next="send a value for every key")
    return columns


def _check_datatype(each: Input, seen: str, values: list[Any]) -> None:
    if seen not in _FITS[each.datatype]:
        wanted = " or ".join(sorted(_FITS[each.datatype]))
        raise InputError(
            f"the input {each.name!r} has datatype {seen[:40]!r}, wanted {wanted}", next="send that datatype"
        )
    if (bits := INTEGERS.get(seen)) is not None:
        low, high = (0, 2**bits - 1) if seen[0] == "U" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        for row, value in enumerate(values):
            if value is not None and (type(value) is not int or not low <= value <= high):
                raise _mistyped(each, row, value, seen)


def typed(each: Input, values: list[Any]) -> list[Any]:
    """The values of one column as Python values of its type; raises InputError."""
    allowed = _TYPES[each.datatype]
    kinds = set(map(type, values))
    if not kinds <= allowed:
        row = next(i for i, value in enumerate(values) if type(value) not in allowed)
        raise _mistyped(each, row, values[row], each.datatype)
    if int in kinds:
        return [_bounded(each, row, value) for row, value in enumerate(values)]
    if each.datatype == "TIME":
        return [None if text is None else moment(text, f"the input {each.name!r}") for text in values]
    return values


def _bounded(each: Input, row: int, value: float | None) -> float | None:
    """A number as its column holds it: float64, or an integer of 64 bits."""
    if value is None or type(value) is float:
        return value
    if each.datatype == "INT64" and -(2**63) <= value < 2**63:
        return value
    if each.datatype == "INT64" or abs(value) > sys.float_info.max:
        raise _mistyped(each, row, value, "a number of 64 bits")
    return float(value)


def narrowed(datatype: str, values: list[Any]) -> list[Any]:
    """Floats as the integers or booleans that they equal, where a column is of these and all of them do.

    Matrices and data frames have no other way to hold them.
    """
    kind = {"INT64": int, "BOOL": bool}.get(datatype)
    if kind is None or not all(v is None or (type(v) in (int, float) and v == kind(v)) for v in values):
        return values
    return [None if value is None else kind(value) for value in values]


def moment(text: object, where: str) -> datetime:
    """A time with a zone, or an ISO 8601 text of one, as UTC; raises InputError."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else text if type(text) is datetime else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(
            f"{where} holds {str(text)[:40]!r}, wanted a time with its offset", next="write 2013-04-01T12:00:00Z"
        )
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise _beyond(f"{where} holds {str(text)[:40]!r},") from None


def decision(endpoint: Endpoint, columns: Columns, at: object, count: int) -> datetime | list[datetime] | None:
    """`at` of a request: one time, one a row, or "event": each row's event time minus the fleet's lead."""
    if at is None:
        return None
    if at == "event":
        times: Sequence[datetime | None] = columns.get(endpoint.time or "", [])
        if not times or None in times:
            raise InputError(
                f"at='event' needs the time of every row ({endpoint.time!r})", next="send it, or give `at` as a time"
            )
        lead: timedelta = endpoint.lead
        try:
            return [time - lead for time in times if time is not None]
        except OverflowError:
            raise _beyond(f"the event time of a row less the lead of fleet {endpoint.fleet!r} is") from None
    if isinstance(at, list):
        if len(at) != count:
            raise InputError(f"`at` holds {len(at)} times for {count} rows", next="send one time, or one a row")
        return [moment(each, "`at`") for each in at]
    return moment(at, "`at`")


def _beyond(what: str) -> InputError:
    return InputError(f"{what} a time beyond the year 9999 or before the year 1 in UTC", next="send one between")


def missing(endpoint: Endpoint, name: str, where: str) -> InputError:
    """What to tell of an input that is not there."""
    return InputError(f"{where} lacks the input {name!r} of fleet {endpoint.fleet!r}", next=metadata_hint(endpoint))


def _mistyped(each: Input, row: int, value: object, wanted: str) -> InputError:
    return InputError(
        f"the input {each.name!r} holds {str(value)[:40]!r} ({type(value).__name__}) in row {row}, wanted {wanted}",
        next="send values of that type; null for a missing one",
    )


def metadata_hint(endpoint: Endpoint) -> str:
    """Where the inputs of an endpoint are listed."""
    return f"GET /v2/models/{endpoint.fleet} lists the inputs"
