"""`/invocations`: the scoring protocol of MLflow 2, for clients that know a model server of MLflow's."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import StringIO
from itertools import islice
from typing import Any

import msgspec

from argosy.errors import InputError, UnknownError
from argosy.serving.batch import Answer, Batch, Columns
from argosy.serving.check import checked, decision, metadata_hint, narrowed
from argosy.serving.door import weight
from argosy.serving.door.json import encode
from argosy.serving.door.output import outputs, told
from argosy.serving.door.tensor import Tensor
from argosy.serving.door.wide import spread
from argosy.serving.limits import MAX_ROWS
from argosy.serving.request import JSON, Reply, Request
from argosy.serving.routing import Endpoint, Input, Routing

CSV = b"text/csv"
KINDS = (JSON, CSV)
_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_PARAMETERS = ("at", "id", "outputs")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def only(routing: Routing) -> Endpoint:
    """The fleet that is meant where none is named; raises UnknownError unless it is the only one."""
    if len(routing.endpoints) == 1:
        return next(iter(routing.endpoints.values()))
    some = ", ".join(sorted(routing.endpoints)[:8]) or "none yet"
    raise UnknownError(f"/invocations serves the only fleet, and here are: {some}", next="POST /invocations/FLEET")


def ask(request: Request, endpoint: Endpoint) -> tuple[Batch, Callable[[Answer], Reply]]:
    """The rows of a request, and how their answer is told; raises InputError."""
    kind = request.headers.get(b"content-type", JSON).lower()
    parameters: dict[str, Any] = {}
    if kind.startswith(CSV):
        given, count = _csv(request.body, endpoint)
    else:
        form, data, parameters = _document(request.body)
        given, count = _columns(endpoint, form, data)
    for each in endpoint.inputs:
        if each.name in given:
            given[each.name] = narrowed(each.datatype, given[each.name])
    columns = checked(endpoint, given, count, None)
    at, id = decision(endpoint, columns, parameters.get("at"), count), parameters.get("id")
    batch = Batch(endpoint, columns, count, None if id is None else str(id), at)
    wanted = _wanted(endpoint, parameters.get("outputs"))
    return batch, lambda answer: Reply(200, response(answer, wanted))


def response(answer: Answer, wanted: list[str] | None) -> bytes:
    """The predictions, or, where outputs are wanted by name, an object of these for each row."""
    if wanted is None:
        return encode({"predictions": answer.predictions})
    found = {name: values for name, values in told(answer).items() if name in wanted}
    return encode({"predictions": [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]})


def _wanted(endpoint: Endpoint, given: Any) -> list[str] | None:
    if given is None:
        return None
    known = outputs(endpoint)
    if not isinstance(given, list) or not given or any(str(each) not in known for each in given):
        raise InputError(
            f"params.outputs is {str(given)[:80]}", next=f"list some of {', '.join(known)}, or leave it out"
        )
    return given


def _document(body: bytes) -> tuple[str, Any, dict[str, Any]]:
    """The form of the rows, the rows, and the parameters."""
    weight.check_json(body)
    try:
        found = _decoded(body)
    except (ValueError, RecursionError) as error:
        what = f"the body is no JSON: {str(error)[:200]}" if body else "the body is empty"
        raise InputError(what, next=f"send an object with {_FORMS[0]}") from error
    forms = [form for form in _FORMS if isinstance(found, dict) and form in found]
    if len(forms) != 1:
        raise InputError("the body holds rows in no form, or in several", next=f"send one of {', '.join(_FORMS)}")
    others = sorted(str(name) for name in found.keys() - {forms[0], "params"})
    parameters = found.get("params") or {}
    if others or not isinstance(parameters, dict):
        raise InputError(f"the body holds {(others or ['params'])[0][:40]!r}", next="send rows and an object of params")
    if unknown := sorted(parameters.keys() - set(_PARAMETERS)):
        raise InputError(f"there is no parameter {unknown[0][:40]!r}", next=f"give some of {', '.join(_PARAMETERS)}")
    return forms[0], found[forms[0]], parameters


def _decoded(body: bytes) -> Any:
    """JSON, and the NaN that clients of MLflow send for what is missing."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if b"NaN" not in body:
            raise
        return json.loads(body, parse_constant=_constant, parse_float=lambda text: _finite(float(text)))


