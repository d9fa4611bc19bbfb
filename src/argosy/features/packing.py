"""Bytes of the online store: keys that sort by entity and moment, and rows that keep every value exact.

A key is the view's number (4 bytes), the entity's code, and the moment from which the row is in force, counted down
(8 bytes), so that the first key not before (entity, moment) is the row in force at that moment. An entity's code is a
msgpack array, which ends itself, so none is the beginning of another. A row is its event time and its known time
(8 bytes each), then its values as a msgpack array.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl

from argosy.errors import InputError
from argosy.features.source import Unit

TIMES = struct.Struct(">qq")
SCHEMAS = b"\0\0\0\0"

_FIRST, _LAST = -(2**63), 2**63 - 1
_LONGEST = 480
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_ZERO = date(1970, 1, 1).toordinal()
_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Any]).decode


class View(msgspec.Struct, frozen=True, dict=True):
    """How the rows of one source are kept: its number, the unit of its times, and its columns' types.

    `entity` and `columns` are empty Arrow IPC files, which hold names and types exactly.
    """

    number: int
    unit: Unit
    entity: bytes
    columns: bytes

    @cached_property
    def prefix(self) -> bytes:
        """What the keys of this view begin with."""
        return self.number.to_bytes(4, "big")

    @cached_property
    def kinds(self) -> tuple[tuple[str, type], ...]:
        """Name and Python type of each entity column."""
        return tuple((name, _kind(dtype)) for name, dtype in schema(self.entity).items())

    @cached_property
    def types(self) -> pl.Schema:
        """Name and type of each value column, in the order of the packed row."""
        return schema(self.columns)

    def holds(self, unit: Unit, entity: pl.Schema, columns: pl.Schema) -> bool:
        """Whether rows of this unit and these types can stand among those of the view."""
        return (self.unit, schema(self.entity), self.types) == (unit, entity, columns)


def blank(types: pl.Schema) -> bytes:
    """Names and types as an empty Arrow IPC file."""
    buffer = io.BytesIO()
    pl.DataFrame(schema=types).write_ipc(buffer)
    return buffer.getvalue()


@lru_cache
def schema(file: bytes) -> pl.Schema:
    """The names and types that `blank` wrote."""
    return pl.read_ipc(file).schema


def stored(dtype: pl.DataType, owner: str) -> pl.DataType:
    """The type whose Python values are packed for `dtype`; raises `InputError` for one that is not kept exactly."""
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return pl.String()
    if dtype == pl.Date:
        return pl.Int32()
    if isinstance(dtype, (pl.Datetime, pl.Duration)):
        return pl.Int64()
    plain = dtype.is_float() or (dtype.is_integer() and dtype not in (pl.Int128, pl.UInt128))
    if plain or dtype in (pl.Boolean, pl.String, pl.Null):
        return dtype
    raise InputError(
        f"{owner}: the online store does not keep {dtype}", next="derive numbers, texts, booleans or times from it"
    )


def value(dtype: pl.DataType) -> Callable[[Any], Any] | None:
    """What turns a packed value into the Python value that Polars gives for `dtype`; None where they are one."""
    if dtype == pl.Date:
        return lambda days: date.fromordinal(_DAY_ZERO + days)
    if isinstance(dtype, (pl.Datetime, pl.Duration)):
        second = _SECOND[dtype.time_unit]
        if isinstance(dtype, pl.Duration):
            return lambda count: timedelta(microseconds=count * 1_000_000 // second)
        zone = None if dtype.time_zone is None else ZoneInfo(dtype.time_zone)
        return lambda count: _moment(count * 1_000_000 // second, zone)
    return None


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970 UTC; raises `InputError` for a time without a zone."""
    if at.tzinfo is None:
        raise InputError(f"the moment {at} has no time zone", next="give it one: at.replace(tzinfo=UTC)")
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def head(view: View, entity: Sequence[Any]) -> bytes:
    """What the keys of one entity begin with: all but their last 8 bytes."""
    try:
        code = encode(entity)
    except OverflowError as error:
        raise InputError(f"{entity!r:.80} holds a number beyond 64 bits", next="no entity can be so named") from error
    if len(code) > _LONGEST:
        code = b"\xc1" + hashlib.sha256(code).digest()  # 0xc1 begins no msgpack value
    return view.prefix + code


def countdown(eff: int) -> bytes:
    """The end of a key: sorts later moments first. A moment beyond all that a row can have is the first or the last."""
    return (_LAST - min(max(eff, _FIRST), _LAST)).to_bytes(8, "big")


def moment(key: bytes) -> int:
    """The moment from which the row of this key is in force."""
    return _LAST - int.from_bytes(key[-8:], "big")


def checked(owner: str, kinds: Sequence[tuple[str, type]], entity: Sequence[Any]) -> tuple[Any, ...] | None:
    """The entity in plain Python values; None if one of them is null; `InputError` if one is of the wrong type."""
    plain = []
    for (name, kind), given in zip(kinds, entity, strict=True):
        item = given.item() if isinstance(given, np.generic) else given
        if item is None:
            return None
        if type(item) is not kind:
            raise InputError(
                f"source {owner!r}, entity column {name!r}: {item!r:.80} is not a {kind.__name__}",
                next=f"send a {kind.__name__}",
            )
        plain.append(item)
    return tuple(plain)


def _kind(dtype: pl.DataType) -> type:
    if dtype.is_integer():
        return int
    return bool if dtype == pl.Boolean else str


def _moment(microsecond: int, zone: ZoneInfo | None) -> datetime:
    moment = _EPOCH + timedelta(microseconds=microsecond)
    return moment.replace(tzinfo=None) if zone is None else moment.astimezone(zone)
