"""Plain values as MessagePack: exact, and the same bytes for equal values in every process.

MessagePack and not JSON: JSON writes NaN, infinity and None alike, and bytes as text.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import enum
import reprlib
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.msgpack import Ext

from argosy.errors import CorruptError, InputError
from argosy.pipelines import format
from argosy.pipelines.formats.sink import Sink
from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format
from argosy.spec.interface import show

_encode = msgspec.msgpack.Encoder().encode
_ATOMS = {type(None), bool, float, str, bytes}
_BASES: tuple[type[Any], ...] = (int, float, str, bytes)
_SMALL = range(-(1 << 63), 1 << 64)
_INTEGER, _DICT, _TUPLE, _SET, _FROZEN, _EMBEDDED = range(1, 7)
_REPR = reprlib.Repr()
_REPR.maxlist = _REPR.maxtuple = _REPR.maxset = _REPR.maxfrozenset = _REPR.maxdict = 20
_REPR.maxstring = _REPR.maxother = _SHOWN = 1000


class Value(Format):
    """None, numbers, texts, bytes, dates, and lists, sets and dicts of them; structs and dataclasses as their fields.

    Types that MessagePack does not know (tuples, sets, dates, big integers, …) are extensions of it, so that what comes
    back is what was saved, with these exceptions: dicts come back in the order of their keys; structs, dataclasses,
    named tuples and members of enumerations as plain values unless `wanted` asks for them; numbers of NumPy as
    Python's; values of any other subclass (`Counter`, `defaultdict`, `OrderedDict`, times of pandas) as their base.
    What has another format, such as a frame in a dict, is kept within in that format, all of it in memory.
    """

    name = "value"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`. Raises `InputError` for times that Python has not, such as nanoseconds and `NaT`."""
        assert isinstance(file, Sink)
        try:
            file.write(_encode(_Writer(file).plain(value)))
        except RecursionError:
            raise InputError("the value holds itself, or is nested too deep", next="return a flatter value") from None
        except UnicodeEncodeError as error:
            raise InputError(f"a text has no UTF-8 form: {error}", next="return it as bytes") from None

    def load(self, file: File, wanted: Any) -> Any:
        """See `Format.load`. Raises `InputError` for a value that is not what is wanted."""
        assert isinstance(file, Source)
        reader = _Reader(file)
        value = reader.read(file.bytes())
        typed = value
        try:
            # Of an annotation that msgspec cannot tell apart (`str | bytes`) the value as it was saved is a good one.
            with contextlib.suppress(TypeError):
                typed = msgspec.convert(value, wanted, dec_hook=reader.typed)
        except msgspec.ValidationError as error:
            if isinstance(error.__cause__, InputError):
                raise error.__cause__ from None
            raise _mistyped(f"a value is no {show(wanted)}: {error}") from None
        return reader.grown(typed) if reader.waiting else typed

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`."""
        return {"kind": "value", "type": type(value).__name__, "text": _REPR.repr(value)[:_SHOWN]}


def dump(value: Any) -> bytes:
    """A constant as `Value` saves it: what JSON can tell, of which nothing has a format of its own."""
    return _encode(_Writer(None).plain(value))


def read(data: bytes) -> Any:
    """A saved value, for whom none of the project's code may run. Raises `InputError` if another format is within."""
    reader = _Reader(None)
    found = reader.read(data)
    if reader.waiting:
        raise InputError(f"a value holds what has a format of its own: {_REPR.repr(found)[:80]}", next="return a bool")
    return found


def text(data: bytes) -> str:
    """A saved value in words, as its preview has them; what has a format of its own is not opened."""
    return _REPR.repr(_Reader(None).read(data))[:_SHOWN]


def items(data: bytes) -> list[bytes] | None:
    """The items of a saved list or tuple, each as `Value` saves it by itself; None for what is neither.

    Nothing within them is decoded.
    """
    try:
        extended = msgspec.msgpack.decode(data, type=Ext)
    except msgspec.ValidationError:
        listed = data
    else:
        if extended.code != _TUPLE:
            return None
        listed = bytes(extended.data)
    try:
        return [bytes(item) for item in msgspec.msgpack.decode(listed, type=list[msgspec.Raw])]
    except msgspec.ValidationError:
        return None


class Embedded(msgspec.Struct, frozen=True):
    """What has a format of its own, within a value."""

    format: str
    data: bytes


class _Writer:
    """Turns values into types that MessagePack has, or extensions of it."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink

    def plain(self, value: Any) -> Any:
        kind = type(value)
        if kind in _ATOMS:
            return value
        if kind is int:
            return value if value in _SMALL else Ext(_INTEGER, _long(value))
        if isinstance(value, enum.Enum):
            return self.plain(value.value)
        for base, code, form in _FORMS:
            if isinstance(value, base):
                body = form(value)
                if kind is not base:
                    _same(value, code, body)
                return Ext(code, _encode(body))
        return self._collection(value)

    def _collection(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, list):
            return self._items(value)
        if isinstance(value, tuple):
            return Ext(_TUPLE, _encode(self._items(value)))
        if isinstance(value, (set, frozenset)):
            ordered = sorted(self._items(value), key=_encode)
            return Ext(_FROZEN if isinstance(value, frozenset) else _SET, _encode(ordered))
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, msgspec.Struct):
            return self._struct(value)
        if dataclasses.is_dataclass(value):
            return {field.name: self.plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if hasattr(kind, "__attrs_attrs__"):
            return {field.name: self.plain(getattr(value, field.name)) for field in kind.__attrs_attrs__}
        return self._other(value)

    def _items(self, values: Iterable[Any]) -> list[Any]:
        given = list(values)
        return given if set(map(type, given)) <= _ATOMS else [self.plain(value) for value in given]

    def _dict(self, value: dict[Any, Any]) -> Any:
        if all(type(key) is str for key in value):
            return {key: self.plain(value[key]) for key in sorted(value)}
        pairs = [[self.plain(key), self.plain(item)] for key, item in value.items()]
        return Ext(_DICT, _encode(sorted(pairs, key=lambda pair: _encode(pair[0]))))

    def _struct(self, value: msgspec.Struct) -> Any:
        """As msgspec writes it: under the names of its fields, tagged, as a list where it says so."""
        config, names = value.__struct_config__, value.__struct_encode_fields__
        plain = [self.plain(getattr(value, field)) for field in value.__struct_fields__]
        if config.array_like:
            return plain if config.tag is None else [config.tag, *plain]
        fields = dict(zip(names, plain, strict=True))
        return fields if config.tag_field is None else {config.tag_field: config.tag, **fields}

    def _other(self, value: Any) -> Any:
        for atom in _BASES:
            if isinstance(value, atom):
                return self.plain(atom(value))
        form = format.find(value)
        number = value.item() if form.name == "array" and value.ndim == 0 else None
        if isinstance(number, _BASES):
            return self.plain(number)
        assert self._sink is not None
        return Ext(_EMBEDDED, _encode([form.name, self._sink.within(form, value)]))


class _Reader:
    """Turns extensions back. What has a format of its own waits until it is known what is wanted."""

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self.waiting = False

    def read(self, data: bytes | memoryview) -> Any:
        return msgspec.msgpack.decode(data, ext_hook=self._extension)

    def typed(self, wanted: Any, value: Any) -> Any:
        """For annotations that msgspec does not know."""
        if isinstance(value, Embedded):
            return self._load(value, wanted)
        if isinstance(value, wanted):
            return value
        raise _mistyped(f"a {type(value).__name__} within a value is no {show(wanted)}")

    def grown(self, value: Any) -> Any:
        """The value with all that still waits in its place."""
        if isinstance(value, Embedded):
            return self._load(value, Any)
        if isinstance(value, list):
            return [self.grown(item) for item in value]
        if isinstance(value, tuple):
            made = type(value)._make if hasattr(value, "_make") else tuple
            return made(self.grown(item) for item in value)
        if isinstance(value, dict):
            return {key: self.grown(item) for key, item in value.items()}
        return value

    def _load(self, leaf: Embedded, wanted: Any) -> Any:
        assert self._source is not None
        return format.named(leaf.format).load(self._source.within(leaf.data), wanted)

    def _extension(self, code: int, data: memoryview) -> Any:
        if code == _INTEGER:
            return int.from_bytes(data, "big", signed=True)
        body = self.read(data)
        if code == _EMBEDDED:
            self.waiting = True
            return Embedded(*body)
        if code not in _READERS:
            raise CorruptError(f"a value of the unknown kind {code}", next="upgrade Argosy: a newer one wrote it")
        return _READERS[code](body)


def _mistyped(what: str) -> InputError:
    return InputError(what, next="correct the annotation, or what the step returns")


def _same(value: Any, code: int, body: Any) -> None:
    """Raise `InputError` unless the value, of a subclass, equals what its base reads of it."""
    try:
        same = value == _READERS[code](body)
    except ValueError:
        same = False
    if not same:
        raise InputError(f"the {type(value).__name__} {value!r} would not come back as it is",
                         next="return None if it is missing, else round it to microseconds")  # fmt: skip


def _long(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _datetime(value: datetime.datetime) -> list[Any]:
    """Wall time, which of two equal ones, and the zone's name where it has one, else its offset."""
    zone = getattr(value.tzinfo, "key", None)
    return [(value.replace(tzinfo=None) if zone else value).isoformat(), value.fold, zone]


def _read_datetime(body: Any) -> datetime.datetime:
    text, fold, zone = body
    value = datetime.datetime.fromisoformat(text).replace(fold=fold)
    return value.replace(tzinfo=ZoneInfo(zone)) if zone else value


def _time(value: datetime.time) -> list[Any]:
    """Time, which of two equal ones, and the zone's name where it has one, else its offset is in the time."""
    zone = getattr(value.tzinfo, "key", None)
    if value.tzinfo is not None and not zone and value.utcoffset() is None:
        raise InputError(f"{value!r} has a zone that has no name", next="give it a zoneinfo.ZoneInfo, or an offset")
    return [value.replace(tzinfo=None).isoformat(), value.fold, zone] if zone else [value.isoformat(), value.fold]


def _read_time(body: Any) -> datetime.time:
    text, fold, *zones = body
    value = datetime.time.fromisoformat(text).replace(fold=fold)
    return value.replace(tzinfo=ZoneInfo(zones[0])) if zones else value


# Of a type and its base (datetime and date), the type comes first.
_FORMS: list[tuple[type, int, Callable[[Any], Any]]] = [
    (datetime.datetime, 16, _datetime),
    (datetime.date, 17, datetime.date.isoformat),
    (datetime.time, 18, _time),
    (datetime.timedelta, 19, lambda span: [span.days, span.seconds, span.microseconds]),
    (decimal.Decimal, 20, str),
    (uuid.UUID, 21, str),
]
_READERS: dict[int, Callable[[Any], Any]] = {
    _DICT: dict,
    _TUPLE: tuple,
    _SET: set,
    _FROZEN: frozenset,
    16: _read_datetime,
    17: datetime.date.fromisoformat,
    18: _read_time,
    19: lambda body: datetime.timedelta(*body),
    20: decimal.Decimal,
    21: uuid.UUID,
}
