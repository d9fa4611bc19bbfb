"""Sources: what each offers that a dataset does not hold yet, and reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

import msgspec
import polars as pl
from sqlalchemy import Connection, Engine

from argosy.data import call, file, late, ledger, part, query, url
from argosy.data.file import File
from argosy.data.load import Load
from argosy.data.terms import Terms
from argosy.spec.dataset import Dataset
from argosy.spec.source import Csv, Function, Parquet, Source, Sql
from argosy.store import Store, datasets, executions
from argosy.store.datasets import Part

EVERY = timedelta(minutes=1)
"""How often a source that can only be asked (a query, a function) is asked."""

LARGEST = 256 << 20
"""Bytes of files that one ingest takes, unless a single file is larger; the rest waits for the next."""

INGEST = "ingest"
"""Kind of the execution of an ingest, and of its event."""

_taken: WeakKeyDictionary[Engine, dict[str, set[str]]] = WeakKeyDictionary()
"""Keys that were seen among the facts of a store, by dataset: what was taken stays taken, and is not asked again."""


class Offer(msgspec.Struct, frozen=True):
    """Something to be read: a file, a part whose rows were kept back, or (neither) a source that is asked."""

    label: str
    key: str = ""
    bytes: int = 0
    file: File | None = None
    part: Part | None = None


class Past(msgspec.Struct, frozen=True):
    """What facts say of the sources of some datasets: rows kept back that are known by now, and who was just asked."""

    waiting: dict[str, list[Part]]
    asked: frozenset[str]


class Pending(msgspec.Struct, frozen=True):
    """Short labels of what a source offers that is not ingested yet; where no file is there, why and what to do."""

    labels: tuple[str, ...]
    unmatched: tuple[str, str] | None = None


def past(conn: Connection, given: Sequence[Dataset], now: datetime) -> Past:
    """What `pending` asks facts about these datasets: two queries, however many there are."""
    last = executions.latest(conn, INGEST, [each.name for each in given if isinstance(each.source, (Sql, Function))])
    asked = frozenset(name for name, run in last.items() if now - run.ended_at < EVERY)
    return Past(ledger.waiting(conn, [each.name for each in given], now), asked)


def pending(conn: Connection, dataset: Dataset, root: Path, past: Past) -> Pending:
    """What the source of a dataset offers. Nothing is opened and nobody is asked: files are listed, once, and a query
    or a function counts as new once a minute."""
    files = _listed(dataset.source, root)
    labels = tuple(offer.label for offer in _offers(conn, dataset, files, past))
    return Pending(labels, _unmatched(dataset.source, files, root))


def offers(conn: Connection, dataset: Dataset, root: Path, now: datetime) -> list[Offer]:
    """What can be read now and has not been: rows kept back first, then files by path."""
    return _offers(conn, dataset, _listed(dataset.source, root), past(conn, [dataset], now))


def _offers(conn: Connection, dataset: Dataset, files: Sequence[File], past: Past) -> list[Offer]:
    kept = [
        Offer(f"{each.rows:,} rows known meanwhile", ledger.waiting_key(each), each.bytes, part=each)
        for each in past.waiting.get(dataset.name, ())
    ]
    kept += [Offer(each.path, each.key, each.bytes, each) for each in files]
    done = _taken.setdefault(conn.engine, {}).setdefault(dataset.name, set())
    done |= datasets.ingested(conn, dataset.name, [offer.key for offer in kept if offer.key not in done])
    found = [offer for offer in kept if offer.key not in done]
    if isinstance(dataset.source, (Sql, Function)) and dataset.name not in past.asked:
        found.append(Offer("query" if isinstance(dataset.source, Sql) else dataset.source.function))
    return found


def check(dataset: Dataset) -> None:
    """Raise DeclarationError where the source of a dataset may not become a fact: a written secret would be in it."""
    if isinstance(dataset.source, Sql):
        url.check(dataset.name, dataset.source.url)


def label(source: Source) -> str:
    """A source by what its declaration says of it, which holds no password."""
    match source:
        case Sql(url=declared):
            return f"the query over {declared}"
        case Function(function=function):
            return function
        case _:
            return source.path


def unmatched(source: Source, root: Path) -> tuple[str, str] | None:
    """Why a source of files offers none, and what to do; None where a file is there, or the source is asked."""
    return _unmatched(source, _listed(source, root), root)


def _listed(source: Source, root: Path) -> list[File]:
    return file.listed(source.path, root) if isinstance(source, (Parquet, Csv)) else []


def _unmatched(source: Source, files: Sequence[File], root: Path) -> tuple[str, str] | None:
    return file.unmatched(source.path, root) if isinstance(source, (Parquet, Csv)) and not files else None


def portion(offers: Sequence[Offer]) -> list[Offer]:
    """As many of the offers as one ingest takes, in their order; at least one."""
    taken: list[Offer] = []
    size = 0
    for offer in offers:
        if taken and size + offer.bytes > LARGEST:
            break
        taken.append(offer)
        size += offer.bytes
    return taken


def load(
    store: Store,
    dataset: Dataset,
    root: Path,
    offers: Sequence[Offer],
    terms: Terms,
    *,
    now: datetime,
    environment: Mapping[str, str],
) -> list[Load]:
    """Read the offers. A file whose content was taken before gives its key and no rows.

    Raises `InputError` that says what of it cannot be read, and where.
    """
    source, found = dataset.source, list[Load]()
    for offer in offers:
        if offer.part is not None:
            rows = part.frame(store.blobs, [offer.part]).collect()
            found.append(Load(offer.label, "dataset", dataset.name, (offer.key,), rows))
        elif offer.file is not None and isinstance(source, (Parquet, Csv)):
            found.append(_file(store, dataset, root, offer.file, source, terms))
        else:
            with store.read() as conn:
                mark = ledger.mark(conn, dataset.name)
            if isinstance(source, Sql):
                unseen = partial(late.unseen, store, dataset, str(source.cursor))
                found += query.read(dataset, source, mark, root, environment, unseen)
            elif isinstance(source, Function):
                found += call.read(dataset, source, mark, now)
    return found


def _file(store: Store, dataset: Dataset, root: Path, given: File, source: Parquet | Csv, terms: Terms) -> Load:
    data, digest = file.read(given, root)
    with store.read() as conn:
        known = datasets.ingested(conn, dataset.name, [file.content_key(given, digest)])
    if known:
        return Load(given.path, "file", f"{given.path}#{digest[:12]}", (given.key,), pl.DataFrame())
    dates = (dataset.time, dataset.known or dataset.time)
    return file.parsed(given, data, digest, source, terms.expected(), dates, dataset.tags)
