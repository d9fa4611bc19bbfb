"""The embedded online store: what each entity's features were worth at a moment, in microseconds of work."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import lmdb
import msgspec
import polars as pl

from argosy.errors import CapacityError, ConflictError
from argosy.features.join import frontier
from argosy.features.packing import (
    SCHEMAS,
    TIMES,
    View,
    blank,
    countdown,
    encode,
    head,
    microseconds,
    moment,
    stored,
)
from argosy.features.reader import Reader
from argosy.features.source import Source, finest, read, ticks, units

_CHUNK = 65_536
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Online:
    """Feature rows of many sources in one LMDB directory.

    It answers, at every moment, exactly what `join` answers over all rows written so far, in the order written: the
    rows kept of an entity are those that raise the running maximum of its event time, in order of the moment from
    which they are in force (the later of event and known time); a row written late takes its place among them and
    drives out those that it makes unreachable.

    Many processes may read and write at once; a reader sees whole batches only, and a writer killed at any moment
    leaves the batch before. Open a path once per process, and after forking, not before. `map_size` bounds the file;
    only what is used of it takes room on disk.
    """

    def __init__(self, path: Path, map_size: int = 1 << 36) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._env = lmdb.open(str(path), map_size=map_size, max_readers=1_024)
        self._env.reader_check()
        self._readers: dict[tuple[Source, ...], Reader] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; the store and its readers cannot be used afterwards."""
        self._env.close()

    def write(self, source: Source, frame: pl.DataFrame | pl.LazyFrame) -> int:
        """Add a batch in one transaction; return how many of its rows can answer for some moment.

        Writing a batch again changes nothing. Raises `InputError` for what `join` would refuse and for types that are
        not kept exactly, `ConflictError` if the source was written with other types, `CapacityError` if no room is
        left (then nothing was written).
        """
        lines, unit, entity, columns = _lines(source, read(source, frame))
        with self._writing() as txn:
            view, fresh = _view(txn, source, unit, blank(entity), blank(columns))
            return sum(
                _put(txn, view, chunk, width=len(source.entity), fresh=fresh) for chunk in lines.iter_slices(_CHUNK)
            )

    def reader(self, sources: Sequence[Source]) -> Reader:
        """What reads these sources again and again: hold it; it sees every later write."""
        key = tuple(sources)
        if key not in self._readers:
            self._readers[key] = Reader(self._env, key)
        return self._readers[key]

    def read(
        self,
        sources: Sequence[Source],
        entities: Mapping[str, Sequence[Any]],
        at: datetime | Sequence[datetime],
        *,
        ages: bool = False,
    ) -> pl.DataFrame:
        """The columns that `join` would add to a spine of these entities and moments; see `Reader.frame`."""
        return self.reader(sources).frame(entities, at, ages=ages)

    def read_rows(
        self,
        sources: Sequence[Source],
        entities: Mapping[str, Sequence[Any]],
        at: datetime | Sequence[datetime],
    ) -> tuple[list[list[Any]], list[list[timedelta | None]]]:
        """Per row, the values of all sources and the age per source, without a frame; see `Reader.rows`."""
        return self.reader(sources).rows(entities, at)

    def read_one(
        self, sources: Sequence[Source], entity: Mapping[str, Any], at: datetime
    ) -> tuple[list[Any], list[timedelta | None]]:
        """The values of all sources and the age per source for one row; see `Reader.one`."""
        return self.reader(sources).one(entity, at)

    def expire(self, before: datetime) -> int:
        """Drop what was no longer in force at `before`; return how many rows went.

        The row in force at `before` stays, so every read at that moment or later answers as it did. To keep reads of
        the past d days exact, pass now - d.
        """
        limit = microseconds(before)
        dropped = 0
        with self._writing() as txn:
            for view in list(_views(txn).values()):
                dropped += _expire(txn, view, limit * 1_000 if view.unit == "ns" else limit)
        return dropped

    def drop(self, name: str) -> int:
        """Forget the source called `name`, whatever its types; return how many rows went."""
        with self._writing() as txn:
            view = _views(txn).get(name)
            if view is None:
                return 0
            gone = 0
            cursor = txn.cursor()
            while cursor.set_range(view.prefix) and cursor.key().startswith(view.prefix):
                gone += cursor.delete()
            txn.delete(SCHEMAS + name.encode())
            return gone

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        try:
            with self._env.begin(write=True) as txn:
                yield txn
        except lmdb.MapFullError as error:
            raise CapacityError(
                f"the online store {self.path} has reached its map size of {self._env.info()['map_size']:,} bytes",
                next="expire its history, or open it with a larger map_size",
            ) from error
        except lmdb.Error as error:
            # The binding has no class of its own for what a system call answers; a short write is told as EIO.
            if not isinstance(error, lmdb.DiskError) and getattr(error, "code", None) not in _NO_ROOM:
                raise
            raise CapacityError(
                f"no room on disk for the online store {self.path}: {error}",
                next="free some room; where there is enough, see whether the disk has failed",
            ) from error


