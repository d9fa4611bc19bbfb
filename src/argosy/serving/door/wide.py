"""Tensors of several columns, as clients send them that know a model as one matrix of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from argosy.errors import InputError
from argosy.serving.check import metadata_hint, narrowed
from argosy.serving.door.tensor import Tensor
from argosy.serving.limits import MAX_ROWS
from argosy.serving.routing import Endpoint, Input

_NUMBERS = ("BOOL", "INT64", "FP64")


def spread(endpoint: Endpoint, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """The tensors, one of shape [n, k] and of a name that no input bears as k of shape [n].

    Its columns are the inputs that its parameter `columns` lists; without that, the required inputs of numbers that no
    other tensor of the request names, in the order of the model's metadata. Raises InputError where there are not k.
    """
    if not any(_is_wide(each, endpoint) for each in tensors):
        return tensors
    found: list[Tensor] = []
    for tensor in tensors:
        found += _columns(endpoint, tensor, tensors) if _is_wide(tensor, endpoint) else [tensor]
    return found


def _is_wide(tensor: Tensor, endpoint: Endpoint) -> bool:
    shape = tensor.shape
    return len(shape) == 2 and tensor.name not in endpoint.by_name and 1 <= shape[0] <= MAX_ROWS and shape[1] >= 1


def _columns(endpoint: Endpoint, tensor: Tensor, among: Sequence[Tensor]) -> list[Tensor]:
    count, width = tensor.shape
    names = (tensor.parameters or {}).get("columns")
    if names is None:
        others = {each.name for each in among}
        inputs = [each for each in endpoint.inputs if each.required and each.datatype in _NUMBERS]
        names = [each.name for each in inputs if each.name not in others]
    if not isinstance(names, list) or len(names) != width:
        some = ", ".join(map(str, names[:8])) if isinstance(names, list) else repr(names)[:40]
        raise InputError(
            f"the input {tensor.name!r} has {width} columns, which are not one for each of: {some or 'no number'}",
            next=f"list their names in its parameter `columns`; {metadata_hint(endpoint)}",
        )
    flat = _flat(tensor, count, width)
    return [_column(tensor, str(name), flat[i::width], endpoint.by_name.get(str(name))) for i, name in enumerate(names)]


def _flat(tensor: Tensor, count: int, width: int) -> list[Any]:
    data = tensor.data
    if data and type(data[0]) is list:
        data = [value for row in data for value in (row if type(row) is list and len(row) == width else [row])]
    if len(data) != count * width:
        raise InputError(
            f"the input {tensor.name!r} holds {len(data)} values where its shape says {count} x {width}",
            next="send the values row by row",
        )
    return data


def _column(tensor: Tensor, name: str, values: list[Any], known: Input | None) -> Tensor:
    """A column of a matrix; where all its floats are of the type of its input, it is of that type."""
    floating = tensor.datatype.startswith("FP") or tensor.datatype == "BF16"
    if known is not None and floating and (found := narrowed(known.datatype, values)) is not values:
        return Tensor(name, tensor.shape[:1], known.datatype, found)
    return Tensor(name, tensor.shape[:1], tensor.datatype, values)
