"""The Open Inference Protocol as protobuf: the rows of a `ModelInferRequest` and the tensors of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch
from argosy.serving.door import infer
from argosy.serving.door.json import encode
from argosy.serving.door.raw import counted, finite, packed, unpacked
from argosy.serving.door.tensor import Requested, Tensor
from argosy.serving.door.weight import LIGHT, Room
from argosy.serving.request import Reply, Request
from argosy.serving.routing import Endpoint
from argosy.serving.rpc import outline
from argosy.serving.rpc.layout import Layouts, Read
from argosy.serving.rpc.message import message

KIND = b"application/x-protobuf"
InferRequest = message("ModelInferRequest")
InferResponse = message("ModelInferResponse")
_FIELDS = {
    "BOOL": "bool_contents",
    **{f"INT{bits}": "int_contents" for bits in (8, 16, 32)},
    "INT64": "int64_contents",
    **{f"UINT{bits}": "uint_contents" for bits in (8, 16, 32)},
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_RAW = "binary_data_output"
LAYOUTS = Layouts()
"""What was learned of the messages of this process."""


def ask(request: Request, endpoint: Endpoint) -> tuple[Batch, Callable[[Answer], Reply]]:
    """The rows of a request, and how their answer is told."""
    read = LAYOUTS.find(request.body) if request.read is None else request.read
    if isinstance(read, Read) and read.fits(endpoint):
        batch, wanted = read.batch(endpoint), read.wanted
    else:
        batch, wanted = parse(request.body, endpoint, None if isinstance(read, Read) else read)
        LAYOUTS.learn(request.body, request.path, batch, wanted)
    return batch, lambda answer: reply(endpoint, answer, wanted)


def parse(body: bytes, endpoint: Endpoint, message: Any = None) -> tuple[Batch, infer.Wanted | None]:
    """As `door.infer.parse`; a request whose tensors are raw wants its answer so. `message` is what the body holds."""
    room = Room() if len(body) > LIGHT else None
    asked = decoded(InferRequest, body) if message is None else message
    raw = asked.raw_input_contents
    if raw and len(raw) != len(asked.inputs):
        raise InputError(
            f"raw_input_contents holds {len(raw)} tensors and inputs {len(asked.inputs)}",
            next="send every tensor in raw_input_contents, or every one in its contents",
        )
    inputs = []
    for place, each in enumerate(asked.inputs):
        name, shape, datatype, given = each.name, each.shape[:], each.datatype, each.parameters
        if not raw:
            found = _field(name, datatype, each.contents)
            if room is not None:
                room.take(name, shape, len(found))
            data = _typed(name, datatype, found)
        else:
            if room is not None and datatype != "BYTES":
                room.take(name, shape, counted(name, datatype, len(raw[place])))
            data = unpacked(name, datatype, raw[place])
        inputs.append(Tensor(name, shape, datatype, data, _parameters(given) if given else None))
    parameters = _parameters(asked.parameters) if asked.parameters else None
    if raw:
        parameters = (parameters or {}) | {_RAW: True}
    outputs = [Requested(each.name, _parameters(each.parameters)) for each in asked.outputs] or None
    return infer.read(infer.InferRequest(inputs, asked.id or None, parameters, outputs), endpoint)


def reply(endpoint: Endpoint, answer: Answer, wanted: infer.Wanted | None) -> Reply:
    """The answer: the outputs asked for, or all; each in its contents, or all of them raw.

    Parameters that are lists stand in it as JSON.
    """
    found = InferResponse(model_name=endpoint.fleet, id=answer.id)
    raw = wanted is not None and bool(wanted.binary)
    for each in infer.outputs(answer, None if wanted is None else wanted.names):
        output = found.outputs.add(name=each.name, datatype=each.datatype, shape=each.shape)
        for name, value in (each.parameters or {}).items():
            output.parameters[name].string_param = value if isinstance(value, str) else encode(value).decode()
        if raw:
            found.raw_output_contents.append(packed(each.datatype, each.data))
        else:
            getattr(output.contents, _FIELDS[each.datatype]).extend(_written(each.datatype, each.data))
    return Reply(200, found.SerializeToString(), KIND)


def decoded(kind: Any, body: bytes) -> Any:
    """The message that a body holds; raises InputError."""
    if len(body) > LIGHT:
        outline.check(body)
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise InputError(
            f"the body is no {kind.DESCRIPTOR.full_name}", next="send what the Open Inference Protocol's messages say"
        ) from error


def _field(name: str, datatype: str, contents: Any) -> Sequence[Any]:
    """The values of a tensor as its message holds them; raises InputError for a type that has no field in it."""
    field = _FIELDS.get(datatype)
    if field is None:
        raise InputError(
            f"the input {name!r} is {datatype[:20]!r}, which has no field in its contents",
            next=f"send one of {', '.join(_FIELDS)}, or FP16 and BF16 in raw_input_contents",
        )
    found: Sequence[Any] = getattr(contents, field)
    return found


def _typed(name: str, datatype: str, found: Sequence[Any]) -> list[Any]:
    values: list[Any] = found[:]  # type: ignore[assignment]  # of a repeated field, a list
    if datatype == "FP64" or datatype == "FP32":
        return values if isfinite(sum(values)) else finite(name, np.array(values))
    if datatype == "BYTES":
        return [_text(name, row, value) for row, value in enumerate(values)]
    return values


def _text(name: str, row: int, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"the input {name!r} holds in row {row} what is no UTF-8: {error.reason}", next="send UTF-8"
        ) from error


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that have a value."""
    chosen = {name: (value, value.WhichOneof("parameter_choice")) for name, value in given.items()}
    return {name: getattr(value, which) for name, (value, which) in chosen.items() if which is not None}


def _written(datatype: str, values: list[Any]) -> list[Any]:
    if datatype == "BYTES":
        return [(value or "").encode() for value in values]
    return [float("nan") if value is None else value for value in values] if None in values else values
