"""The training set: every labelled row of a fleet in one place, a member's rows side by side, mapped by the workers.

It is a directory. `matrix.npy` holds the encoded features, rows x features, row by row, so that a member's slice is one
run of bytes: read without a copy and hashed at the speed of the hash. `labels.npy`, `times.npy` and, if there are any,
`weights.npy` and `groups.npy` (which slices a row is in) stand beside it, `members.arrow` says which rows are whose.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
from bisect import bisect_left, bisect_right
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import CapacityError, ConflictError, CorruptError, InputError, UnknownError
from argosy.features.entity import numbered
from argosy.features.source import require, units
from argosy.model.signature import Signature, encode
from argosy.spec.fleet import POOLED

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_BLOCK = 32_768
_VALUES = 1_000
"""The most values that a slice has in a fleet; rows of rarer ones are in none."""


class Columns(msgspec.Struct, frozen=True):
    """What the columns of a joined spine are: the member's key, the decision time, the label.

    `weight` is a column of weights (zero or more). `slices` names the columns whose values tell slices apart.
    """

    by: tuple[str, ...]
    time: str
    label: str
    weight: str | None = None
    slices: dict[str, str] = {}

    @property
    def needs(self) -> tuple[str, ...]:
        """Every column named here, each once."""
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((*self.by, self.time, self.label, *weight, *self.slices.values())))


class Block(NamedTuple):
    """Some rows: `matrix` [rows x features], `labels` [rows], `times` [rows] and `weights` [rows] or None.

    `groups` [rows x slices], or None, holds the place of each row's value in each slice's, -1 for none of them.
    Read-only views of the file. A binary label is 0 or 1; a time is in microseconds since 1970 UTC.
    """

    matrix: Floats
    labels: Floats
    times: Integers
    weights: Floats | None
    groups: npt.NDArray[np.int32] | None


class _Header(msgspec.Struct, frozen=True):
    """What `set.json` says."""

    rows: int
    digest: str
    signature: Signature
    columns: Columns
    slices: dict[str, tuple[str, ...]] = {}


class TrainingSet:
    """A training set on disk, opened by mapping it. It may be pickled: a worker opens it once and keeps it open.

    `slices` has the values of each slice by its name, as texts.
    """

    def __init__(self, path: Path, header: _Header) -> None:
        self.path = path
        self.rows = header.rows
        self.digest = header.digest
        self.signature = header.signature
        self.columns = header.columns
        self.slices = header.slices
        width = len(header.signature.features)
        self._matrix = _mapped(path / "matrix.npy", (header.rows, width))
        self._labels = _mapped(path / "labels.npy", (header.rows,))
        self._times = _mapped(path / "times.npy", (header.rows,))
        self._weights = None if header.columns.weight is None else _mapped(path / "weights.npy", (header.rows,))
        self._groups = _mapped(path / "groups.npy", (header.rows, len(header.slices))) if header.slices else None

    def __reduce__(self) -> tuple[object, ...]:
        return (_reopened, (str(self.path), self.digest))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map the set at `path`; raises `UnknownError` if there is none, `CorruptError` if a file is not whole."""
        try:
            return cls(path, msgspec.json.decode((path / "set.json").read_bytes(), type=_Header))
        except FileNotFoundError as error:
            raise UnknownError(f"no training set at {path}", next="build it again from its spine") from error
        except (msgspec.DecodeError, ValueError) as error:
            raise CorruptError(f"the training set at {path} is damaged: {error}", next="build it again") from error

    @cached_property
    def members(self) -> pl.DataFrame:
        """One line per member by key, and one for all rows, `*`.

        member, start, rows, digest (of the rows' features, labels, times and weights, and of nothing else), low, high
        (first and last time) and positives (null for a regression).
        """
        return pl.read_ipc(self.path / "members.arrow")

    def block(self, member: str) -> Block:
        """The rows of one member by time, or those of `*`: all rows, by member and then by time."""
        try:
            start, rows = self._places[member]
        except KeyError:
            raise UnknownError(
                f"no member {member!r} in the training set at {self.path}",
                next=f"its {len(self._places) - 1} members begin with {', '.join(map(repr, list(self._places)[:5]))}",
            ) from None
        return self.span(start, rows)

    def span(self, start: int, rows: int) -> Block:
        """`rows` rows from row `start`."""
        part = slice(start, start + rows)
        weights = None if self._weights is None else self._weights[part]
        groups = None if self._groups is None else self._groups[part]
        return Block(self._matrix[part], self._labels[part], self._times[part], weights, groups)

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        lines = self.members.select("member", "start", "rows")
        return {member: (start, rows) for member, start, rows in lines.iter_rows()}


