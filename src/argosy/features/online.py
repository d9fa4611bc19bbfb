"""The embedded online store: what each entity's features were worth at a moment, in microseconds of work."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
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
from argosy.features.reader import Reader, latest, newest_keys
from argosy.features.source import Source, Unit, finest, read, ticks, units

_CHUNK = 65_536
_FEW = 64
_NEVER = (-(2**63), -(2**63))
_WIDTH = 4
"""How many times `map_size` the map is wide. The rows take one at most, and so does each of what a batch writes anew,
what the batch before gave back, which is had by the next but one only, and the lists of free pages: so there is always
room for deletes."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Online:
    """Feature rows of many sources in one LMDB directory.

    It answers, at every moment, exactly what `join` answers over all rows written so far, in the order written: the
    rows kept of an entity are those that raise the running maximum of its event time, in order of the moment from
    which they are in force (the later of event and known time); a row written late takes its place among them and
    drives out those that it makes unreachable.

    Many processes may read and write at once; a reader sees whole batches only, and a writer killed at any moment
    leaves the batch before. Open a path once per process, and after forking, not before. `map_size` bounds the bytes
    of what is kept. The file holds pages that wait to be used again besides, and is never wider than four times that;
    only what is used of it takes room on disk.
    """

    def __init__(self, path: Path, map_size: int = 1 << 36) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._limit = map_size
        self._env = lmdb.open(str(path), map_size=_WIDTH * map_size, max_readers=1_024)
        self._env.reader_check()
        self._rows = self._env.open_db()
        self._readers: dict[tuple[Source, ...], Reader] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; the store and its readers cannot be used afterwards."""
        self._env.close()

    def write(
        self, source: Source, frame: pl.DataFrame | pl.LazyFrame, permitted: Callable[[], None] | None = None
    ) -> int:
        """Add a batch in one transaction; return how many of its rows can answer for some moment.

        `permitted` is asked last, when no other process can write any more: what it raises leaves all as it was.

        Writing a batch again changes nothing. Raises `InputError` for what `join` would refuse and for types that are
        not kept exactly, `ConflictError` if the source was written with other types, `CapacityError` if no room is
        left (then nothing was written).
        """
        batch = _batch(source, frame)
        with self._adding(permitted) as txn:
            views = _views(txn)
            view = views.get(source.name)
            if view is None:
                return _begin(txn, views, source.name, batch)
            if not view.holds(batch.unit, batch.entity, batch.columns):
                raise ConflictError(
                    f"source {source.name!r} is kept online as {dict(view.types)}, not as {dict(batch.columns)}, "
                    f"or with another entity or unit of time",
                    next="replace it with all of its rows",
                )
            return _put(txn, view, batch, fresh=False)

    def replace(
        self, source: Source, frame: pl.DataFrame | pl.LazyFrame, permitted: Callable[[], None] | None = None
    ) -> int:
        """Let `frame` be all that there is of a source, in one transaction; return how many rows can answer.

        What was kept under its name goes, whatever its types. A reader sees all of the old rows or all of the new
        ones, never none. Raises as `write` does, and then the old rows stay.
        """
        batch = _batch(source, frame)
        with self._adding(permitted) as txn:
            views = _views(txn)
            old = views.get(source.name)
            made = _begin(txn, views, source.name, batch)
            if old is not None:
                _clear(txn, old)
            return made

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

    def expire(self, now: datetime, history: timedelta) -> int:
        """Drop what was no longer in force `history` ago, in a few transactions; return how many rows went.

        For each source the history counts back from `now`, or from when its newest row came into force where that is
        earlier: rows of years ago, read at their own time, answer as those of today do. The row in force at that limit
        stays, so every read at it or later answers as it did.
        """
        at, back = microseconds(now), history // timedelta(microseconds=1)
        limits: list[tuple[View, int]] = []
        with self._env.begin() as txn:
            for view in _views(txn).values():
                scale = 1_000 if view.unit == "ns" else 1
                limits.append((view, min(at * scale, latest(txn, view)) - back * scale))
        return sum(self._drop(view, limit) for view, limit in limits)

    def _drop(self, view: View, limit: int) -> int:
        """Delete the rows of a view that were no longer in force at `limit`; return how many.

        The last one goes by itself: the room that a transaction gives back is had by the next but one, and whoever
        writes after this shall have it. Deleting takes room until it is committed: on a full disk a few go at a time.
        """
        dropped, front, size = 0, view.prefix, None
        while True:
            try:
                with self._writing() as txn:
                    found = list(islice(_outlived(txn, view, limit, front), size))
                    gone = found[:-1] or found
                    for key in gone:
                        txn.delete(key)
            except CapacityError:
                if size is not None:
                    raise
                size = _FEW
                continue
            if not gone:
                return dropped
            dropped, front = dropped + len(gone), found[-1][:-8]

    @contextmanager
    def _adding(self, permitted: Callable[[], None] | None) -> Iterator[Any]:
        """A transaction that leaves at most `map_size` bytes of rows, and that `permitted` agrees to at its end."""
        with self._writing() as txn:
            yield txn
            now = txn.stat(self._rows)
            if (now["branch_pages"] + now["leaf_pages"] + now["overflow_pages"]) * now["psize"] > self._limit:
                raise self._full()
            if permitted is not None:
                permitted()

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        try:
            with self._env.begin(write=True) as txn:
                yield txn
        except lmdb.MapFullError as error:
            raise self._full() from error
        except lmdb.Error as error:
            # The binding has no class of its own for what a system call answers; a short write is told as EIO.
            if not isinstance(error, lmdb.DiskError) and getattr(error, "code", None) not in _NO_ROOM:
                raise
            raise CapacityError(
                f"no room on disk for the online store {self.path}: {error}",
                next="free some room; where there is enough, see whether the disk has failed",
            ) from error

    def _full(self) -> CapacityError:
        return CapacityError(
            f"the online store {self.path} has reached its map size of {self._limit:,} bytes",
            next="expire its history, or open it with a larger map_size",
        )


class _Batch(msgspec.Struct, frozen=True):
    """Rows that can answer, ready to pack: the entity, event, known, eff, then the values; and what their types were.

    Within an entity they come into force one after the other, and their events do not go back.
    """

    rows: pl.DataFrame
    unit: Unit
    entity: pl.Schema
    columns: pl.Schema


def _batch(source: Source, frame: pl.DataFrame | pl.LazyFrame) -> _Batch:
    values, owner = read(source, frame), f"source {source.name!r}"
    known = source.known or source.time
    unit = finest(units(values, dict.fromkeys((source.time, known)), owner))
    types = values.schema
    keys = [pl.col(name).cast(stored(types[name], owner)).alias(f"e{i}") for i, name in enumerate(source.entity)]
    packed = [
        pl.col(name).cast(stored(types[name], f"{owner}, column {name!r}")).alias(f"v{i}")
        for i, name in enumerate(source.columns)
    ]
    event, knew = ticks(source.time, types[source.time], unit), ticks(known, types[known], unit)
    times = (event.alias("event"), knew.alias("known"), pl.max_horizontal(event, knew).alias("eff"))
    names = [f"e{i}" for i in range(len(keys))]
    rows = values.lazy().select(*keys, *times, *packed).drop_nulls([*names, "event", "known"]).collect()
    entity, columns = (pl.Schema({name: types[name] for name in group}) for group in (source.entity, source.columns))
    return _Batch(frontier(rows, names, known=source.known is not None), unit, entity, columns)


def _views(txn: Any) -> dict[str, View]:
    cursor = txn.cursor()
    views = {}
    if cursor.set_range(SCHEMAS):
        for key, record in cursor:
            if not key.startswith(SCHEMAS):
                break
            views[key[len(SCHEMAS) :].decode()] = msgspec.msgpack.decode(record, type=View)
    return views


def _begin(txn: Any, views: Mapping[str, View], name: str, batch: _Batch) -> int:
    """Record a source under a number of its own, with its first rows."""
    number = 1 + max((view.number for view in views.values()), default=0)
    view = View(number, batch.unit, blank(batch.entity), blank(batch.columns))
    txn.put(SCHEMAS + name.encode(), encode(view))
    return _put(txn, view, batch, fresh=True)


def _clear(txn: Any, view: View) -> None:
    """Delete the rows of a view."""
    cursor = txn.cursor()
    while cursor.set_range(view.prefix) and cursor.key().startswith(view.prefix):
        cursor.delete()


def _put(txn: Any, view: View, batch: _Batch, *, fresh: bool) -> int:
    """Write rows in order of eff; where rows of the view exist already, keep the frontier of both."""
    return sum(_put_some(txn, view, rows, len(batch.entity), fresh) for rows in batch.rows.iter_slices(_CHUNK))


def _put_some(txn: Any, view: View, rows: pl.DataFrame, width: int, fresh: bool) -> int:
    puts: dict[bytes, bytes] = {}
    gone: list[bytes] = []
    fronts: dict[tuple[Any, ...], tuple[bytes, int, int]] = {}
    cursor = txn.cursor()
    for row in rows.iter_rows():
        entity = row[:width]
        found = fronts.get(entity)
        if found is None:
            front = head(view, entity)
            found = fronts[entity] = (front, *(_NEVER if fresh else _newest(cursor, front)))
        front, last_eff, last_event = found
        event, known, eff = row[width : width + 3]
        key = front + countdown(eff)
        # As a rule a batch is newer than all that is kept: then there is nothing to look up row by row.
        newer = eff > last_eff and event >= last_event
        if newer or _takes_its_place(cursor, front, key, event, known, gone):
            puts[key] = TIMES.pack(event, known) + encode(row[width + 3 :])
    for key in gone:
        txn.delete(key)
    cursor.putmulti(sorted(puts.items()))
    return len(puts)


def _newest(cursor: Any, front: bytes) -> tuple[int, int]:
    """(eff, event) of the row of an entity that came into force last; `_NEVER` where there is none."""
    if not cursor.set_range(front):
        return _NEVER
    key = cursor.key()
    return (moment(key), TIMES.unpack_from(cursor.value())[0]) if key[:-8] == front else _NEVER


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


def _outlived(txn: Any, view: View, limit: int, start: bytes) -> Iterator[bytes]:
    """The keys of a view's rows that come, newest first within each entity, after the one in force at `limit`.

    Those of the entities from `start` on. What stays is stepped over, not walked through.
    """
    cursor = txn.cursor()
    for newest in newest_keys(txn, view, start):
        front = newest[:-8]
        if cursor.set_range(front + countdown(limit)):
            for key in islice(cursor.iternext(keys=True, values=False), 1, None):
                if key[:-8] != front:
                    break
                yield key
