"""Plain values as MessagePack: exact, and the same bytes for equal values in every process.

MessagePack and not JSON: JSON writes NaN, infinity and None alike, and bytes as text.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.msgpack import Ext

from argosy.errors import CorruptError, InputError
from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format

_encode = msgspec.msgpack.Encoder().encode
_ATOMS = {type(None), bool, float, str, bytes}
_BASES: tuple[type[Any], ...] = (int, float, str, bytes)
_SMALL = range(-(1 << 63), 1 << 64)
_SHOWN = 1000


class Value(Format):
    """None, numbers, texts, bytes, dates, and lists, sets and dicts of them; structs and dataclasses as their fields.

    Types that MessagePack does not know (tuples, sets, dates, big integers, …) are extensions of it, so that what comes
    back is what was saved, with two exceptions: dicts come back in the order of their keys, and structs, dataclasses
    and members of enumerations as plain values unless `wanted` asks for them.
    """

    name = "value"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`."""
        try:
            file.write(_encode(_plain(value)))
        except RecursionError:
            raise InputError("the value holds itself, or is nested too deep", next="return a flatter value") from None
        except UnicodeEncodeError as error:
            raise InputError(f"a text has no UTF-8 form: {error}", next="return it as bytes") from None

    def load(self, file: File, wanted: Any) -> Any:
        """See `Format.load`. Raises `InputError` for a value that is not what is wanted."""
        assert isinstance(file, Source)
        value = _decoder.decode(file.bytes())
        try:
            return value if wanted is Any else msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            shown = getattr(wanted, "__name__", wanted)
            raise InputError(f"a value is no {shown}: {error}", next="correct the annotation, or the step") from None

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`."""
        text = repr(value)
        return {"kind": "value", "type": type(value).__name__,
                "text": text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"}  # fmt: skip


def _plain(value: Any) -> Any:
    """The value in types that MessagePack has, or as extensions."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is int:
        return value if value in _SMALL else Ext(1, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    for base, code, form in _FORMS:
        if isinstance(value, base):
            return Ext(code, _encode(form(value)))
    if isinstance(value, list):
        return _items(value)
    if isinstance(value, dict):
        return _dict(value)
    if isinstance(value, msgspec.Struct):
        return _struct(value)
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(kind, "__attrs_attrs__"):
        return {field.name: _plain(getattr(value, field.name)) for field in kind.__attrs_attrs__}
    for atom in _BASES:
        if isinstance(value, atom):
            return _plain(atom(value))
    raise InputError(
        f"a {kind.__module__}.{kind.__qualname__} within a value has no plain form",
        next="return it as an output of its own, or plain values in its place",
    )


def _items(values: Iterable[Any]) -> list[Any]:
    return [_plain(value) for value in values]


def _dict(value: dict[Any, Any]) -> Any:
    if all(type(key) is str for key in value):
        return {key: _plain(value[key]) for key in sorted(value)}
    return Ext(2, _encode(sorted(([_plain(key), _plain(item)] for key, item in value.items()), key=_key)))


def _key(pair: list[Any]) -> bytes:
    return _encode(pair[0])


def _struct(value: msgspec.Struct) -> Any:
    config = value.__struct_config__
    fields = {name: _plain(getattr(value, field))
              for field, name in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)}  # fmt: skip
    if config.array_like:
        return [*([config.tag] if config.tag is not None else []), *fields.values()]
    return dict(sorted(({config.tag_field: config.tag} if config.tag_field else {} | fields).items()))


def _set(value: Iterable[Any]) -> list[Any]:
    return sorted(_items(value), key=_encode)


def _datetime(value: datetime.datetime) -> list[Any]:
    """Wall time, which of two equal ones, and the zone's name where it has one, else its offset."""
    zone = getattr(value.tzinfo, "key", None)
    return [(value.replace(tzinfo=None) if zone else value).isoformat(), value.fold, zone]


def _read_datetime(body: Any) -> datetime.datetime:
    text, fold, zone = body
    value = datetime.datetime.fromisoformat(text).replace(fold=fold)
    return value.replace(tzinfo=ZoneInfo(zone)) if zone else value


# Of a type and its base (datetime and date), the type comes first.
_FORMS: list[tuple[type, int, Callable[[Any], Any]]] = [
    (tuple, 3, _items),
    (frozenset, 5, _set),
    (set, 4, _set),
    (datetime.datetime, 6, _datetime),
    (datetime.date, 7, datetime.date.isoformat),
    (datetime.time, 8, lambda time: [time.isoformat(), time.fold]),
    (datetime.timedelta, 9, lambda span: [span.days, span.seconds, span.microseconds]),
    (decimal.Decimal, 10, str),
    (uuid.UUID, 11, str),
]
_READERS: dict[int, Callable[[Any], Any]] = {
    2: dict,
    3: tuple,
    4: set,
    5: frozenset,
    6: _read_datetime,
    7: datetime.date.fromisoformat,
    8: lambda body: datetime.time.fromisoformat(body[0]).replace(fold=body[1]),
    9: lambda body: datetime.timedelta(*body),
    10: decimal.Decimal,
    11: uuid.UUID,
}


def _extension(code: int, data: memoryview) -> Any:
    if code == 1:
        return int.from_bytes(data, "big", signed=True)
    if code not in _READERS:
        raise CorruptError(f"a value of the unknown kind {code}", next="upgrade Argosy: a newer one wrote it")
    return _READERS[code](_decoder.decode(data))


_decoder = msgspec.msgpack.Decoder(ext_hook=_extension)
