"""Rows that versions answered or failed on, written off the hot path as Arrow segments.

A segment appears whole and synced, or not at all. A crash loses at most the rows answered in the last
`flush_seconds` plus the time of one write; with `durable`, none that was acknowledged.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import Callable
from datetime import datetime
from math import log2
from pathlib import Path
from secrets import token_hex

import polars as pl

from argosy.errors import CapacityError, InputError
from argosy.serving.segment import Block, Buffer, Line, Stream, segment, some

_LEAST_SHARE = 1024
_LOG = logging.getLogger("argosy.serving")


class Recorder:
    """Buffers rows and writes one segment a stream every `flush_seconds`, or sooner at `flush_rows`.

    Segments are `<directory>/<fleet>/<milliseconds>-<number>-<pid>-<random>.arrow`, in order of time for
    one process and never equal for two. Threads share it; `close` it to write what is left.

    Memory is bounded: `limit_values` values wait, a feature of a row being one. From half of that on only one row in
    two is kept, drawn by lot, and one in twice as many whenever half of the room that was left is taken; what is kept
    says so in the column `one_in`. With `durable` every row is kept. Where there is no room CapacityError is raised.
    """

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], datetime],
        *,
        flush_seconds: float = 1.0,
        flush_rows: int = 50_000,
        limit_values: int = 8_000_000,
        durable: bool = False,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if not 0 < flush_seconds <= 60:
            raise InputError(f"flush_seconds={flush_seconds}", next="choose between 0 and 60 seconds")
        self.durable = durable
        self.written = self.dropped = 0
        self._directory, self._clock, self._draw = Path(directory), clock, draw
        self._seconds, self._rows, self._limit = flush_seconds, flush_rows, limit_values
        self._mark = f"{os.getpid()}-{token_hex(4)}"
        self._number = 0
        self._state = threading.Condition()
        self._buffers: dict[tuple[Stream, int], Buffer] = {}
        self._accepted = self._settled = 0
        self._values = 0
        self._hurry = self._closing = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="argosy-recorder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rows accepted and not yet on disk."""
        return self._accepted - self._settled

    def add(self, stream: Stream, rows: list[Line]) -> None:
        """Take rows: values in the order of the stream's schema, `at` in microseconds; raises CapacityError."""
        with self._state:
            one_in = self._share(stream, len(rows))
            if one_in > 1:
                rows = [rows[place] for place in self._drawn(len(rows), one_in)]
            self._buffer(stream, one_in).lines += rows
            self._took(stream, len(rows))

    def add_columns(self, stream: Stream, columns: Block) -> None:
        """As `add`, for rows that are there as columns, which must not change any more."""
        count = len(columns[0])
        with self._state:
            one_in = self._share(stream, count)
            if one_in > 1:
                places = self._drawn(count, one_in)
                columns, count = some(columns, places), len(places)
            self._buffer(stream, one_in).blocks.append(columns)
            self._took(stream, count)

    def _share(self, stream: Stream, rows: int) -> int:
        """Of how many rows one is kept; raises CapacityError where there is no room for these."""
        room = self._limit - self._values
        if 2 * room > self._limit and not self._closing:
            return 1
        one_in = 1 if self.durable or room <= 0 else min(_LEAST_SHARE, 2 ** int(log2(self._limit / room)))
        if rows * len(stream.schema) / one_in > room or self._closing:
            raise CapacityError(
                f"{self.waiting:,} predictions wait to be written, as many as the memory for them takes",
                next=f"free disk space under {self._directory}",
            )
        return one_in

    def _drawn(self, rows: int, one_in: int) -> list[int]:
        found = [place for place in range(rows) if self._draw() * one_in < 1]
        self.dropped += rows - len(found)
        return found

    def _buffer(self, stream: Stream, one_in: int) -> Buffer:
        found = self._buffers.get((stream, one_in))
        if found is None:
            found = self._buffers[stream, one_in] = Buffer()
        return found

    def _took(self, stream: Stream, rows: int) -> None:
        self._accepted += rows
        self._values += rows * len(stream.schema)
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
                for key, buffer in failed.items():
                    if key in self._buffers:
                        buffer.add(self._buffers[key])
                    self._buffers[key] = buffer
                for key, buffer in taken.items():
                    if key not in failed:
                        self._settled += buffer.rows
                        self._values -= buffer.rows * len(key[0].schema)
                self._state.notify_all()
            if closing:
                for (stream, _), buffer in failed.items():
                    _LOG.error(
                        "%s predictions of fleet %s are lost: the recorder ends", f"{buffer.rows:,}", stream.fleet
                    )
                return
            if failed:
                threading.Event().wait(self._seconds)

    def _write_all(self, taken: dict[tuple[Stream, int], Buffer]) -> dict[tuple[Stream, int], Buffer]:
        failed = {}
        for (stream, one_in), buffer in taken.items():
            try:
                if buffer.rows:
                    self._write(stream, segment(stream, buffer, one_in))
                self.written += buffer.rows
            except Exception as error:  # whatever it is must not end the thread: the rows are kept, and tried again
                _LOG.error("predictions of fleet %s are not written yet: %s", stream.fleet, error)
                self._failure = error
                failed[stream, one_in] = buffer
        return failed

    def _write(self, stream: Stream, frame: pl.DataFrame) -> None:
        folder = self._directory / stream.fleet
        folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        name = f"{int(self._clock().timestamp() * 1000):013d}-{self._number:06d}-{self._mark}.arrow"
        temporary = folder / f".{name}.part"
        try:
            with temporary.open("wb") as file:
                frame.write_ipc(file, compression="lz4")
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
