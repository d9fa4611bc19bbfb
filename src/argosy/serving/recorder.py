"""Rows that versions answered or failed on, written off the hot path as Arrow segments.

A segment appears whole and synced, or not at all. A crash loses at most the rows answered in the last
`flush_seconds` plus the time of one write; with `durable`, none that was acknowledged.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import polars as pl

from argosy.errors import CapacityError, InputError
from argosy.model.signature import Signature

META: dict[str, pl.DataType] = {
    "row_key": pl.String(),
    "member": pl.String(),
    "at": pl.Int64(),
    "request_id": pl.String(),
    "version": pl.String(),
    "route": pl.String(),
    "prediction": pl.Float64(),
    "stale": pl.Boolean(),
}
_KINDS: dict[str, pl.DataType] = {"number": pl.Float64(), "category": pl.String(), "boolean": pl.Boolean()}
_LOG = logging.getLogger("argosy.serving")
Line = tuple[Any, ...]


class Stream(msgspec.Struct, frozen=True, eq=False):
    """Rows of one fleet and one signature: they share their columns, so they share segments. Hold it: it is the key.

    Rows that their version failed on have no signature and no features: their `prediction` is null.
    """

    fleet: str
    signature: Signature | None

    def schema(self) -> dict[str, pl.DataType]:
        """Columns of a segment: `META`, then each feature (as `feature.<name>` where the name is taken)."""
        names = {
            feature: f"feature.{feature.name}" if feature.name in META else feature.name
            for feature in (self.signature.features if self.signature is not None else ())
        }
        return META | {name: _KINDS[feature.kind] for feature, name in names.items()}


class Recorder:
    """Buffers rows and writes one segment a stream every `flush_seconds`, or sooner at `flush_rows`.

    Segments are `<directory>/<fleet>/<milliseconds>-<number>-<pid>-<random>.arrow`, in order of time for
    one process and never equal for two. At `limit_rows` unwritten rows it refuses more with
    CapacityError. Threads share it; `close` it to write what is left.
    """

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], datetime],
        *,
        flush_seconds: float = 1.0,
        flush_rows: int = 50_000,
        limit_rows: int = 500_000,
        durable: bool = False,
    ) -> None:
        if not 0 < flush_seconds <= 60:
            raise InputError(f"flush_seconds={flush_seconds}", next="choose between 0 and 60 seconds")
        self.durable = durable
        self.written = 0
        self._directory, self._clock = Path(directory), clock
        self._seconds, self._rows, self._limit = flush_seconds, flush_rows, limit_rows
        self._mark = f"{os.getpid()}-{token_hex(4)}"
        self._number = 0
        self._state = threading.Condition()
        self._buffers: dict[Stream, list[Line]] = {}
        self._accepted = self._settled = 0
        self._hurry = self._closing = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="argosy-recorder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rows accepted and not yet on disk."""
        return self._accepted - self._settled

    def add(self, stream: Stream, rows: Sequence[Line]) -> None:
        """Take rows (values in the order of the stream's columns, `at` in microseconds); raises CapacityError."""
        with self._state:
            if self.waiting + len(rows) > self._limit or self._closing:
                raise CapacityError(
                    f"{self.waiting:,} predictions of {stream.fleet!r} wait to be written (limit {self._limit:,})",
                    next=f"free disk space under {self._directory}",
                )
            self._buffers.setdefault(stream, []).extend(rows)
            self._accepted += len(rows)
            if self.waiting >= self._rows and not self._hurry:
                self._hurry = True
                self._state.notify_all()

    def flush(self, timeout: float = 30.0) -> int:
        """Wait until everything accepted so far is on disk; returns rows written since the start.

        Raises CapacityError if that cannot be done within `timeout` seconds.
        """
        with self._state:
            target, self._failure = self._accepted, None
            self._hurry = True
            self._state.notify_all()
            self._state.wait_for(lambda: self._settled >= target or self._failure is not None, timeout)
            if self._settled >= target:
                return self.written
            raise CapacityError(
                f"{target - self._settled:,} predictions are not on disk: {self._failure or 'the disk is too slow'}",
                next=f"check the disk of {self._directory}; they are kept and written again",
            )

    def close(self) -> None:
        """Write what is left and stop."""
        with self._state:
            self._closing = self._hurry = True
            self._state.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._hurry, self._seconds)
                self._hurry = False
                closing, taken, self._buffers = self._closing, self._buffers, {}
            failed = self._write_all(taken)
            with self._state:
                for stream, rows in failed.items():
                    self._buffers[stream] = rows + self._buffers.get(stream, [])
                self._settled += sum(map(len, taken.values())) - sum(map(len, failed.values()))
                self._state.notify_all()
            if closing:
                return
            if failed:
                threading.Event().wait(self._seconds)

    def _write_all(self, taken: dict[Stream, list[Line]]) -> dict[Stream, list[Line]]:
        failed = {}
        for stream, rows in taken.items():
            try:
                self._write(stream, rows)
                self.written += len(rows)
            except (OSError, pl.exceptions.PolarsError) as error:
                _LOG.error("predictions of fleet %s are not written yet: %s", stream.fleet, error)
                self._failure = error
                failed[stream] = rows
        return failed

    def _write(self, stream: Stream, rows: list[Line]) -> None:
        folder = self._directory / stream.fleet
        folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        name = f"{int(self._clock().timestamp() * 1000):013d}-{self._number:06d}-{self._mark}.arrow"
        temporary = folder / f".{name}.part"
        try:
            with temporary.open("wb") as file:
                segment(stream, rows).write_ipc(file, compression="lz4")
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(folder / name)
        finally:
            temporary.unlink(missing_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def segment(stream: Stream, rows: Sequence[Line]) -> pl.DataFrame:
    """The rows as a frame of the stream's columns; `at` in UTC."""
    columns = zip(*rows, strict=True)
    schema = stream.schema().items()
    series = [
        pl.Series(name, column, dtype, strict=False) for (name, dtype), column in zip(schema, columns, strict=True)
    ]
    return pl.DataFrame(series).with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))
