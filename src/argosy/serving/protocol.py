"""The Open Inference Protocol v2 over JSON: what a request holds, checked against an endpoint, and the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from argosy.errors import InputError
from argosy.serving.routing import Endpoint, Input, Routing

Columns = dict[str, list[Any]]
T = TypeVar("T")

_NONE = type(None)
_INTEGERS = {f"{sign}INT{bits}": bits for sign in ("", "U") for bits in (8, 16, 32, 64)}
_FLOATS = ("FP16", "FP32", "FP64")
_FITS: dict[str, frozenset[str]] = {
    "BOOL": frozenset({"BOOL"}),
    "INT64": frozenset(_INTEGERS),
    "FP64": frozenset({*_INTEGERS, *_FLOATS}),
    "BYTES": frozenset({"BYTES"}),
    "TIME": frozenset({"BYTES"}),
}
_TYPES: dict[str, frozenset[type]] = {
    "BOOL": frozenset({bool, _NONE}),
    "INT64": frozenset({int, _NONE}),
    "FP64": frozenset({int, float, _NONE}),
    "BYTES": frozenset({str, _NONE}),
    "TIME": frozenset({str, _NONE}),
}
_ONE = [1]
# By an input's type: its name on the wire, the type of its JSON value, whether that needs no further check.
_PLAIN: dict[str, tuple[str, type, bool]] = {
    "BOOL": ("BOOL", bool, True),
    "INT64": ("INT64", int, False),
    "FP64": ("FP64", float, True),
    "BYTES": ("BYTES", str, True),
    "TIME": ("BYTES", str, False),
}
_OUTPUTS = {"prediction": "FP64", "version": "BYTES", "route": "BYTES", "stale": "BOOL"}
_MAX_ROWS = 1_000_000


class Tensor(msgspec.Struct):
    """One input column, shape [n] or [n, 1]."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] | None = None


class Requested(msgspec.Struct):
    """An output that the client asks for."""

    name: str
    parameters: dict[str, Any] | None = None


class InferRequest(msgspec.Struct):
    """The body of an inference request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Requested] | None = None


class RecordsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /predict/{fleet}`: records, for people."""

    records: list[dict[str, Any]]
    id: str | None = None
    at: str | list[str] | None = None


