"""Frames of pyarrow and pandas: what they have and Polars has not, an index or metadata, is kept in the same file."""

from __future__ import annotations

import json
import warnings
from typing import Any

from argosy.errors import InputError, MissingExtraError
from argosy.pipelines.formats.sink import SMALL
from argosy.pipelines.formats.source import Source
from argosy.spec.format import File

BATCH = 1 << 18
_SHOWN = 60
_MAGIC = b"ARROW1"
_SERIES = b"argosy.series"


def is_file(file: Source) -> bool:
    """Whether these bytes are Arrow's file format, else they are a stream."""
    file.seek(0)
    return file.read(len(_MAGIC)) == _MAGIC


def write(value: Any, file: File) -> None:
    """Write a table, a record batch, a pandas frame or a series. Raises `InputError` for what would not come back."""
    pyarrow = _library("pyarrow")
    table = value if isinstance(value, pyarrow.Table) else _table(pyarrow, value)
    start = pyarrow.ipc.new_stream if table.nbytes <= SMALL else pyarrow.ipc.new_file
    with start(file, table.schema) as writer:
        writer.write_table(table.combine_chunks(), max_chunksize=BATCH)


def read(file: Source, wanted: str) -> Any:
    """The table in a file as `pyarrow:Table`, `pyarrow:RecordBatch`, `pandas:DataFrame` or `pandas:Series`."""
    pyarrow = _library("pyarrow")
    content = pyarrow.BufferReader(file.bytes()) if file.size <= SMALL else pyarrow.memory_map(str(file.path()))
    table = (pyarrow.ipc.open_file if is_file(file) else pyarrow.ipc.open_stream)(content).read_all()
    if wanted == "pyarrow:Table":
        return table
    if wanted == "pyarrow:RecordBatch":
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else pyarrow.RecordBatch.from_pylist([], schema=table.schema)
    _library("pandas")
    frame = table.to_pandas()
    return frame if wanted == "pandas:DataFrame" else _series(frame, table.schema.metadata or {})


def head(value: Any, rows: int, columns: int) -> tuple[list[Any], list[Any], list[tuple[Any, ...]]]:
    """Names and types of all columns, and the first rows of the first columns."""
    if hasattr(value, "schema"):
        few = value.slice(0, rows).select(value.schema.names[:columns]).to_pydict()
        return value.schema.names, value.schema.types, list(zip(*few.values(), strict=True))
    frame = value if hasattr(value, "columns") else value.to_frame()
    cells = frame.iloc[:rows, :columns].itertuples(index=False, name=None)
    return list(frame.columns), list(frame.dtypes), list(cells)


def _table(pyarrow: Any, value: Any) -> Any:
    if isinstance(value, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([value])
    pandas = _library("pandas")
    frame = value.to_frame("" if value.name is None else value.name) if isinstance(value, pandas.Series) else value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what pyarrow warns of is refused below
            table = pyarrow.Table.from_pandas(frame)
    except (pyarrow.ArrowException, ValueError, TypeError) as error:
        raise _refused(f"{error}", "convert the column to one type of values") from error
    _compare(frame.head(0), table.slice(0, 0).to_pandas())
    _compare_objects(pyarrow, frame, table)
    if frame is value:
        return table
    return table.replace_schema_metadata({**table.schema.metadata, _SERIES: json.dumps(value.name is None).encode()})


def _compare(before: Any, after: Any) -> None:
    """Names and types of columns and index must be the same after a round trip."""
    for what, old, new in (
        ("columns", before.columns.to_list(), after.columns.to_list()),
        ("names of the columns", list(before.columns.names), list(after.columns.names)),
        ("types", before.dtypes.to_list(), after.dtypes.to_list()),
        ("names of the index", list(before.index.names), list(after.index.names)),
        ("type of the index", _types(before.index), _types(after.index)),
    ):
        if old != new:
            raise _refused(f"its {what} {old} would come back as {new}", "convert them first, or reset_index()")


def _compare_objects(pyarrow: Any, frame: Any, table: Any) -> None:
    """Objects must be the same after a round trip: Arrow gives those of a column one type, scale and set of fields.

    Texts, which are objects to pandas below 3, are taken as they are; a missing one comes back as None.
    """
    index = frame.index
    given = [frame.iloc[:, place] for place in range(frame.shape[1])]
    given += [index.get_level_values(level) for level in range(index.nlevels)]
    kept = [*table.column_names[: frame.shape[1]], *table.schema.pandas_metadata["index_columns"]]
    for values, name in zip(given, kept, strict=True):
        if values.dtype != object:
            continue
        column = table.column(name)
        if pyarrow.types.is_nested(column.type):
            raise _refused(f"its objects in {name!r} would come back as {str(column.type)[:_SHOWN]}",
                           "return a frame of Polars or pyarrow, which have lists and structs")  # fmt: skip
        if pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type):
            continue
        for old, new in zip(values, column.to_pandas(), strict=True):
            if old is not new and (type(old) is not type(new) or old != new or repr(old) != repr(new)):
                raise _refused(f"{repr(old)[:_SHOWN]} in {name!r} would come back as {repr(new)[:_SHOWN]}",
                               "convert the column to one type of values, missing ones to None")  # fmt: skip


def _types(index: Any) -> list[str]:
    """The type of an index, or those of its levels."""
    return [str(level.dtype) for level in getattr(index, "levels", (index,))]


def _series(frame: Any, metadata: dict[bytes, bytes]) -> Any:
    if frame.shape[1] != 1:
        raise InputError(
            f"a table of {frame.shape[1]} columns is no pandas.Series", next="annotate it with pandas.DataFrame"
        )
    series = frame.iloc[:, 0]
    return series.rename(None) if metadata.get(_SERIES) == b"true" else series


def _refused(what: str, next: str) -> InputError:
    return InputError(f"a frame of pandas cannot be kept: {what}", next=next)


def _library(name: str) -> Any:
    """pandas or pyarrow: a project that uses frames of pandas needs both."""
    try:
        if name == "pandas":
            import pandas

            return pandas
        import pyarrow
        import pyarrow.ipc

        return pyarrow
    except ImportError:
        raise MissingExtraError(
            f"{name} is not installed, which frames of pandas and pyarrow need", next="pip install pandas pyarrow"
        ) from None
