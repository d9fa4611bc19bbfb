"""What a model expects: an ordered list of features, the task and the label.

A signature turns rows into the numeric matrix that every model of a fleet takes, in the same way
when it trains and when it serves. It is data: it holds no code and travels as JSON.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import CorruptError, DeclarationError, InputError

Kind = Literal["number", "category", "boolean"]
Task = Literal["binary", "regression"]
Matrix = npt.NDArray[np.float64]
Row = Mapping[str, Any]

_NAN = math.nan
_FLOAT, _FLOATS = {float}, {float, type(None)}
_TEXTS = {str, type(None)}


class Feature(msgspec.Struct, frozen=True):
    """One column of the matrix; `categories` in code order; `origin` is where the value comes from.

    Of a view's column, `reads` are the columns of the view's dataset that it is made of, where that is known.
    """

    name: str
    kind: Kind
    categories: tuple[str, ...] | None = None
    origin: str = "column"
    reads: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if (self.kind == "category") != (self.categories is not None):
            raise DeclarationError(
                f"feature {self.name!r} of kind {self.kind!r} has categories={self.categories!r}",
                next="give categories to features of kind 'category' and to no other",
            )
        if self.categories is not None and len(set(self.categories)) != len(self.categories):
            raise DeclarationError(f"feature {self.name!r} names a category twice", next="remove the duplicates")


class Signature(msgspec.Struct, frozen=True, dict=True):
    """The features of a model in matrix order, its task and the name of its label."""

    features: tuple[Feature, ...]
    task: Task
    label: str

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if not names:
            raise DeclarationError(
                f"the signature for label {self.label!r} has no feature", next="declare at least one"
            )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DeclarationError(f"the signature names {twice[0]!r} twice", next="give each feature its own name")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features in matrix order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def numeric(self) -> bool:
        """Whether every feature is a number."""
        return all(feature.kind == "number" for feature in self.features)

    @cached_property
    def digest(self) -> str:
        """Sha256 of the JSON: equal signatures, and only they, have equal digests."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @cached_property
    def tables(self) -> tuple[tuple[str, Feature, dict[str, float] | None], ...]:
        """Per feature: name, feature, and the code of each category (`None` for other kinds)."""
        return tuple(
            (f.name, f, None if f.categories is None else {text: float(code) for code, text in enumerate(f.categories)})
            for f in self.features
        )

    def to_json(self) -> bytes:
        """Canonical JSON: fields in declaration order, no spaces."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Signature:
        """Read what `to_json` wrote; raises CorruptError on anything else."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise CorruptError(
                f"a stored signature does not read: {error}", next="register the version again"
            ) from error


def lineage(signatures: Iterable[Signature]) -> dict[str, frozenset[str]]:
    """By each column of a view that a signature names, and of which that is known, the columns that it is made of."""
    found: dict[str, frozenset[str]] = {}
    for feature in [each for signature in signatures for each in signature.features]:
        if feature.reads is not msgspec.UNSET:
            found[feature.name] = found.get(feature.name, frozenset()).union(feature.reads)
    return found


def infer_signature(
    frame: pl.DataFrame,
    names: Sequence[str],
    *,
    task: Task,
    label: str,
    origins: Mapping[str, str] | None = None,
    reads: Mapping[str, tuple[str, ...]] | None = None,
    limit: int = 1000,
) -> Signature:
    """The signature of the columns `names` of a training frame, in that order.

    Text, categorical and enum columns become categories: the `limit` most frequent values (ties by
    value), in sorted order; all others encode as NaN. Raises InputError for a column that is
    missing or of a type that no model takes.
    """
    found, made = origins or {}, reads or {}
    features = (_infer(frame, name, found.get(name, "column"), limit) for name in names)
    known = (msgspec.structs.replace(each, reads=made.get(each.name, msgspec.UNSET)) for each in features)
    return Signature(tuple(known), task, label)


def _infer(frame: pl.DataFrame, name: str, origin: str, limit: int) -> Feature:
    if name not in frame.columns:
        raise _absent(name, frame.columns)
    dtype = frame.schema[name]
    if dtype.is_numeric() or dtype == pl.Null:
        return Feature(name, "number", None, origin)
    if dtype == pl.Boolean:
        return Feature(name, "boolean", None, origin)
    if not _is_text(dtype):
        raise InputError(
            f"feature {name!r} is of type {dtype}, which no model takes",
            next="declare a request feature that derives a number, a text or a boolean from it",
        )
    counts = frame.select(pl.col(name).cast(pl.String).alias("value")).drop_nulls().group_by("value").len()
    kept = counts.sort(["len", "value"], descending=[True, False]).head(limit)["value"]
    return Feature(name, "category", tuple(kept.sort().to_list()), origin)


def encode(frame: pl.DataFrame, signature: Signature) -> Matrix:
    """Rows x features, C-contiguous float64: category -> its code, boolean -> 0/1, null or unknown -> NaN.

    Columns are found by name; others are ignored. Raises InputError for a missing column and for a
    column whose type does not fit its feature.
    """
    schema = frame.schema
    expressions = [_expression(schema, feature) for feature in signature.features]
    return np.ascontiguousarray(frame.select(expressions).to_numpy(order="c"), dtype=np.float64)