def build(frame: pl.DataFrame, signature: Signature, columns: Columns, path: Path) -> TrainingSet:
    """Write the training set of a joined spine to the directory `path` and open it.

    Rows are put in order of member, then of time, those of one moment as they came. A row with a null in its key
    belongs to no member, only to `*`. The directory appears whole or not at all; one that stood there is replaced.
    Raises `InputError` for a missing column, no rows, or a label, time or weight that is null or out of its range;
    `CapacityError` if the disk is full.
    """
    _checked(frame, signature, columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        _write(frame, signature, columns, draft)
        _replace(draft, path)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise CapacityError(f"no room on disk for the training set {path}", next="free some room") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return TrainingSet.open(path)


def member(by: tuple[str, ...]) -> pl.Expr:
    """The member key of a row: the values of its key columns, `%` and `/` percent-encoded, joined by `/`.

    Null where one of the values is; the empty text for no columns.
    """
    parts = [
        pl.col(name).cast(pl.String).str.replace_all("%", "%25", literal=True).str.replace_all("/", "%2F", literal=True)
        for name in by
    ]
    return pl.concat_str(parts, separator="/") if parts else pl.lit("")


def _checked(frame: pl.DataFrame, signature: Signature, columns: Columns) -> None:
    require((*columns.needs, *signature.names), frame.columns, "training set")
    units(frame, [columns.time], "training set")
    if not frame.height:
        raise InputError("the training set has no rows", next="wait for labels, or widen the span of the spine")
    label = frame[columns.label]
    if not (label.dtype.is_numeric() or label.dtype == pl.Boolean):
        raise InputError(
            f"the label {columns.label!r} is {label.dtype}, not a number or a boolean",
            next="derive a number or a boolean from it in the spine",
        )
    _none_of(frame[columns.time].is_null(), columns.time, "is null")
    numbers = label.cast(pl.Float64)
    _none_of(numbers.is_null() | ~numbers.is_finite(), columns.label, "is null or not finite")
    if signature.task == "binary":
        _none_of(~numbers.is_in([0.0, 1.0]), columns.label, "is neither 0 nor 1")
    if columns.weight is not None:
        weight = frame[columns.weight].cast(pl.Float64)
        _none_of(weight.is_null() | ~weight.is_finite() | (weight < 0), columns.weight, "is no weight of 0 or more")


def _none_of(bad: pl.Series, column: str, what: str) -> None:
    count = int(bad.fill_null(value=True).sum())
    if count:
        raise InputError(
            f"column {column!r} {what} in {count:,} of {len(bad):,} rows", next="leave these rows out of the spine"
        )


def _write(frame: pl.DataFrame, signature: Signature, columns: Columns, folder: Path) -> None:
    keys, codes = _codes(frame, columns.by)
    times = frame[columns.time].dt.cast_time_unit("us").to_physical().to_numpy()
    order = np.lexsort((times, codes))
    side = {"labels": frame[columns.label].cast(pl.Float64).to_numpy()[order], "times": times[order]}
    if columns.weight is not None:
        side["weights"] = frame[columns.weight].cast(pl.Float64).to_numpy()[order]
    bounds = np.searchsorted(codes[order], np.arange(-1, len(keys) + 1))
    digests = _matrix(frame, signature, order, bounds, side, folder / "matrix.npy")
    for name, column in side.items():
        np.save(folder / f"{name}.npy", column)
    slices, groups = _groups(frame, columns.slices)
    if slices:
        np.save(folder / "groups.npy", groups[order])
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()
    members = _members([*keys, POOLED], bounds, [*digests[1:], whole], side, binary=signature.task == "binary")
    members.write_ipc(folder / "members.arrow")
    header = _Header(frame.height, whole, signature, columns, slices)
    (folder / "set.json").write_bytes(msgspec.json.encode(header))


def _codes(frame: pl.DataFrame, by: tuple[str, ...]) -> tuple[list[str], Integers]:
    """The members' keys, sorted, and per row the place of its member among them, -1 for none."""
    if not by:
        return [""], np.zeros(frame.height, dtype=np.int64)
    codes, entities = numbered(frame, by)
    names = entities.rename({f"e{i}": name for i, name in enumerate(by)}).select(member(by)).to_series()
    order = names.arg_sort()
    keys = names.gather(order).to_list()
    if POOLED in keys:
        raise InputError(
            f"the value {POOLED!r} of {by[0]!r} would name a member as the pooled model is named",
            next="give it another value in the spine",
        )
    places = np.full(len(keys) + 1, -1, dtype=np.int64)
    places[order.to_numpy()] = np.arange(len(keys))
    return keys, places[codes.fill_null(len(keys)).to_numpy()]


def _groups(frame: pl.DataFrame, slices: dict[str, str]) -> tuple[dict[str, tuple[str, ...]], npt.NDArray[np.int32]]:
    """The commonest values of each slice, those first that sort first, and of each row the places of its own."""
    values: dict[str, tuple[str, ...]] = {}
    groups = np.empty((frame.height, len(slices)), dtype=np.int32)
    for place, (name, column) in enumerate(slices.items()):
        texts = frame[column].cast(pl.String).alias("value")
        counts = texts.drop_nulls().value_counts().sort("count", "value", descending=[True, False])
        values[name] = tuple(counts["value"].head(_VALUES).sort())
        codes = dict(zip(values[name], range(_VALUES), strict=False))
        groups[:, place] = texts.replace_strict(codes, default=-1, return_dtype=pl.Int32).to_numpy()
    return values, groups


def _matrix(
    frame: pl.DataFrame,
    signature: Signature,
    order: Integers,
    bounds: Integers,
    side: dict[str, npt.NDArray[Any]],
    file: Path,
) -> list[str]:
    """Put in order, encode and write, a block of rows at a time; return the digest of the rows between two bounds."""
    features = frame[list(signature.names)]  # by column and by row, not `select`: that copies what has uneven chunks
    named = _named(signature)
    edges = bounds.tolist()
    hashes = [_begun(signature, len(side)) for _ in edges[1:]]
    with file.open("wb") as out:
        shape = {"descr": "<f8", "fortran_order": False, "shape": (frame.height, len(signature.features))}
        np.lib.format.write_array_header_1_0(out, shape)
        for start in range(0, frame.height, _BLOCK):
            block = encode(features[order[start : start + _BLOCK]], signature)
            out.write(block.data)
            _by_text(block, named)
            stop = start + len(block)
            for group in range(bisect_right(edges, start) - 1, bisect_left(edges, stop)):
                first, last = max(edges[group], start), min(edges[group + 1], stop)
                hashes[group].update(block[first - start : last - start].data)
    for digest, (start, stop) in zip(hashes, pairwise(edges), strict=True):
        for column in side.values():
            digest.update(column[start:stop].data)
    return [digest.hexdigest() for digest in hashes]


def _named(signature: Signature) -> dict[int, Floats]:
    """Per category feature, by its place: eight bytes that stand for each category, then those for none."""
    return {
        place: np.frombuffer(
            b"".join(hashlib.sha256(text.encode()).digest()[:8] for text in feature.categories) + bytes(8)
        )
        for place, feature in enumerate(signature.features)
        if feature.categories is not None
    }


def _begun(signature: Signature, columns: int) -> hashlib._Hash:
    """The content address of some rows, before their values: it covers the names and kinds of the features.

    Then come the rows of the matrix, `_by_text`, and each of the `columns` beside it.
    """
    kinds = [(feature.name, feature.kind) for feature in signature.features]
    return hashlib.sha256(msgspec.json.encode((kinds, signature.task, columns)))


def _by_text(block: Floats, named: dict[int, Floats]) -> None:
    """Put in place of each category's code, in `block` itself, what stands for its text.

    A code may move when another member brings a new category, and that must not make this member train again.
    """
    for place, bytes_of in named.items():
        codes = block[:, place]
        block[:, place] = bytes_of[np.where(np.isnan(codes), len(bytes_of) - 1, codes).astype(np.intp)]


def _members(
    keys: list[str], bounds: Integers, digests: list[str], side: dict[str, npt.NDArray[Any]], *, binary: bool
) -> pl.DataFrame:
    starts, times = bounds[1:-1], side["times"]
    positives = np.add.reduceat(side["labels"], starts) if len(starts) else np.zeros(0)
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "member": keys,
            "start": np.append(starts, 0),
            "rows": np.append(np.diff(bounds[1:]), len(times)),
            "digest": digests,
            "low": pl.Series(np.append(times[starts], times.min())).cast(moment),
            "high": pl.Series(np.append(times[bounds[2:] - 1], times.max())).cast(moment),
            "positives": pl.Series(np.append(positives, side["labels"].sum()).astype(np.int64)) if binary else None,
        },
        schema_overrides={"positives": pl.Int64},
    )


def _replace(draft: Path, path: Path) -> None:
    """Put `draft` where `path` is. What stood there goes first: a reader finds the old set, none, or the new one."""
    if path.exists():
        grave = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            path.rename(grave / "old")
            draft.rename(path)
        finally:
            shutil.rmtree(grave, ignore_errors=True)
    else:
        draft.rename(path)


def _mapped(file: Path, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The file as a plain read-only array; `ValueError` unless it is whole and of this shape."""
    array = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    if array.shape != shape:
        raise ValueError(f"{file.name} has shape {array.shape}, not {shape}")
    return array


@lru_cache(maxsize=4)
def _reopened(path: str, digest: str) -> TrainingSet:
    opened = TrainingSet.open(Path(path))
    if opened.digest != digest:
        raise ConflictError(f"the training set at {path} has been replaced", next="plan the work again")
    return opened
