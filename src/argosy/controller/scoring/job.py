"""One scoring of rows: which chunks there are, which of them are there already, and the answers to the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec
import polars as pl

from argosy.controller.scoring.chunk import AT, Chunk, Terms, answered
from argosy.controller.scoring.cut import cut, size
from argosy.controller.scoring.portion import MODELS, Portion, spread
from argosy.controller.scoring.shelf import Shelf
from argosy.controller.scoring.source import Source
from argosy.engine.contract import Engine
from argosy.errors import InputError
from argosy.serving.bulk.fingerprint import fingerprint
from argosy.serving.bulk.scorer import BulkScorer
from argosy.serving.bulk.view import Views
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.routing import Endpoint
from argosy.spec.quantile import column
from argosy.store import Store

_ANSWERS = frozenset({"prediction", "version", "route", "stale", "reason"})
_BOUNDS = frozenset({"lower", "upper"})


class Job:
    """Rows of some sources, the endpoint that answers them, and the shelf for what it answers.

    `now` is the time beyond whose history views forget. Raises InputError where a source cannot be scored by it.
    """

    def __init__(
        self, store: Store, endpoint: Endpoint, sources: Sequence[Source], shelf: Shelf, terms: Terms, now: datetime
    ) -> None:  # fmt: skip
        self._store, self._endpoint, self._shelf, self._terms, self._now = store, endpoint, shelf, terms, now
        self._sources = [
            msgspec.structs.replace(each, rows=shelf.spool(each.content, each.rows)) if each.kept else each
            for each in sources
        ]
        for each in self._sources:
            _check(endpoint, each, terms)
        self._sizes = [_size(each) for each in self._sources]
        self.chunks = list(self._planned())
        if not self.chunks:
            raise InputError(f"{sources[0].name} holds no rows", next="give at least one")

    @property
    def key(self) -> str:
        """The content address of all that is answered: equal keys are equal rows answered alike."""
        return hashlib.sha256("\n".join(each.address for each in self.chunks).encode()).hexdigest()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(each.rows for each in self.chunks)

    def run(self, views: Views | None, done: Callable[[int], None], engine: Engine | None = None) -> float:
        """Answer the chunks that are not there; `done` is told how many rows are, now and then.

        `views` read those of the endpoint, if it has any. With an `engine`, its workers answer, and read views for
        themselves; the CPU seconds that they took are returned. May be killed anywhere: the next run goes on.
        Raises InputError for rows that cannot be read, and where a row has no prediction and the terms are strict;
        ConflictError for a source that is another one meanwhile.
        """
        if engine is not None:
            return self._spread(engine, done)
        store, endpoint = self._store, self._endpoint
        cache = ModelCache(blob_loader(store.blobs), MODELS)
        count = 0
        with BulkScorer(endpoint, cache, views, self._now, canaries=self._terms.canaries) as bulk:
            for place, source in enumerate(self._sources):
                chunks = [each for each in self.chunks if each.source == place]
                for chunk, rows in self._lacking(source, chunks, self._sizes[place]):
                    found = answered(bulk, endpoint, self._terms, chunk, rows, source.origin)
                    self._shelf.put(chunk.path, found)
                    done(count + chunk.first + chunk.rows)
                count += sum(each.rows for each in chunks)
                done(count)
        return 0.0

    def _spread(self, engine: Engine, done: Callable[[int], None]) -> float:
        """See `run`."""
        store, lacking = self._store, [each for each in self.chunks if not each.path.exists()]
        portions = [
            Portion(
                store.home, store.blobs.root, self.key, self._endpoint, self._terms, self._now,
                self._sources[each.source].origin, self._sources[each.source].rows, each,
            )
            for each in lacking
        ]  # fmt: skip
        count = self.rows - sum(each.rows for each in lacking)

        def tell(rows: int) -> None:
            nonlocal count
            count += rows
            done(count)

        return spread(engine, portions, tell)

    def _planned(self) -> Iterator[Chunk]:
        """The chunks of all sources. Of their rows only the key columns are read."""
        number = 0
        terms, by = self._terms, self._endpoint.by
        at = None if terms.floating and not self._endpoint.views else terms.at
        for place, source in enumerate(self._sources):
            first = 0
            for keys in _cut(source, source.rows.select(by or pl.first()), self._sizes[place]):
                who = fingerprint(self._endpoint, keys, canaries=terms.canaries)
                parts = (source.content, first, keys.height, who, at, terms.timed, sorted(terms.drop))
                address = hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
                yield Chunk(place, first, keys.height, address, self._shelf.path(number, address))
                number, first = number + 1, first + keys.height
            if first != source.rows.select(pl.len()).collect().item():
                raise source.origin.changed()

    def _lacking(
        self, source: Source, chunks: Sequence[Chunk], size: int
    ) -> Iterator[tuple[Chunk, pl.DataFrame]]:  # fmt: skip
        """The chunks of a source that are not there, with their rows; those before the first one are not read."""
        lacking = {each.first: each for each in chunks if not each.path.exists()}
        if not lacking:
            return
        start = min(lacking)
        for rows in _cut(source, source.rows.slice(start) if start else source.rows, size):
            chunk = lacking.pop(start, None)
            if chunk is not None and chunk.rows != rows.height:
                raise source.origin.changed()
            if chunk is not None:
                yield chunk, rows
            if not lacking:
                return
            start += rows.height
        raise source.origin.changed()  # what reads may stop before the end, and say so on stderr alone


def _check(endpoint: Endpoint, source: Source, terms: Terms) -> None:
    """Raise InputError for columns that lack, and for such as the answers are called."""
    columns = source.rows.collect_schema().names()
    missing = [name for name in sorted(endpoint.required) if name not in columns]
    if missing:
        raise InputError(
            f"{source.name} lacks {', '.join(missing)}, which fleet {endpoint.fleet!r} needs",
            next=f"it takes {', '.join(each.name for each in endpoint.inputs)}",
        )
    called = _ANSWERS | ({AT} if terms.timed else set()) | (_BOUNDS if endpoint.bounded else set())
    called |= set(map(column, endpoint.quantiles))
    taken = sorted(({*columns} - terms.drop) & called)
    if taken:
        raise InputError(
            f"{source.name} has a column {taken[0]!r}, which is what a part of the answers is called",
            next=f'rename it, or leave it out: --sql "select * exclude ({taken[0]}) from …"',
        )


def _size(source: Source) -> int:
    """The rows of a chunk of a source. Raises InputError where they cannot be read."""
    try:
        return size(source.rows)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise source.origin.unreadable(error) from error


def _cut(source: Source, rows: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    """The rows by chunks. Raises InputError that names the source where they cannot be read."""
    try:
        yield from cut(rows, size)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise source.origin.unreadable(error) from error
