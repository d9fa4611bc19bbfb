"""Frames as an Arrow IPC file: any library of frames reads it, and reads of it only the columns that it needs."""

from __future__ import annotations

import io
from typing import Any

import polars as pl

from argosy.errors import InputError
from argosy.pipelines.formats.sink import SMALL
from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format

_BATCH = 1 << 18
_HEAD, _COLUMNS, _CELL = 10, 30, 24


class Table(Format):
    """Polars frames and series.

    Not compressed: a file can then be mapped, and its bytes do not hang on the version of a compressor. In batches of a
    fixed size, so that a frame in one piece, the same in many, and a stream of it become the same bytes. Not under
    nulls: Polars writes there what was there before.
    """

    name = "table"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`. A lazy frame is streamed."""
        if isinstance(value, pl.LazyFrame):
            value.sink_ipc(file.path(), record_batch_size=_BATCH)
            return
        frame = value.to_frame() if isinstance(value, pl.Series) else value
        frame = frame.rechunk()
        if frame.estimated_size() > SMALL:
            frame.write_ipc(file.path(), record_batch_size=_BATCH)
            return
        memory = io.BytesIO()
        frame.write_ipc(memory, record_batch_size=_BATCH)
        file.write(memory.getbuffer())

    def load(self, file: File, wanted: Any) -> Any:
        """See `Format.load`: a `polars.DataFrame` unless another kind is wanted. A lazy frame reads the file itself."""
        assert isinstance(file, Source)
        if wanted is pl.LazyFrame:
            return pl.scan_ipc(file.path())
        frame = pl.read_ipc(file.bytes() if file.size <= SMALL else file.path())
        if wanted is not pl.Series:
            return frame
        if frame.width != 1:
            raise InputError(
                f"a table of {frame.width} columns is no polars.Series", next="annotate it with polars.DataFrame"
            )
        return frame.to_series()

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`. Of a lazy frame only the columns: its rows are not computed twice."""
        if isinstance(value, pl.LazyFrame):
            return {"kind": "table", "columns": _columns(value.collect_schema())}
        frame = value.to_frame() if isinstance(value, pl.Series) else value
        head = [[_cell(cell) for cell in row] for row in frame.head(_HEAD)[:, :_COLUMNS].rows()]
        return {"kind": "table", "rows": frame.height, "columns": _columns(frame.schema), "head": head}


def _columns(schema: pl.Schema) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in list(schema.items())[:_COLUMNS]}


def _cell(value: object) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
