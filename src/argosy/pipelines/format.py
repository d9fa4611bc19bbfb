"""Which format an artifact has: by the type of the value that a step gave, or by its recorded name."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from argosy.engine.reference import resolve
from argosy.errors import InputError
from argosy.pipelines.formats.sink import Saved, Sink
from argosy.pipelines.formats.source import Source
from argosy.spec import format as own
from argosy.spec.annotation import FRAMES, Table
from argosy.spec.format import Format
from argosy.store import Blobs

__all__ = ["Format", "Saved", "Sink", "Source", "find", "named", "save"]

# Found by the root package and name of a class, so that no library is imported to ask whether a value is one of its.
_TYPES = {
    **{f"builtins:{kind}": "value" for kind in ("NoneType", "bool", "bytes", "dict", "float", "frozenset", "int",
                                                "list", "set", "str", "tuple")},
    **{f"datetime:{kind}": "value" for kind in ("date", "time", "timedelta")},
    **{f"{library}:{kind}": "table" for library, kinds in FRAMES.items() for kind in kinds},
    "decimal:Decimal": "value", "enum:Enum": "value", "msgspec:Struct": "value", "uuid:UUID": "value",
    "numpy:generic": "array", "numpy:ndarray": "array",
    "lightgbm:Booster": "model", "onnx:ModelProto": "model", "sklearn:BaseEstimator": "model",
    "xgboost:Booster": "model",
    "argosy:Report": "report",
}  # fmt: skip
_CLASSES = {
    "value": "argosy.pipelines.formats.value:Value",
    "table": "argosy.pipelines.formats.table:Table",
    "array": "argosy.pipelines.formats.array:Array",
    "model": "argosy.pipelines.formats.model:Model",
    "file": "argosy.pipelines.formats.file:OneFile",
    "directory": "argosy.pipelines.formats.file:Directory",
    "report": "argosy.pipelines.formats.report:Reports",
}
_ATOMS = (type(None), bool, int, float, str)
_FEW = 1000  # bytes
_encode = msgspec.msgpack.Encoder().encode
_SHOWN = "plain values, dataclasses, structs, frames, NumPy arrays, models, paths, ag.Report"


def find(value: object, wanted: Any = None) -> Format:
    """The format of a value: the project's own for its type or the nearest base that has one, else Argosy's.

    `wanted`, the annotation of what the step gives, counts where the project registered a format for it. Raises
    `InputError` for a type that has no format, as nothing is ever pickled, and for what is no table but should be one.
    """
    kind = type(value)
    if wanted is Table and not isinstance(value, (Table, type(None))):
        raise InputError(f"a {kind.__module__}.{kind.__qualname__} is no table, as the annotation says that it is",
                         next="return a frame of Polars, pandas or pyarrow, or correct the annotation")  # fmt: skip
    if isinstance(wanted, type) and isinstance(value, wanted) and (declared := own.of_type(wanted)) is not None:
        return declared()
    if (registered := own.of_type(kind)) is not None:
        return registered()
    name = _name(value)
    if name is None:
        also = "".join(f", {each}" for each in own.known())
        raise InputError(
            f"a value of type {kind.__module__}.{kind.__qualname__} has no format: register one, or return what has "
            f"({_SHOWN}{also})",
            next=f"return one of these, or register a format: @ag.format({kind.__name__}) on a subclass of ag.Format",
        )
    return named(name)


def named(name: str) -> Format:
    """The format of a recorded name. Raises `UnknownError`."""
    return _built_in(name) if name in _CLASSES else own.of_name(name)()


def save(value: object, blobs: Blobs, wanted: Any = None) -> tuple[Format, Saved]:
    """Turn a value into bytes, which are in `blobs` unless they are few. Whatever fails leaves nothing behind."""
    format = find(value, wanted)
    if format.name == "value" and type(value) in _ATOMS and (few := _encoded(value)) is not None:
        return format, few
    sink = Sink(blobs)
    try:
        format.save(value, sink)
        return format, sink.finish()
    finally:
        sink.discard()


def _encoded(atom: object) -> Saved | None:
    """A small atom as the format of values has it, which needs no file to write to; None for one that is not small."""
    try:
        data = _encode(atom)
    except (OverflowError, UnicodeEncodeError):
        return None
    return Saved(hashlib.sha256(data).hexdigest(), len(data), data) if len(data) <= _FEW else None


@cache
def _built_in(name: str) -> Format:
    made: Format = resolve(_CLASSES[name])()
    return made


def _name(value: object) -> str | None:
    if isinstance(value, Path):
        return "directory" if value.is_dir() else "file"
    return _of_bases(type(value).__mro__)


@lru_cache(1000)
def _of_bases(bases: tuple[type, ...]) -> str | None:
    keys = (f"{base.__module__.partition('.')[0]}:{base.__qualname__}" for base in bases)
    found = next((_TYPES[key] for key in keys if key in _TYPES), None)
    kind = bases[0]
    return found or ("value" if dataclasses.is_dataclass(kind) or hasattr(kind, "__attrs_attrs__") else None)
