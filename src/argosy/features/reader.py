"""Reads feature rows of fixed sources from the online store, with as little work per row as LMDB allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from argosy.errors import InputError
from argosy.features.packing import (
    SCHEMAS,
    TIMES,
    View,
    checked,
    countdown,
    decode,
    head,
    microseconds,
    moment,
    stored,
    value,
)
from argosy.features.source import Source, Unit, require

HISTORY = timedelta(days=90)
"""How far back from now, or from a view's newest row where that is older, its features are answered exactly."""
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = -(2**63)
_AFTER = b"\xff" * 8 + b"\0"
"""Behind the front of an entity, what sorts after all of its rows and before those of the next."""


class Reader:
    """Answers for `sources`, in their order, from one snapshot of the store per call. Threads may share it.

    An expired value (age above the source's ttl) is null, as is one that was never written, and a column that the
    source was last written without: a model that was trained on it goes on to answer until another takes its place.
    The age is given even where the value has expired, so that staleness can be told from absence.
    """

    def __init__(self, env: Any, sources: tuple[Source, ...]) -> None:
        self._env = env
        self._sources = sources
        self._known: tuple[list[bytes | None], tuple[_Lookup, ...]] = ([], ())
        self._newest: dict[int, tuple[int, int]] = {}
        self._keys = [SCHEMAS + source.name.encode() for source in sources]

    @property
    def columns(self) -> list[str]:
        """Names of the values of one row, over all sources."""
        return [name for source in self._sources for name in source.columns]

    def one(self, entity: Mapping[str, Any], at: datetime) -> tuple[list[Any], list[timedelta | None]]:
        """The values of `columns` and the age per source, for one entity (by column name) at one moment."""
        moment = microseconds(at)
        values: list[Any] = []
        ages: list[timedelta | None] = []
        with self._env.begin() as txn:
            for lookup in self._current(txn):
                found, age = lookup.answer(txn.cursor(), lookup.entity(entity), moment)
                values += lookup.python(found)
                ages.append(lookup.elapsed(age))
        return values, ages

    def rows(
        self, entities: Mapping[str, Sequence[Any]], at: datetime | Sequence[datetime]
    ) -> tuple[list[list[Any]], list[list[timedelta | None]]]:
        """As `one`, for the rows of entity columns of one length, at one moment or at one per row."""
        moments = _moments(entities, at)
        values: list[list[Any]] = [[] for _ in moments]
        ages: list[list[timedelta | None]] = [[] for _ in moments]
        with self._env.begin() as txn:
            for lookup in self._current(txn):
                for i, (found, age) in enumerate(lookup.answers(txn.cursor(), entities, moments)):
                    values[i] += lookup.python(found)
                    ages[i].append(lookup.elapsed(age))
        return values, ages

    def frame(
        self, entities: Mapping[str, Sequence[Any]], at: datetime | Sequence[datetime], *, ages: bool = False
    ) -> pl.DataFrame:
        """As `rows`, as a frame of `columns` in their exact types; with `ages`, also `<source>.age` per source.

        A source that was never written gives columns of type Null.
        """
        moments = _moments(entities, at)
        parts: list[pl.Series] = []
        with self._env.begin() as txn:
            for lookup in self._current(txn):
                found = list(lookup.answers(txn.cursor(), entities, moments))
                parts += lookup.series([values for values, _ in found])
                if ages:
                    ticks = pl.Series(lookup.source.age, [age for _, age in found], dtype=pl.Int64)
                    parts.append(ticks.cast(pl.Duration(lookup.unit)))
        return pl.DataFrame(parts)

    def forgotten(self, place: int, at: datetime, now: datetime) -> datetime | None:
        """The moment before which the source at `place` may have dropped its rows, if `at` is before it; else None.

        It is `HISTORY` before `now`, or before its newest row came into force where that is earlier. Only for an `at`
        further back than `HISTORY` is each entity of the source stepped to, once after each batch that was written.
        """
        if at >= now - HISTORY:
            return None
        with self._env.begin() as txn:
            lookup, (written, newest) = self._current(txn)[place], self._newest.get(place, (-1, _NEVER))
            if written != txn.id():
                newest = _NEVER if lookup.view is None else latest(txn, lookup.view) // lookup.factor
                self._newest[place] = (txn.id(), newest)
        limit = min(microseconds(now), newest) - HISTORY // _MICROSECOND
        return _EPOCH + limit * _MICROSECOND if microseconds(at) < limit else None

    def _current(self, txn: Any) -> tuple[_Lookup, ...]:
        """The lookups for the sources as this snapshot knows them: made again when one came or was replaced."""
        records = [txn.get(key) for key in self._keys]
        seen, lookups = self._known
        if records != seen:
            views = [None if record is None else msgspec.msgpack.decode(record, type=View) for record in records]
            lookups = tuple(_Lookup(source, view) for source, view in zip(self._sources, views, strict=True))
            self._known = (records, lookups)
        return lookups


