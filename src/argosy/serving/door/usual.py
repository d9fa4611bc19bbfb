"""Requests as most are: every tensor of the type and the shape of its column.

A decoder that is made for the columns of a fleet reads them and checks their types at once: measured, that takes half
as long for 32 rows as to read whatever may come and to look at each value then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal, Protocol, Union

import msgspec

from argosy.serving.batch import Columns
from argosy.serving.check import FLOATS, moment
from argosy.serving.door.tensor import Requested
from argosy.serving.door.weight import check_json
from argosy.serving.limits import MAX_ROWS
from argosy.serving.routing import Datatype, Endpoint

_KEPT = 1_000
_FAILS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# By an input's type: what it may be called on the wire, and what its values are there.
_PLAIN: dict[Datatype, tuple[Any, Any]] = {
    "BOOL": (Literal["BOOL"], bool),
    "INT64": (Literal["INT64"], Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]),
    "FP64": (Literal[FLOATS], float),
    "BYTES": (Literal["BYTES"], str),
    "TIME": (Literal["BYTES"], str),
}
_SHAPE = b'"shape"'
_Layout = list[tuple[str, Datatype, bool]]
_Decode = Callable[[bytes], Any]


class Asked(Protocol):
    """What a request says beside its rows."""

    @property
    def id(self) -> str | None:
        """Its name."""
        ...

    @property
    def parameters(self) -> dict[str, Any] | None:
        """Its parameters."""
        ...

    @property
    def outputs(self) -> list[Requested] | None:
        """The outputs that it asks for."""
        ...


class Decoder:
    """Reads inference requests for columns of one `Endpoint.layout`; what reads a single row knows its shape, too."""

    def __init__(self, layout: str) -> None:
        columns = msgspec.json.decode(layout, type=_Layout)
        self._one, self._many = _decoder(columns, one=True), _decoder(columns, one=False)
        self._times = [name for name, datatype, _ in columns if datatype == "TIME"]

    def read(self, body: bytes) -> tuple[Asked, Columns, int] | None:
        """A request, its columns and how many rows they have; None for what only the general check can judge.

        Raises InputError for a text that is no time.
        """
        one = _is_one(body)
        try:
            found = self._one(body) if one else self._many(body)
        except _FAILS:
            return None
        tensors = found.inputs
        columns: Columns = {each.column: each.data for each in tensors}
        count = 1 if one else _count(tensors)
        if not count or len(columns) != len(tensors):
            return None
        for name in self._times:
            if name in columns:
                where = f"the input {name!r}"
                columns[name] = [None if text is None else moment(text, where) for text in columns[name]]
        return found, columns, count


def read(body: bytes, endpoint: Endpoint) -> tuple[Asked, Columns, int] | None:
    """As `Decoder.read`, of a request that holds all required columns; raises InputError for one of too many values."""
    check_json(body)
    found = _of(endpoint.layout).read(body)
    return found if found is not None and endpoint.required <= found[1].keys() else None


def _is_one(body: bytes) -> bool:
    """Whether the first tensor of a request seems to be one of a single row."""
    end = body.find(_SHAPE) + len(_SHAPE)
    return body[end : end + 8].lstrip(b": ").startswith(b"[1]")


def _count(tensors: list[Any]) -> int:
    """How many rows they all have; 0 where they differ, or have none or too many."""
    shape = tensors[0].shape if tensors else (0,)
    for each in tensors:
        if each.shape != shape or len(each.data) != shape[0]:
            return 0
    return shape[0] if shape[0] <= MAX_ROWS else 0


def _decoder(columns: _Layout, *, one: bool) -> _Decode:
    several: Any = Union[tuple(_tensor(*each, one) for each in columns)]  # noqa: UP007  # as many as there are
    fields: list[Any] = [
        ("inputs", list[several]), ("id", str | None, None), ("parameters", dict[str, Any] | None, None),
        ("outputs", list[Requested] | None, None),
    ]  # fmt: skip
    return msgspec.json.Decoder(msgspec.defstruct("Usual", fields)).decode


def _tensor(name: str, datatype: Datatype, nullable: bool, one: bool) -> type[msgspec.Struct]:
    stated, value = _PLAIN[datatype]
    values: Any = list.__class_getitem__(value | None if nullable else value)
    if one:
        values = Annotated[values, msgspec.Meta(min_length=1, max_length=1)]
    fields: list[Any] = [
        ("shape", tuple[Literal[1]] if one else tuple[int]), ("datatype", stated), ("data", values),
        ("parameters", dict[str, Any] | None, None),
    ]  # fmt: skip
    return msgspec.defstruct("Tensor", fields, tag_field="name", tag=name, namespace={"column": name})


_of = lru_cache(_KEPT)(Decoder)
