"""The Open Inference Protocol v2 over JSON: the rows of a request and the tensors of its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch, Columns
from argosy.serving.check import checked, decision, metadata_hint, typed
from argosy.serving.door import output, usual, wide
from argosy.serving.door.json import decoded, encode
from argosy.serving.door.output import EXPLAINED, NUMBER, OUTPUTS, told
from argosy.serving.door.tensor import Requested, Tensor
from argosy.serving.door.usual import Asked
from argosy.serving.explanation import Explanation
from argosy.serving.limits import MAX_ID, MAX_ROWS
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


class InferRequest(msgspec.Struct):
    """The body of an inference request."""

    inputs: list[Tensor]
    id: Annotated[str, msgspec.Meta(max_length=MAX_ID)] | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Requested] | None = None


class Output(msgspec.Struct, omit_defaults=True):
    """One output tensor of shape [n]; of contributions [n, k], with the names of the features among its parameters."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]
    parameters: dict[str, Any] | None = None


class InferResponse(msgspec.Struct):
    """The answer to an inference request."""

    model_name: str
    id: str
    outputs: list[Output]


class Wanted(msgspec.Struct, frozen=True):
    """What a client asks for: outputs by name (None: all), and those of them that it takes as `binary`."""

    names: frozenset[str] | None = None
    binary: frozenset[str] = frozenset()


_infer: Callable[[bytes], InferRequest] = msgspec.json.Decoder(InferRequest).decode


def parse(body: bytes, endpoint: Endpoint) -> tuple[Batch, Wanted | None]:
    """The rows of an inference request and what it asks for (None: all, as JSON).

    Raises InputError that names what is wrong.
    """
    found = usual.read(body, endpoint)
    return read(head(body), endpoint) if found is None else _batch(endpoint, *found)


def head(body: bytes) -> InferRequest:
    """The request as it is written; raises InputError."""
    return decoded(_infer, body, "send JSON with `inputs` (Open Inference Protocol v2)")


def read(request: InferRequest, endpoint: Endpoint) -> tuple[Batch, Wanted | None]:
    """As `parse`, of a request whose tensors all have their data."""
    if not request.inputs:
        raise InputError("the request has no inputs", next=metadata_hint(endpoint))
    columns, count = _plain_row(endpoint, request.inputs), 1
    if columns is None:
        columns, count = columns_of(endpoint, request.inputs)
    return _batch(endpoint, request, columns, count)


def _batch(endpoint: Endpoint, request: Asked, columns: Columns, count: int) -> tuple[Batch, Wanted | None]:
    """Checked rows as a batch, with what their request says of them."""
    parameters = request.parameters
    if parameters is None and request.outputs is None:
        return Batch(endpoint, columns, count, request.id), None
    at = None if parameters is None else decision(endpoint, columns, parameters.get("at"), count)
    return Batch(endpoint, columns, count, request.id, at, explain=_asked(parameters)), _wanted(endpoint, request)


def outputs(answer: Answer, names: frozenset[str] | None = None) -> list[Output]:
    """The outputs of an answer, of those asked for (None: all)."""
    shape = [len(answer.predictions)]
    found = [Output(name, OUTPUTS.get(name, NUMBER), shape, data) for name, data in told(answer).items()]
    if names is not None and "flags" in names and answer.flags is None:
        found.append(Output("flags", OUTPUTS["flags"], shape, [""] * shape[0]))
    if answer.explanation is not None:
        found += _explained(answer.explanation)
    return found if names is None else [each for each in found if each.name in names]


def _explained(why: Explanation) -> list[Output]:
    rows, features = why.contributions.shape
    contributions = why.contributions.ravel().tolist()
    return [
        Output("contributions", EXPLAINED["contributions"], [rows, features], contributions, {"names": why.names}),
        Output("base", EXPLAINED["base"], [rows], why.base),
        Output("space", EXPLAINED["space"], [rows], list(why.space)),
    ]


def response(endpoint: Endpoint, answer: Answer, wanted: Wanted | None) -> bytes:
    """The body of the answer as JSON: the outputs asked for, or all."""
    names = None if wanted is None else wanted.names
    return encode(InferResponse(endpoint.fleet, answer.id, outputs(answer, names)))


def _asked(parameters: dict[str, Any] | None) -> bool:
    """Whether the rows are to be explained; raises InputError where that is neither said nor denied."""
    found = False if parameters is None else parameters.get("explain", False)
    if not isinstance(found, bool):
        raise InputError(f"the parameter explain is {str(found)[:40]!r}", next="send true, or leave it out")
    return found


def _wanted(endpoint: Endpoint, request: Asked) -> Wanted | None:
    parameters = request.parameters or {}
    binary, known = bool(parameters.get("binary_data_output")), output.outputs(endpoint)
    if parameters.get("explain"):
        known |= EXPLAINED
    if request.outputs is None:
        return Wanted(None, frozenset(known)) if binary else None
    chosen = set()
    for each in request.outputs:
        if each.name not in known:
            raise InputError(f"there is no output {each.name!r}", next=f"ask for some of {', '.join(known)}")
        parameters = each.parameters or {}
        for name in ("shared_memory_region", "classification"):
            if parameters.get(name):
                raise InputError(f"the output {each.name!r} cannot be given with {name!r}", next="leave it out")
        if parameters.get("binary_data", binary):
            chosen.add(each.name)
    return Wanted(frozenset(each.name for each in request.outputs), frozenset(chosen))


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
        if "shared_memory_region" in (tensor.parameters or {}):
            raise InputError(f"the input {tensor.name!r} lies in shared memory", next="send its data in the request")
        raise InputError(
            f"the input {tensor.name!r} holds {len(data)} values where its shape says {count}",
            next="send one value a row",
        )
    return data


def _plain_row(endpoint: Endpoint, tensors: Sequence[Tensor]) -> Columns | None:
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


def columns_of(endpoint: Endpoint, tensors: Sequence[Tensor]) -> tuple[Columns, int]:
    """The checked columns of tensors, and the number of their rows; raises InputError."""
    tensors = wide.spread(endpoint, tensors)
    count = _rows(tensors[0])
    given: Columns = {}
    for tensor in tensors:
        if tensor.name in given:
            raise InputError(f"the input {tensor.name!r} comes twice", next="send one tensor a column")
        given[tensor.name] = _data(tensor, count)
    return checked(endpoint, given, count, {tensor.name: tensor.datatype for tensor in tensors}), count
