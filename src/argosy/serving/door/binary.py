"""The binary extension of the Open Inference Protocol: tensors as bytes behind the JSON of a request or an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch
from argosy.serving.door import infer
from argosy.serving.door.json import encode
from argosy.serving.door.raw import counted, packed, unpacked
from argosy.serving.door.weight import LIGHT, Room
from argosy.serving.request import JSON, Reply, Request
from argosy.serving.routing import Endpoint
from argosy.serving.rpc import infer as protobuf

HEADER = b"inference-header-content-length"
OCTETS = b"application/octet-stream"
KINDS = (JSON, OCTETS, protobuf.KIND)


class _Sized(msgspec.Struct):
    """An output whose elements stand behind the JSON, in so many bytes."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any]


class _Response(msgspec.Struct):
    model_name: str
    id: str
    outputs: list[infer.Output | _Sized]


def parse(body: bytes, length: bytes, endpoint: Endpoint) -> tuple[Batch, infer.Wanted | None]:
    """As `infer.parse`, of a body whose JSON is its first `length` bytes; raises InputError."""
    end = int(length) if length.isdigit() and len(length) < 12 else -1
    if not 0 <= end <= len(body):
        raise InputError(
            f"the header Inference-Header-Content-Length says {length[:20].decode('latin-1')!r} "
            f"and the body has {len(body)} bytes",
            next="let it say how long the JSON at the beginning of the body is",
        )
    request, room = infer.head(body[:end]), Room()
    for tensor in request.inputs:
        size = (tensor.parameters or {}).get("binary_data_size")
        if size is None:
            continue
        if type(size) is not int or not 0 <= size <= len(body) - end:
            raise InputError(
                f"the input {tensor.name!r} is said to have {str(size)[:20]} bytes, and {len(body) - end} are left",
                next="send the tensors behind the JSON in their order, each with its binary_data_size",
            )
        if size > LIGHT and tensor.datatype != "BYTES":
            room.take(tensor.name, tensor.shape, counted(tensor.name, tensor.datatype, size))
        tensor.data = unpacked(tensor.name, tensor.datatype, body[end : end + size])
        end += size
    if end != len(body):
        raise InputError(
            f"{len(body) - end} bytes at the end of the body belong to no input",
            next="give each input that stands behind the JSON its binary_data_size",
        )
    return infer.read(request, endpoint)


def reply(endpoint: Endpoint, answer: Answer, wanted: infer.Wanted | None) -> Reply:
    """The answer, with the outputs that are wanted so as bytes behind its JSON."""
    if wanted is None or not wanted.binary:
        return Reply(200, infer.response(endpoint, answer, wanted))
    told: list[infer.Output | _Sized] = []
    parts = []
    for output in infer.outputs(answer, wanted.names):
        if output.name not in wanted.binary:
            told.append(output)
            continue
        parts.append(packed(output.datatype, output.data))
        parameters = (output.parameters or {}) | {"binary_data_size": len(parts[-1])}
        told.append(_Sized(output.name, output.datatype, output.shape, parameters))
    head = encode(_Response(endpoint.fleet, answer.id, told))
    return Reply(200, b"".join([head, *parts]), OCTETS, ((HEADER, b"%d" % len(head)),))


def ask(request: Request, endpoint: Endpoint) -> tuple[Batch, Callable[[Answer], Reply]]:
    """The rows of a request, as JSON, with tensors behind it or as protobuf, and how their answer is told."""
    if request.headers.get(b"content-type") == protobuf.KIND:
        return protobuf.ask(request, endpoint)
    length = request.headers.get(HEADER)
    if length is None:
        batch, wanted = infer.parse(request.body, endpoint)
    else:
        batch, wanted = parse(request.body, length, endpoint)
    return batch, lambda answer: reply(endpoint, answer, wanted)
