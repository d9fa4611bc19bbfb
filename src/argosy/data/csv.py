"""CSV: every record complete, every column of one type from its first line to its last, or a message with the line."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Container, Mapping, Sequence
from csv import Error, reader

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.data import dtype, load, moment
from argosy.errors import InputError
from argosy.spec.quantity import plural
from argosy.spec.source import Csv
from argosy.store import mask
from argosy.store.mask import Tags

LARGEST = 2 << 30
"""Bytes that a compressed file may hold once it is unpacked."""

_HEAD, _MOSTLY = 100, 0.9
Lines = NDArray[np.int64]
_NEXT_TYPE = "mend the line, or say what the column holds: ag.Csv(…, types={{{column!r}: 'String'}})"


def parse(
    data: bytes,
    path: str,
    source: Csv,
    expected: Mapping[str, pl.DataType],
    dates: Container[str],
    tags: Tags,
    skipped: int = 0,
) -> tuple[pl.DataFrame, frozenset[str], frozenset[str]]:
    """The rows, and the columns whose times carry no zone and those whose times do.

    Times with a zone come in UTC, those without as they stand. A column has the type of `source.types`, else the
    `expected` one, else what all of its values are read as; `dates` names columns whose dates are times. Raises
    `InputError` with the line for a record of another length, a value of another type and text that is not UTF-8; it
    shows no value of a column that is tagged. Lines are counted as if `skipped` ones stood behind the header.
    """
    text = _unpacked(data, path)
    header = _header(text, path, source.separator, skipped)
    lines = _lines(text, path, source.separator, len(header), skipped)
    raw = pl.read_csv(
        io.BytesIO(text),
        separator=source.separator,
        infer_schema=False,
        null_values=list(source.nulls),
        has_header=True,
        new_columns=header,
    )
    columns: list[pl.Series] = []
    naive: set[str] = set()
    zoned: set[str] = set()
    for name in header:
        where = _Place(path, name, lines, tags.get(name))
        if name in source.types:
            wanted = dtype.named(source.types[name], f"Csv.types[{name!r}]")
            series = _exact(raw[name], wanted, where)
        else:
            series = _typed(raw[name], expected.get(name), name in dates, where)
        if series.dtype == dtype.INSTANT or isinstance(series.dtype, pl.Datetime):
            (zoned if series.dtype == dtype.INSTANT else naive).update([name] if series.count() else [])
        columns.append(series)
    return pl.DataFrame(columns), frozenset(naive), frozenset(zoned)


class _Place:
    """Where a value stands, for messages."""

    def __init__(self, path: str, column: str, lines: Sequence[int], tag: str | None) -> None:
        self.path, self.column, self.lines, self.tag = path, column, lines, tag

    def wrong(self, values: pl.Series, index: int, limit: str) -> InputError:
        return InputError(
            f"{self._at(values, index)} is {limit}",
            next=_NEXT_TYPE.format(column=self.column),
        )

    def mixed(self, values: pl.Series, index: int) -> InputError:
        """The error of a time that carries a zone where those before it carry none, or the reverse."""
        bare = moment.read(values.slice(index, 1))[0].dtype == pl.Datetime("us")
        here, before = ("no time zone", "one") if bare else ("a time zone", "none")
        return InputError(
            f"{self._at(values, index)} carries {here}, and the times before it carry {before}",
            next=load.ONE_ZONE,
        )

    def _at(self, values: pl.Series, index: int) -> str:
        shown = mask.text(values[index], self.tag)
        return f"{self.path}, line {self.lines[index]}, column {self.column!r}: {shown}"


def _typed(values: pl.Series, expected: pl.DataType | None, date: bool, where: _Place) -> pl.Series:
    if expected is not None and expected != pl.Null:
        read = _read(values, expected, where)
        if read.null_count() == values.null_count():
            return read
        wide = _inferred(values, where, strict=False)
        if wide.dtype != pl.String and dtype.wider(expected, wide.dtype) is not None:
            return wide
        raise where.wrong(values, _first(values, read), f"not {expected}, as in the lines or versions before")
    return _inferred(values, where, strict=not date)


def _exact(values: pl.Series, wanted: pl.DataType, where: _Place) -> pl.Series:
    read = _read(values, wanted, where)
    if read.null_count() > values.null_count():
        raise where.wrong(values, _first(values, read), f"not {wanted}, as Csv.types says")
    return read


def _inferred(values: pl.Series, where: _Place, *, strict: bool) -> pl.Series:
    """The values in the first type that reads them all, else as text.

    With `strict`, a column that begins as one type and goes on as text is refused, and so is one of which at least
    `_MOSTLY` are numbers: mostly it is a broken export.
    """
    present = values.drop_nulls()
    if present.is_empty():
        return values.cast(pl.Null)
    if present.str.contains(r"^-?0\d").any():
        return values  # a code, such as a postal code: as a number it would lose its zeros
    head = present.head(max(5, min(_HEAD, len(present) // 2)))
    begun: pl.DataType | None = None
    for kind in (pl.Int64(), pl.Float64(), pl.Boolean(), pl.Date(), dtype.INSTANT):
        if _read(head, kind, where).null_count():
            continue
        read = _read(values, kind, where)
        if read.null_count() == values.null_count():
            return read
        begun = kind
    if begun is not None and strict:
        first = _first(values, _read(values, begun, where))
        raise where.wrong(values, first, f"not {begun}, as the values before it are")
    numbers = _read(values, pl.Float64(), where)
    if strict and numbers.count() >= _MOSTLY * len(present):
        raise where.wrong(values, _first(values, numbers), f"not a number, as {numbers.count() / len(present):.1%} are")
    return values


def _read(values: pl.Series, kind: pl.DataType, where: _Place) -> pl.Series:
    """The values in a type; null where a value is not of it."""
    if kind == pl.Boolean:
        return values.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=kind)
    if isinstance(kind, pl.Datetime):
        read, mixed = moment.read(values)
        if mixed is not None:
            raise where.mixed(values, mixed)
        return read
    if kind == pl.Date:
        return values.str.to_date("%Y-%m-%d", strict=False)
    return values.cast(kind, strict=False)


def _first(values: pl.Series, read: pl.Series) -> int:
    """The index of the first value that was not read."""
    return int((read.is_null() & values.is_not_null()).arg_true()[0])


def _unpacked(data: bytes, path: str) -> bytes:
    try:
        if path.endswith(".gz"):
            with gzip.open(io.BytesIO(data)) as packed:
                data = packed.read(LARGEST + 1)
        elif path.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
                if len(names) != 1:
                    raise InputError(f"{path} holds {len(names)} files, not one", next="zip each CSV by itself")
                with archive.open(names[0]) as packed:
                    data = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be unpacked: {error}", next="write it again, or remove it") from error
    if len(data) > LARGEST:
        raise InputError(f"{path} unpacks to more than {LARGEST >> 30} GiB", next="split it into several files")
    return data.removeprefix(b"\xef\xbb\xbf")


def _header(text: bytes, path: str, separator: str, skipped: int) -> list[str]:
    first, _, _ = text.partition(b"\n")
    try:
        first.decode()
        text.decode()
    except UnicodeDecodeError as error:
        line = 1 if error.start < len(first) else text.count(b"\n", 0, error.start) + 1
        what = "the header" if line == 1 else f"line {line + skipped}"
        wide = text.startswith((b"\xff\xfe", b"\xfe\xff"))
        code, name = ("UTF-16", "it is UTF-16") if wide else ("LATIN1", "if it is Latin-1")
        raise InputError(
            f"{path}: {what} is not UTF-8 (byte 0x{text[error.start]:02x})",
            next=f"iconv -f {code} -t UTF-8 {path} > NEW, {name}",
        ) from None
    names = next(reader(_decoded(text), delimiter=separator), [])
    if not any(name.strip() for name in names):
        raise InputError(f"{path} has no header line", next="write the names of the columns into the first line")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: the header names column {twice[0]!r} twice", next="rename one of them")
    return names


def _lines(text: bytes, path: str, separator: str, fields: int, skipped: int) -> Sequence[int]:
    """The line on which each record begins; raises `InputError` for a record that has not `fields` fields."""
    if b'"' in text:
        starts, lengths = _records(text, path, separator, skipped)
    else:
        body = text.rstrip(b"\r\n") if fields > 1 else text.removesuffix(b"\n")
        array = np.frombuffer(body, np.uint8)
        ends = np.append(np.flatnonzero(array == ord("\n")), len(array))
        separators = np.flatnonzero(array == ord(separator))
        lengths = np.diff(np.searchsorted(separators, ends), prepend=0)[1:] + 1
        starts = np.arange(2, len(ends) + 1) + skipped
    wrong = np.flatnonzero(lengths != fields)
    if len(wrong):
        raise InputError(
            f"{path}, line {starts[wrong[0]]}: {lengths[wrong[0]]} fields where the header has {fields} "
            f"({plural(len(wrong), 'such line')})",
            next="mend the line; a value that holds the separator is written in quotes",
        )
    return [int(start) for start in starts]


def _records(text: bytes, path: str, separator: str, skipped: int) -> tuple[Lines, Lines]:
    """Start line and number of fields of each record of a file with quotes; a quoted value may span lines."""
    starts, lengths, line = [], [], 1
    records = reader(_decoded(text), delimiter=separator, strict=True)
    try:
        for record in records:
            starts.append(line)
            lengths.append(len(record))
            line = records.line_num + 1 + skipped
    except Error as error:
        raise InputError(f"{path}, line {line}: {error}", next="close the quotes of that line") from error
    while lengths and lengths[-1] == 0:
        lengths.pop(), starts.pop()
    return np.array(starts[1:], np.int64), np.array(lengths[1:], np.int64)


def _decoded(text: bytes) -> io.TextIOWrapper:
    """The text a piece at a time, its line ends as they stand."""
    return io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