class _Lookup:
    """One source, resolved against the types that it was written with."""

    def __init__(self, source: Source, view: View | None) -> None:
        self.source = source
        self.view = view
        types: Mapping[str, pl.DataType] = dict.fromkeys(source.columns, pl.Null()) if view is None else view.types
        self.kinds = () if view is None else tuple(kind for _, kind in view.kinds)
        self.types = [types.get(name, pl.Null()) for name in source.columns]
        places = {name: place for place, name in enumerate(types)}
        self.places = [places.get(name, len(types)) for name in source.columns]
        self.whole = self.places == list(range(len(types)))
        self.unit: Unit = "us" if view is None else view.unit
        self.factor = 1_000 if self.unit == "ns" else 1
        self.ttl = None if source.ttl is None else source.ttl // _MICROSECOND * self.factor
        self.casts: list[tuple[int, Callable[[Any], Any]]] = [
            (i, cast) for i, dtype in enumerate(self.types) if (cast := value(dtype)) is not None
        ]
        self.blank = [None] * len(source.columns)

    def entity(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of the source's entity columns; `InputError` if one is missing."""
        try:
            return tuple([given[name] for name in self.source.entity])
        except KeyError:
            require(self.source.entity, list(given), f"entity of source {self.source.name!r}")
            raise

    def answers(
        self, cursor: Any, entities: Mapping[str, Sequence[Any]], moments: Sequence[int]
    ) -> list[tuple[list[Any] | None, int | None]]:
        """`answer` for each row."""
        columns = self.entity(entities)
        answer = self.answer
        return [answer(cursor, entity, at) for entity, at in zip(zip(*columns, strict=True), moments, strict=True)]

    def answer(self, cursor: Any, entity: tuple[Any, ...], at: int) -> tuple[list[Any] | None, int | None]:
        """The packed values in force at `at` (microseconds), None if there are none or they have expired; the age.

        The age is in the view's unit.
        """
        if self.view is None:
            return None, None
        if tuple(map(type, entity)) != self.kinds:
            plain = checked(self.source.name, self.view.kinds, entity)
            if plain is None:
                return None, None
            entity = plain
        at *= self.factor
        front = head(self.view, entity)
        if not cursor.set_range(front + countdown(at)):
            return None, None
        key, row = cursor.item()
        if key[:-8] != front:
            return None, None
        age = at - TIMES.unpack_from(row)[0]
        if self.ttl is not None and age > self.ttl:
            return None, age
        values = decode(row[TIMES.size :])
        if not self.whole:
            values.append(None)  # stands at the place of a column that is not kept
            values = [values[place] for place in self.places]
        return values, age

    def elapsed(self, age: int | None) -> timedelta | None:
        """An age in the view's unit as Python's."""
        return None if age is None else timedelta(0, 0, age // self.factor)

    def python(self, values: list[Any] | None) -> list[Any]:
        """The values as Polars would give them to Python."""
        if values is None:
            return self.blank
        for place, cast in self.casts:
            if values[place] is not None:
                values[place] = cast(values[place])
        return values

    def series(self, rows: Sequence[list[Any] | None]) -> list[pl.Series]:
        """Columns of the exact types from packed rows."""
        columns = zip(*(self.blank if row is None else row for row in rows), strict=True) if rows else self.blank
        owner = f"source {self.source.name!r}"
        return [
            pl.Series(name, column or (), dtype=stored(dtype, owner)).cast(dtype)
            for name, dtype, column in zip(self.source.columns, self.types, columns, strict=True)
        ]


def _moments(entities: Mapping[str, Sequence[Any]], at: datetime | Sequence[datetime]) -> list[int]:
    """One moment per row, in microseconds; raises `InputError` where the columns differ in length."""
    lengths = {name: len(column) for name, column in entities.items()}
    rows = next(iter(lengths.values()), 0)
    moments = [microseconds(at)] * rows if isinstance(at, datetime) else [microseconds(moment) for moment in at]
    uneven = [f"{name!r} has {length}" for name, length in lengths.items() if length != len(moments)]
    if uneven:
        raise InputError(
            f"the rows to read differ in number: {len(moments)} moments, {', '.join(uneven[:5])}",
            next="give columns of one length",
        )
    return moments


def latest(txn: Any, view: View) -> int:
    """The moment from which the newest row of a view is in force; that of the first possible row where it has none."""
    return max((moment(key) for key in newest_keys(txn, view, view.prefix)), default=_NEVER)


def newest_keys(txn: Any, view: View, start: bytes) -> Iterator[bytes]:
    """The key of the newest row of each entity from `start` on, which is the prefix of the view or the front of one."""
    cursor = txn.cursor()
    found = cursor.set_range(start)
    while found and (key := cursor.key()).startswith(view.prefix):
        yield key
        found = cursor.set_range(key[:-8] + _AFTER)