def _lines(source: Source, values: pl.DataFrame) -> tuple[pl.DataFrame, str, pl.DataFrame, pl.DataFrame]:
    """Rows that can answer, ready to pack: entity, event, known, eff, values; then unit, entity and value columns."""
    owner = f"source {source.name!r}"
    known = source.known or source.time
    unit = finest(units(values, dict.fromkeys((source.time, known)), owner))
    entity, columns = values.select(source.entity), values.select(source.columns)
    keys = [
        pl.col(name).cast(stored(entity.schema[name], owner)).alias(f"e{i}") for i, name in enumerate(source.entity)
    ]
    packed = [
        pl.col(name).cast(stored(columns.schema[name], f"{owner}, column {name!r}")).alias(f"v{i}")
        for i, name in enumerate(source.columns)
    ]
    event = ticks(source.time, values.schema[source.time], unit).alias("event")
    lines = values.select(*keys, event, ticks(known, values.schema[known], unit).alias("known"), *packed)
    names = [f"e{i}" for i in range(len(keys))]
    lines = lines.drop_nulls([*names, "event", "known"]).with_columns(eff=pl.max_horizontal("event", "known"))
    lines = frontier(lines, names, known=source.known is not None)
    ordered = lines.select(*names, "event", "known", "eff", *(f"v{i}" for i in range(len(packed))))
    return ordered, unit, entity, columns


def _views(txn: Any) -> dict[str, View]:
    cursor = txn.cursor()
    views = {}
    if cursor.set_range(SCHEMAS):
        for key, record in cursor:
            if not key.startswith(SCHEMAS):
                break
            views[key[len(SCHEMAS) :].decode()] = msgspec.msgpack.decode(record, type=View)
    return views


def _view(txn: Any, source: Source, unit: Any, entity: bytes, columns: bytes) -> tuple[View, bool]:
    """The record of `source`, and whether it is new; raises `ConflictError` if its types have changed."""
    views = _views(txn)
    made = View(1 + max((view.number for view in views.values()), default=0), unit, entity, columns)
    found = views.get(source.name)
    if found is None:
        txn.put(SCHEMAS + source.name.encode(), encode(made))
        return made, True
    if not found.alike(made):
        raise ConflictError(
            f"source {source.name!r} is kept online as {dict(found.types)}, not as {dict(made.types)}, "
            f"or with another entity or unit of time",
            next="drop it from the online store and write all of it again",
        )
    return found, False


def _put(txn: Any, view: View, lines: pl.DataFrame, *, width: int, fresh: bool) -> int:
    """Write rows in order of eff; where rows of the view exist already, keep the frontier of both."""
    puts: dict[bytes, bytes] = {}
    gone: list[bytes] = []
    cursor = txn.cursor()
    for row in lines.iter_rows():
        event, known, eff = row[width : width + 3]
        front = head(view, row[:width])
        key = front + countdown(eff)
        if fresh or _takes_its_place(cursor, front, key, event, known, gone):
            puts[key] = TIMES.pack(event, known) + encode(row[width + 3 :])
    for key in gone:
        txn.delete(key)
    cursor.putmulti(sorted(puts.items()))
    return len(puts)


def _takes_its_place(cursor: Any, front: bytes, key: bytes, event: int, known: int, gone: list[bytes]) -> bool:
    """Whether a row raises the maximum of those in force before it; adds to `gone` those that it makes unreachable."""
    found = cursor.set_range(key)
    if found and cursor.key()[:-8] == front:
        last_event, last_known = TIMES.unpack_from(cursor.value())
        if event < last_event or (cursor.key() == key and (event, known) < (last_event, last_known)):
            return False
    later = cursor.prev() if found else cursor.last()
    while later and cursor.key()[:-8] == front and TIMES.unpack_from(cursor.value())[0] < event:
        gone.append(cursor.key())
        later = cursor.prev()
    return True


def _expire(txn: Any, view: View, limit: int) -> int:
    """Walk the view's rows, newest first within each entity; delete those after the first in force at `limit`."""
    gone: list[bytes] = []
    front, settled = b"", False
    cursor = txn.cursor()
    if cursor.set_range(view.prefix):
        for key in cursor.iternext(keys=True, values=False):
            if not key.startswith(view.prefix):
                break
            if key[:-8] != front:
                front, settled = key[:-8], False
            if settled:
                gone.append(key)
            settled = settled or moment(key) <= limit
    for key in gone:
        txn.delete(key)
    return len(gone)
