"""Frames as Arrow IPC, which any library of frames reads: as a stream, or where they are large or lazy as a file.

Of a file a reader takes only the columns that it needs; a stream of a few rows costs a twentieth of one.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl

from argosy.errors import InputError
from argosy.pipelines.formats import arrow
from argosy.pipelines.formats.sink import SMALL
from argosy.pipelines.formats.source import Source
from argosy.spec.annotation import Table as Wanted
from argosy.spec.format import File, Format
from argosy.spec.interface import plain, show

_ROWS, _SHOWN, _CELL = 10, 12, 20
_COLUMNS, _NAME = 24, 40


class Table(Format):
    """Frames and series of Polars, pandas and pyarrow; one is loaded as any other.

    Not compressed: a file can then be mapped, and its bytes do not hang on the version of a compressor. In batches of a
    fixed size and settled form, so that equal frames of Polars become the same bytes; a large lazy one becomes those of
    the frame that it computes.
    """

    name = "table"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`. A lazy frame is streamed."""
        if isinstance(value, pl.LazyFrame):
            _stream(value, file)
        elif isinstance(value, (pl.DataFrame, pl.Series)):
            _write(value.to_frame() if isinstance(value, pl.Series) else value, file)
        else:
            arrow.write(value, file)

    def load(self, file: File, wanted: Any) -> Any:
        """See `Format.load`: a `polars.DataFrame` unless another kind is wanted.

        Tables of pyarrow are mapped, and a lazy frame reads the file itself; the others are read into memory.
        """
        assert isinstance(file, Source)
        kind = plain(wanted)
        if kind is pl.LazyFrame:
            return pl.scan_ipc(_content(file)) if arrow.is_file(file) else _read(file).lazy()
        if kind in (Any, object, Wanted, pl.DataFrame):
            return _read(file)
        if kind is pl.Series:
            return _series(_read(file))
        name = f"{kind.__module__.partition('.')[0]}:{kind.__qualname__}" if isinstance(kind, type) else ""
        if name.partition(":")[0] in ("pandas", "pyarrow"):
            return arrow.read(file, name)
        raise InputError(f"a table is no {show(kind)}", next="annotate it with ag.Table, or a type of frame")

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`. Of a lazy frame only the columns: its rows are not computed twice."""
        if isinstance(value, pl.LazyFrame):
            schema = value.collect_schema()
            return {"kind": "table", "columns": _columns(schema.names(), schema.dtypes())}
        if isinstance(value, (pl.DataFrame, pl.Series)):
            frame = value.to_frame() if isinstance(value, pl.Series) else value
            head, columns = frame[:, :_SHOWN].head(_ROWS).rows(), _columns(frame.columns, frame.dtypes)
        else:
            names, types, head = arrow.head(value, _ROWS, _SHOWN)
            columns = _columns(names, types)
        return {"kind": "table", "rows": len(value), "columns": columns, "head": [[_cell(c) for c in r] for r in head]}


def _write(frame: pl.DataFrame, file: File) -> None:
    objects = [name for name, dtype in frame.schema.items() if dtype == pl.Object]
    if objects:
        raise InputError(
            f"column {objects[0]!r} holds Python objects, which have no format", next="cast it, or drop it"
        )
    if frame.estimated_size() > SMALL:
        _stream(frame.lazy(), file)
        return
    memory = io.BytesIO()
    _settled(frame).write_ipc_stream(memory)
    file.write(memory.getbuffer())


def _stream(frame: pl.LazyFrame, file: File) -> None:
    frame.map_batches(_settled, streamable=True).sink_ipc(file.path(), record_batch_size=arrow.BATCH)


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with nothing left of how it was made: what lies under nulls, masks without a null, slices of lists."""
    return frame.rechunk()[pl.int_range(frame.height, eager=True)]


def _read(file: Source) -> pl.DataFrame:
    return pl.read_ipc(_content(file)) if arrow.is_file(file) else pl.read_ipc_stream(file.bytes())


def _content(file: Source) -> bytes | Path:
    return file.bytes() if file.size <= SMALL else file.path()


def _series(frame: pl.DataFrame) -> pl.Series:
    if frame.width != 1:
        raise InputError(
            f"a table of {frame.width} columns is no polars.Series", next="annotate it with polars.DataFrame"
        )
    return frame.to_series()


def _columns(names: list[Any], types: list[Any]) -> dict[str, str]:
    first = list(zip(names, types, strict=True))[:_COLUMNS]
    return {_short(str(name), _NAME): _short(str(dtype), _NAME) for name, dtype in first}


def _cell(value: object) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    return _short(f"{value:.6g}" if isinstance(value, float) else str(value), _CELL)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
