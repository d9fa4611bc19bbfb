"""The Open Inference Protocol v2 over JSON: the rows of a request and the tensors of its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch, Columns
from argosy.serving.check import MAX_ROWS, checked, decision, metadata_hint, typed
from argosy.serving.door.json import decoded, encode
from argosy.serving.routing import Endpoint

_ONE = [1]
# By an input's type: its name on the wire, the type of its JSON value, whether that needs no further check.
_PLAIN: dict[str, tuple[str, type, bool]] = {
    "BOOL": ("BOOL", bool, True),
    "INT64": ("INT64", int, False),
    "FP64": ("FP64", float, True),
    "BYTES": ("BYTES", str, True),
    "TIME": ("BYTES", str, False),
}
OUTPUTS = {"prediction": "FP64", "version": "BYTES", "route": "BYTES", "stale": "BOOL"}


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


_infer: Callable[[bytes], InferRequest] = msgspec.json.Decoder(InferRequest).decode


def parse(body: bytes, endpoint: Endpoint) -> tuple[Batch, list[str] | None]:
    """The rows of an inference request and the outputs it asks for; raises InputError that names what is wrong."""
    request = decoded(_infer, body, "send JSON with `inputs` (Open Inference Protocol v2)")
    if not request.inputs:
        raise InputError("the request has no inputs", next=metadata_hint(endpoint))
    count = _rows(request.inputs[0])
    columns = _plain_row(endpoint, request.inputs) or _columns(endpoint, request.inputs, count)
    at = decision(endpoint, columns, (request.parameters or {}).get("at"), count)
    wanted = None if request.outputs is None else [output.name for output in request.outputs]
    if wanted is not None and (unknown := [name for name in wanted if name not in OUTPUTS]):
        raise InputError(f"there is no output {unknown[0]!r}", next=f"ask for some of {', '.join(OUTPUTS)}")
    return Batch(endpoint, columns, count, request.id, at), wanted


def response(endpoint: Endpoint, answer: Answer, wanted: list[str] | None) -> bytes:
    """The body of the answer: the outputs asked for, or all."""
    shape = [len(answer.predictions)]
    values: list[tuple[str, list[Any] | None]] = [
        ("prediction", answer.predictions),
        ("version", answer.versions),
        ("route", answer.routes),
        ("stale", answer.stale),
    ]
    outputs = [
        Output(name, OUTPUTS[name], shape, data)
        for name, data in values
        if data is not None and (wanted is None or name in wanted)
    ]
    return encode(InferResponse(endpoint.fleet, answer.id, outputs))


def _rows(tensor: Tensor) -> int:
    shape = tensor.shape
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1) or not 1 <= shape[0] <= MAX_ROWS:
        raise InputError(
            f"the input {tensor.name!r} has shape {shape[:5]}, wanted [n] or [n, 1] with n from 1 to {MAX_ROWS:,}",
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
        columns[name] = data if as_is else typed(each, data)
    return columns if len(columns) == len(tensors) and endpoint.required <= columns.keys() else None


def _columns(endpoint: Endpoint, tensors: list[Tensor], count: int) -> Columns:
    given: Columns = {}
    for tensor in tensors:
        if tensor.name in given:
            raise InputError(f"the input {tensor.name!r} comes twice", next="send one tensor a column")
        given[tensor.name] = _data(tensor, count)
    return checked(endpoint, given, count, {tensor.name: tensor.datatype for tensor in tensors})