class Output(msgspec.Struct):
    """One output tensor of shape [n]."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class InferResponse(msgspec.Struct):
    """The answer to an inference request."""

    model_name: str
    id: str
    outputs: list[Output]


class Batch(msgspec.Struct):
    """Checked rows of one endpoint as columns of Python values; `at` is the decision time the request states."""

    endpoint: Endpoint
    columns: Columns
    count: int
    id: str | None = None
    at: datetime | list[datetime] | None = None


class Answer(msgspec.Struct):
    """What each row got, in the order of the rows."""

    id: str
    predictions: list[float]
    versions: list[str]
    routes: list[str]
    stale: list[bool] | None = None


_infer: Callable[[bytes], InferRequest] = msgspec.json.Decoder(InferRequest).decode
_records: Callable[[bytes], RecordsRequest | list[dict[str, Any]]] = msgspec.json.Decoder(
    RecordsRequest | list[dict[str, Any]]
).decode
encode_json = msgspec.json.Encoder().encode


def parse_infer(body: bytes, endpoint: Endpoint) -> tuple[Batch, list[str] | None]:
    """The rows of an inference request and the outputs it asks for; raises InputError that names what is wrong."""
    request = _decoded(_infer, body, "send JSON with `inputs` (Open Inference Protocol v2)")
    if not request.inputs:
        raise InputError("the request has no inputs", next=_metadata_hint(endpoint))
    count = _rows(request.inputs[0])
    columns = _plain_row(endpoint, request.inputs) or _columns(endpoint, request.inputs, count)
    at = _decision(endpoint, columns, (request.parameters or {}).get("at"), count)
    wanted = None if request.outputs is None else [output.name for output in request.outputs]
    if wanted is not None and (unknown := [name for name in wanted if name not in _OUTPUTS]):
        raise InputError(f"there is no output {unknown[0]!r}", next=f"ask for some of {', '.join(_OUTPUTS)}")
    return Batch(endpoint, columns, count, request.id, at), wanted


def parse_records(body: bytes, endpoint: Endpoint) -> Batch:
    """The rows of a list of JSON records, or of an object with `records`; raises InputError."""
    request = _decoded(_records, body, "send JSON with `records`, and beside them `id` or `at` only")
    if isinstance(request, list):
        request = RecordsRequest(request)
    if not request.records or len(request.records) > _MAX_ROWS:
        raise InputError(f"{len(request.records):,} records", next=f"send between 1 and {_MAX_ROWS:,}")
    names = dict.fromkeys(name for record in request.records for name in record)
    given: Columns = {name: [record.get(name) for record in request.records] for name in names}
    for each in endpoint.inputs:
        if (
            each.required
            and (lacks := next((i for i, r in enumerate(request.records) if each.name not in r), None)) is not None
        ):
            raise _missing(endpoint, each.name, f"record {lacks}")
    columns = _checked(endpoint, given, len(request.records), None)
    at = _decision(endpoint, columns, request.at, len(request.records))
    return Batch(endpoint, columns, len(request.records), request.id, at)


def infer_response(endpoint: Endpoint, answer: Answer, wanted: list[str] | None) -> bytes:
    """The body of the answer: the outputs asked for, or all."""
    shape = [len(answer.predictions)]
    values: list[tuple[str, list[Any] | None]] = [
        ("prediction", answer.predictions),
        ("version", answer.versions),
        ("route", answer.routes),
        ("stale", answer.stale),
    ]
    outputs = [
        Output(name, _OUTPUTS[name], shape, data)
        for name, data in values
        if data is not None and (wanted is None or name in wanted)
    ]
    return encode_json(InferResponse(endpoint.fleet, answer.id, outputs))


def records_response(answer: Answer) -> bytes:
    """The body of the answer to records: one object a row."""
    stale: Sequence[bool | None] = answer.stale or [None] * len(answer.predictions)
    rows = zip(answer.predictions, answer.versions, answer.routes, stale, strict=True)
    found = [{"prediction": p, "version": v, "route": r} | ({} if s is None else {"stale": s}) for p, v, r, s in rows]
    return encode_json({"id": answer.id, "predictions": found})


def model_metadata(endpoint: Endpoint) -> dict[str, Any]:
    """Model metadata; TIME inputs are BYTES with a format, and inputs that may be left out say so."""
    return {
        "name": endpoint.fleet,
        "versions": [],
        "platform": "argosy_fleet",
        "inputs": [_input_metadata(each) for each in endpoint.inputs],
        "outputs": [
            {"name": name, "datatype": datatype, "shape": [-1]}
            for name, datatype in _OUTPUTS.items()
            if name != "stale" or endpoint.views
        ],
        "parameters": {"task": endpoint.task, "by": list(endpoint.by)},
    }


def _input_metadata(each: Input) -> dict[str, Any]:
    timely = each.datatype == "TIME"
    parameters = {"required": each.required} | ({"format": "date-time"} if timely else {})
    return {
        "name": each.name,
        "datatype": "BYTES" if timely else each.datatype,
        "shape": [-1],
        "parameters": parameters,
    }


def server_metadata(version: str) -> dict[str, Any]:
    """Server metadata."""
    return {"name": "argosy", "version": version, "extensions": ["model_repository"]}


def repository_index(routing: Routing) -> list[dict[str, str]]:
    """Every fleet and whether it can answer."""
    return [{"name": name, **_state(endpoint)} for name, endpoint in sorted(routing.endpoints.items())]


def is_ready(endpoint: Endpoint) -> bool:
    """Whether some version can answer some row."""
    return endpoint.pooled.champion is not None or any(r.champion or r.canary for r in endpoint.routes.values())


def _state(endpoint: Endpoint) -> dict[str, str]:
    if is_ready(endpoint):
        return {"state": "READY", "reason": ""}
    return {"state": "UNAVAILABLE", "reason": "no member has a version that may answer"}


def _decoded(decode: Callable[[bytes], T], body: bytes, wanted: str) -> T:
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"the body is not the JSON of a request: {error}",
            next=f"{wanted}; a missing number is null, not NaN",
        ) from error


def _rows(tensor: Tensor) -> int:
    shape = tensor.shape
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1) or not 1 <= shape[0] <= _MAX_ROWS:
        raise InputError(
            f"the input {tensor.name!r} has shape {shape[:5]}, wanted [n] or [n, 1] with n from 1 to {_MAX_ROWS:,}",
            next="send one tensor a column and one element a row",
        )
    return shape[0]


def _data(tensor: Tensor, count: int) -> list[Any]:
    data = tensor.data
    if _rows(tensor) != count:
        raise InputError(
            f"the input {tensor.name!r} has {tensor.shape[0]} rows, the first input {count}",
            next="send as many rows in every column",
        )
    if data and type(data[0]) is list:
        data = [each[0] if type(each) is list and len(each) == 1 else each for each in data]
    if len(data) != count:
        raise InputError(
            f"the input {tensor.name!r} holds {len(data)} values where its shape says {count}",
            next="send one value a row",
        )
    return data


def _plain_row(endpoint: Endpoint, tensors: list[Tensor]) -> Columns | None:
    """The columns of one complete row without nulls; None for anything else, which the full check must see."""
    inputs, columns = endpoint.by_name, {}
    for tensor in tensors:
        name, data = tensor.name, tensor.data
        each = inputs.get(name)
        if each is None or tensor.shape != _ONE or len(data) != 1:
            return None
        datatype, kind, as_is = _PLAIN[each.datatype]
        if tensor.datatype != datatype or type(data[0]) is not kind:
            return None
        columns[name] = data if as_is else _typed(each, data)
    return columns if len(columns) == len(tensors) and endpoint.required <= columns.keys() else None


def _columns(endpoint: Endpoint, tensors: list[Tensor], count: int) -> Columns:
    given: Columns = {}
    for tensor in tensors:
        if tensor.name in given:
            raise InputError(f"the input {tensor.name!r} comes twice", next="send one tensor a column")
        given[tensor.name] = _data(tensor, count)
    return _checked(endpoint, given, count, {tensor.name: tensor.datatype for tensor in tensors})


def _checked(endpoint: Endpoint, given: Columns, count: int, types: Mapping[str, str] | None) -> Columns:
    columns: Columns = {}
    for each in endpoint.inputs:
        values = given.get(each.name)
        if values is None:
            if each.required:
                raise _missing(endpoint, each.name, "the request")
            continue
        if types is not None:
            _check_datatype(each, types[each.name], values)
        columns[each.name] = _typed(each, values)
    if len(columns) != len(given):
        extra = sorted(set(given) - set(columns))
        raise InputError(
            f"fleet {endpoint.fleet!r} has no input {extra[0]!r} ({len(extra)} unknown)", next=_metadata_hint(endpoint)
        )
    for name in endpoint.by:
        if None in columns[name]:
            row = columns[name].index(None)
            raise InputError(f"row {row} has no value for the key column {name!r}", next="send a value for every key")
    return columns


def _check_datatype(each: Input, seen: str, values: list[Any]) -> None:
    if seen not in _FITS[each.datatype]:
        wanted = " or ".join(sorted(_FITS[each.datatype]))
        raise InputError(f"the input {each.name!r} has datatype {seen!r}, wanted {wanted}", next="send that datatype")
    if (bits := _INTEGERS.get(seen)) is not None:
        low, high = (0, 2**bits - 1) if seen[0] == "U" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        for row, value in enumerate(values):
            if value is not None and (type(value) is not int or not low <= value <= high):
                raise _mistyped(each, row, value, seen)


def _typed(each: Input, values: list[Any]) -> list[Any]:
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


def moment(text: object, where: str) -> datetime:
    """An ISO 8601 time with an offset, as UTC; raises InputError."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(
            f"{where} holds {str(text)[:40]!r}, wanted a time with its offset", next="write 2013-04-01T12:00:00Z"
        )
    return found.astimezone(UTC)


def _decision(endpoint: Endpoint, columns: Columns, at: object, count: int) -> datetime | list[datetime] | None:
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
        return [time - lead for time in times if time is not None]
    if isinstance(at, list):
        if len(at) != count:
            raise InputError(f"`at` holds {len(at)} times for {count} rows", next="send one time, or one a row")
        return [moment(each, "`at`") for each in at]
    return moment(at, "`at`")


def _missing(endpoint: Endpoint, name: str, where: str) -> InputError:
    return InputError(f"{where} lacks the input {name!r} of fleet {endpoint.fleet!r}", next=_metadata_hint(endpoint))


def _mistyped(each: Input, row: int, value: object, wanted: str) -> InputError:
    return InputError(
        f"the input {each.name!r} holds {str(value)[:40]!r} ({type(value).__name__}) in row {row}, wanted {wanted}",
        next="send values of that type; null for a missing one",
    )


def _metadata_hint(endpoint: Endpoint) -> str:
    return f"GET /v2/models/{endpoint.fleet} lists the inputs"