def _expression(schema: pl.Schema, feature: Feature) -> pl.Expr:
    dtype = schema.get(feature.name)
    if dtype is None:
        raise _absent(feature.name, schema)
    column = pl.col(feature.name)
    if dtype == pl.Null:
        return column.cast(pl.Float64).fill_null(_NAN)
    if feature.kind == "category" and (_is_text(dtype) or dtype.is_integer() or dtype == pl.Boolean):
        codes = column.cast(pl.String).cast(pl.Enum(list(feature.categories or ())), strict=False).to_physical()
        return codes.cast(pl.Float64).fill_null(_NAN)
    if dtype == pl.Boolean or (feature.kind == "number" and dtype.is_numeric()):
        return column.cast(pl.Float64).fill_null(_NAN)
    raise _mistyped(feature, str(dtype))


def encode_rows(rows: Iterable[Row], signature: Signature) -> Matrix:
    """Equal to `encode` of the same rows, without a frame: for a few rows on the inference path."""
    values = [_encode_row(_named(row, signature), signature) for row in rows]
    return np.array(values, dtype=np.float64).reshape(len(values), len(signature.features))


def encode_one(columns: Mapping[str, Sequence[Any]], signature: Signature) -> Matrix:
    """Equal to `encode` of the only row, given as columns of one Python value."""
    return np.array([_encode_row([each[0] for each in _named(columns, signature)], signature)], dtype=np.float64)


def _named(row: Mapping[str, Any], signature: Signature) -> list[Any]:
    try:
        return [row[name] for name in signature.names]
    except KeyError as error:
        raise _absent(error.args[0], row) from None


def _encode_row(row: list[Any], signature: Signature) -> list[float]:
    if signature.numeric and set(map(type, row)) == _FLOAT:
        return row
    values: list[float] = []
    add = values.append
    for value, (_, feature, codes) in zip(row, signature.tables, strict=True):
        if value is None:
            add(_NAN)
        elif codes is not None:
            add(codes.get(value if type(value) is str else _text(feature, value), _NAN))
        elif type(value) is float and feature.kind == "number":
            add(value)
        else:
            add(_number(feature, value))
    return values


def encode_columns(columns: Mapping[str, Sequence[Any]], count: int, signature: Signature) -> Matrix:
    """Equal to `encode` of `count` rows given as columns of Python values, without a frame."""
    if signature.numeric and (numbers := _numbers(columns, count, signature)) is not None:
        return numbers
    matrix = np.empty((count, len(signature.features)))
    for place, (name, feature, codes) in enumerate(signature.tables):
        if name not in columns:
            raise _absent(name, columns)
        values = columns[name]
        kinds = set(map(type, values))
        if codes is not None:
            texts = values if kinds <= _TEXTS else [None if v is None else _text(feature, v) for v in values]
            matrix[:, place] = [codes.get(text, _NAN) for text in texts]  # type: ignore[arg-type]
        elif kinds <= _FLOATS and feature.kind == "number":
            matrix[:, place] = values  # None becomes NaN
        else:
            matrix[:, place] = [_NAN if v is None else _number(feature, v) for v in values]
    return matrix


def _numbers(columns: Mapping[str, Sequence[Any]], count: int, signature: Signature) -> Matrix | None:
    """The matrix of columns that numpy takes for numbers by itself: it looks at each value faster than we do."""
    try:
        found = np.array(_named(columns, signature))
    except ValueError:  # columns of unequal length, or of more than values
        return None
    if found.dtype != np.float64 or found.shape != (len(signature.features), count):
        return None
    return np.ascontiguousarray(found.T)


def _number(feature: Feature, value: object) -> float:
    if isinstance(value, (bool, np.bool_)):
        return 1.0 if value else 0.0
    if feature.kind == "number" and isinstance(value, (int, float, Decimal, np.integer, np.floating)):
        try:
            return float(value)
        except (OverflowError, ValueError):  # a signaling NaN is a value too
            raise InputError(
                f"feature {feature.name!r}: the number is beyond float64", next="send a smaller one"
            ) from None
    raise _mistyped(feature, type(value).__name__)


def _text(feature: Feature, value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    raise _mistyped(feature, type(value).__name__)


def _is_text(dtype: pl.DataType) -> bool:
    return dtype == pl.String or isinstance(dtype, (pl.Categorical, pl.Enum))


def _absent(name: str, present: Iterable[str]) -> InputError:
    some = ", ".join(sorted(present)[:8])
    return InputError(f"feature {name!r} is missing (present: {some or 'nothing'})", next=f"add a column {name!r}")


def _mistyped(feature: Feature, seen: str) -> InputError:
    wanted = {"number": "a number", "category": "a text, an integer or a boolean", "boolean": "a boolean"}[feature.kind]
    return InputError(
        f"feature {feature.name!r} is {seen}, wanted {wanted}", next="send it in the type it was trained on"
    )
