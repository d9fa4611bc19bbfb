"""One scoring of rows: which chunks there are, which of them are there already, and the answers to the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from argosy.controller.scoring.cut import cut, size
from argosy.controller.scoring.instant import instants
from argosy.controller.scoring.shelf import Shelf
from argosy.controller.scoring.source import Source
from argosy.errors import ConflictError, InputError
from argosy.serving.bulk.fingerprint import fingerprint
from argosy.serving.bulk.scorer import BulkScorer
from argosy.serving.bulk.view import Views
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.routing import Endpoint
from argosy.store import Store

AT = "at"
"""The column of the decision time."""
_ANSWERS = frozenset({"prediction", "version", "route", "stale", "reason"})
_MODELS = 1 << 30
"""Bytes of models that are held at a time."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are to be scored. `at` is their decision time; None: of each its event time less the fleet's lead.

    `at` is `floating` where nobody stated it, and it is when the job began. `strict` refuses all rows where one has no
    prediction. `timed` keeps the decision time beside each row; `drop` are columns that are not kept.
    """

    at: datetime | None
    floating: bool = False
    canaries: bool = False
    strict: bool = False
    timed: bool = False
    drop: frozenset[str] = frozenset()


class Chunk(msgspec.Struct, frozen=True):
    """Rows of a source from `first` on. `path` is where their answers are, or will be."""

    source: int
    first: int
    rows: int
    address: str
    path: Path


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

    def run(self, views: Views | None, done: Callable[[int], None]) -> None:
        """Answer the chunks that are not there; `done` is told how many rows are, now and then.

        `views` read those of the endpoint, if it has any. May be killed anywhere: the next run goes on.
        Raises InputError for rows that cannot be read, and where a row has no prediction and the terms are strict;
        ConflictError for a source that is another one meanwhile.
        """
        store, endpoint = self._store, self._endpoint
        cache = ModelCache(blob_loader(store.blobs), _MODELS)
        count = 0
        with BulkScorer(endpoint, cache, views, self._now, canaries=self._terms.canaries) as bulk:
            for place, source in enumerate(self._sources):
                chunks = [each for each in self.chunks if each.source == place]
                for chunk, rows in self._lacking(source, chunks):
                    self._shelf.put(chunk.path, self._answered(bulk, chunk, rows, source))
                    done(count + chunk.first + chunk.rows)
                count += sum(each.rows for each in chunks)
                done(count)

    def _planned(self) -> Iterator[Chunk]:
        """The chunks of all sources. Of their rows only the key columns are read."""
        number = 0
        terms, by = self._terms, self._endpoint.by
        at = None if terms.floating and not self._endpoint.views else terms.at
        for place, source in enumerate(self._sources):
            first = 0
            for keys in _cut(source, source.rows.select(by or pl.first()), self._size(source)):
                who = fingerprint(self._endpoint, keys, canaries=terms.canaries)
                parts = (source.content, first, keys.height, who, at, terms.timed, sorted(terms.drop))
                address = hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
                yield Chunk(place, first, keys.height, address, self._shelf.path(number, address))
                number, first = number + 1, first + keys.height
            if first != source.rows.select(pl.len()).collect().item():
                raise _other(source)

    def _lacking(self, source: Source, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, pl.DataFrame]]:
        """The chunks of a source that are not there, with their rows; those before the first one are not read."""
        lacking = {each.first: each for each in chunks if not each.path.exists()}
        if not lacking:
            return
        start = min(lacking)
        for rows in _cut(source, source.rows.slice(start) if start else source.rows, self._size(source)):
            chunk = lacking.pop(start, None)
            if chunk is not None and chunk.rows != rows.height:
                raise _other(source)
            if chunk is not None:
                yield chunk, rows
            if not lacking:
                return
            start += rows.height
        raise _other(source)  # what reads may stop before the end, and say so on stderr alone

    def _size(self, source: Source) -> int:
        return size(len(source.rows.collect_schema()))

    def _answered(self, bulk: BulkScorer, chunk: Chunk, rows: pl.DataFrame, source: Source) -> pl.DataFrame:
        """Rows with their answers beside them."""
        times = [each.name for each in self._endpoint.inputs if each.datatype == "TIME"]
        found = bulk.score(instants(rows, times, source.zone, chunk.first), self._terms.at, chunk.first)
        if self._terms.strict and found["reason"].null_count() < found.height:
            bad = found["reason"].is_not_null()
            first = int(bad.arg_true()[0])
            raise InputError(
                f"row {chunk.first + first + 1:,} of {source.name} has no prediction: {found['reason'][first]}",
                next="correct it, or leave --strict out: such rows are written with their reason then",
            )
        return rows.drop(self._terms.drop, strict=False).hstack(found if self._terms.timed else found.drop(AT))


def _check(endpoint: Endpoint, source: Source, terms: Terms) -> None:
    """Raise InputError for columns that lack, and for such as the answers are called."""
    columns = source.rows.collect_schema().names()
    missing = [name for name in sorted(endpoint.required) if name not in columns]
    if missing:
        raise InputError(
            f"{source.name} lacks {', '.join(missing)}, which fleet {endpoint.fleet!r} needs",
            next=f"it takes {', '.join(each.name for each in endpoint.inputs)}",
        )
    taken = sorted(({*columns} - terms.drop) & (_ANSWERS | ({AT} if terms.timed else set())))
    if taken:
        raise InputError(
            f"{source.name} has a column {taken[0]!r}, which is what a part of the answers is called",
            next=f'rename it, or leave it out: --sql "select * exclude ({taken[0]}) from …"',
        )


def _other(source: Source) -> ConflictError:
    return ConflictError(f"{source.name} changed while it was read, or is damaged", next="run it again")


def _cut(source: Source, rows: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    """The rows by chunks. Raises InputError that names the source where they cannot be read."""
    try:
        yield from cut(rows, size)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{source.name} cannot be read: {str(error).splitlines()[0]:.300}", next="check what it holds"
        ) from error