def _constant(name: str) -> None:
    if name != "NaN":
        raise InputError(f"the body holds {name}, wanted a finite number", next="send null for a missing one")


def _columns(endpoint: Endpoint, form: str, data: Any) -> tuple[Columns, int]:
    match data:
        case {"columns": list(names), "data": list(rows)} if form == "dataframe_split":
            return _split(endpoint, [str(name) for name in names], rows)
        case [dict(), *_] if form != "dataframe_split":
            return _records(endpoint, data)
        case [list(), *_] if form in ("instances", "inputs"):
            return _matrix(endpoint, data)
        case dict() if form in ("instances", "inputs") and data:
            return _named(data)
    raise InputError(
        f"`{form}` does not hold rows as its form is",
        next="send {columns, data} to split a frame, a list of records, a list of rows of numbers, or columns by name",
    )


def _split(endpoint: Endpoint, names: list[str], rows: list[Any]) -> tuple[Columns, int]:
    if len(set(names)) != len(names):
        raise InputError("`dataframe_split` names a column twice", next=metadata_hint(endpoint))
    for place, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise InputError(
                f"row {place} of `dataframe_split` is no list of {len(names)} values", next="send one value a column"
            )
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}, _counted(len(rows))


def _records(endpoint: Endpoint, records: list[Any]) -> tuple[Columns, int]:
    wanted = set(records[0])
    for place, record in enumerate(records):
        if not isinstance(record, dict) or record.keys() != wanted:
            raise InputError(f"record {place} has other columns than record 0", next=metadata_hint(endpoint))
    return {name: [record[name] for record in records] for name in records[0]}, _counted(len(records))


def _matrix(endpoint: Endpoint, rows: list[Any]) -> tuple[Columns, int]:
    tensor = Tensor("inputs", [_counted(len(rows)), len(rows[0])], "FP64", rows)
    return {each.name: each.data for each in spread(endpoint, [tensor])}, len(rows)


def _named(data: dict[str, Any]) -> tuple[Columns, int]:
    found: Columns = {}
    for name, given in data.items():
        values = given if isinstance(given, list) else [given]
        found[name] = [each[0] if type(each) is list and len(each) == 1 else each for each in values]
    count = len(next(iter(found.values())))
    for name, values in found.items():
        if len(values) != count:
            raise InputError(
                f"the column {name[:80]!r} has {len(values)} rows, the first one {count}", next="send as many in each"
            )
    return found, _counted(count)


def _csv(body: bytes, endpoint: Endpoint) -> tuple[Columns, int]:
    """A table with its columns' names in the first line; a field without a text is null."""
    try:
        lines = csv.reader(StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names, *rows = list(islice(filter(None, lines), MAX_ROWS + 2)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the body is no CSV: {error}", next="send UTF-8, with the columns' names first") from error
    columns, count = _split_lines(endpoint, names, rows)
    known = endpoint.by_name
    return {name: _parsed(known.get(name), values) for name, values in columns.items()}, count


def _split_lines(endpoint: Endpoint, names: list[str], rows: list[list[str]]) -> tuple[Columns, int]:
    if (bad := next((i for i, row in enumerate(rows) if len(row) != len(names)), None)) is not None:
        raise InputError(f"row {bad} has {len(rows[bad])} fields, the head {len(names)}", next="send one a column")
    return _split(endpoint, names, rows)


def _parsed(each: Input | None, values: list[Any]) -> list[Any]:
    """The texts of a column in the type of its input, as far as they are of it: the check tells of the others."""
    if each is None or each.datatype in ("BYTES", "TIME"):
        return [value or None for value in values]
    return [_value(each.datatype, value) for value in values]


def _value(datatype: str, text: str) -> Any:
    if not text or text == "NaN":
        return None
    if datatype == "BOOL":
        return _TRUTH.get(text.lower(), text)
    try:
        return int(text) if text.lstrip("+-").isdigit() and len(text) < 20 else _finite(float(text))
    except ValueError:
        return text


def _finite(value: float) -> float:
    if value - value != 0:
        raise ValueError
    return value


def _counted(count: int) -> int:
    if not 1 <= count <= MAX_ROWS:
        raise InputError(f"{count:,} rows", next=f"send between 1 and {MAX_ROWS:,}")
    return count
