"""Rows to score: those of files, of a version of a dataset, or of a query over datasets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller.scoring import csv, json
from argosy.controller.scoring.chunk import Origin
from argosy.controller.wanted import kinds, wanted
from argosy.data import part
from argosy.data.read import scan
from argosy.errors import InputError, UnknownError, UsageError
from argosy.registry.address import parse
from argosy.serving.routing import Endpoint
from argosy.spec.dataset import Dataset
from argosy.spec.source import Csv
from argosy.store import Store, datasets


class Source(msgspec.Struct, frozen=True):
    """Rows in a fixed order, read as they are needed. Of equal `content` are equal rows.

    `read` names what they come from in the lineage, by kind and reference; `tagged` are columns that hold what is
    personal or sensitive. Times without an offset are read in `zone`. A `kept` source gives its rows in another order
    each time, or dearly: they are to be kept in a file before they are read by pieces.
    """

    name: str
    content: str
    read: tuple[tuple[str, str], ...]
    rows: pl.LazyFrame
    tagged: frozenset[str] = frozenset()
    zone: str | None = None
    kept: bool = False

    @property
    def origin(self) -> Origin:
        """What chunks need to know of it."""
        return Origin(self.name, self.zone)


def spine(conn: Connection, fleet: str) -> Dataset:
    """The dataset that a declared fleet is trained on."""
    declared, _, fleets = kinds(wanted(conn))
    return declared[fleets[fleet].spine]


def of_file(path: Path, endpoint: Endpoint, spine: Dataset) -> Source:
    """The rows of a file, as they are needed.

    CSV is read as ingest reads it; where the fleet's dataset is of CSV files, this one is written as they are. Raises
    UsageError for a file that is not there or of another kind, InputError for one that cannot be read.
    """
    readers: dict[str, Callable[[Path], tuple[pl.LazyFrame, bool]]] = {
        ".parquet": lambda path: (pl.scan_parquet(path, glob=False), False),
        ".arrow": lambda path: (pl.scan_ipc(path, glob=False), False),
        ".csv": lambda path: csv.scan(path, endpoint, spine),
        ".json": json.scan,
        ".jsonl": json.scan,
        ".ndjson": json.scan,
    }
    if not path.exists():
        raise UsageError(f"there is no file {path}", next="check --file")
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path} is of no known kind", next=f"name a file that ends in {', '.join(readers)}")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        rows, kept = reader(path)
        columns = rows.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{path} cannot be read: {str(error)[:300]}", next="check that it is what its name says"
        ) from error
    if not columns:
        raise InputError(f"{path} holds no rows", next="give at least one")
    zone = spine.source.zone if isinstance(spine.source, Csv) else None
    return Source(str(path), digest, (("file", f"{path}#{digest[:12]}"),), rows, frozenset(spine.tags), zone, kept)


def of_dataset(conn: Connection, store: Store, asked: str, where: str | None) -> Source:
    """The rows of a dataset, of its latest version or of `NAME@VERSION`; of each key the row that became known last.

    `where` is a condition on them in SQL. Raises UnknownError, UsageError.
    """
    address = parse(asked)
    version = datasets.version(conn, address.fleet, address.number)
    if version is None or address.key:
        raise UnknownError(f"there is no dataset {asked} with rows", next="argosy get datasets")
    shown = f"{version.dataset}@{version.number}"
    rows, ordered = _newest(conn, store, version)
    try:
        if where is not None:
            condition = pl.sql_expr(where)
            pl.DataFrame(schema=rows.collect_schema()).filter(condition)
            rows = rows.filter(condition)
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"--where {where!r}: {_first(error)}", next="write it as SQL: kilometres > 80") from error
    content = hashlib.sha256("\n".join((shown, version.digest, where or "")).encode()).hexdigest()
    tagged = _tags(conn).get(version.dataset, frozenset())
    return Source(shown, content, (("dataset", shown),), rows, tagged, kept=not ordered)


def of_query(conn: Connection, store: Store, sql: str) -> Source:
    """The rows that a query gives over the latest versions of the datasets that it names.

    Raises UsageError for a query that is none, and for one that names no dataset.
    """
    latest = datasets.latest(conn)
    named = {name: each for name, each in latest.items() if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", sql)}
    if not named:
        raise UsageError(
            f"--sql names no dataset: {sql[:80]!r}", next=f"select from one of {', '.join(latest) or 'none yet'}"
        )
    context = pl.SQLContext({name: _newest(conn, store, each)[0] for name, each in named.items()})
    try:
        rows = context.execute(sql)
        rows.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise UsageError(
            f"--sql: {_first(error)}", next='write a name with a dash or a dot in quotes: "a-b"'
        ) from error
    read = sorted(f"{each.dataset}@{each.number}" for each in named.values())
    digests = sorted(each.digest for each in named.values())
    content = hashlib.sha256("\n".join((sql, *read, *digests)).encode()).hexdigest()
    tags = _tags(conn)
    tagged = frozenset[str]().union(*(tags.get(name, frozenset()) for name in named))
    return Source("the query", content, tuple(("dataset", each) for each in read), rows, tagged, kept=True)


def _newest(conn: Connection, store: Store, version: datasets.Version) -> tuple[pl.LazyFrame, bool]:
    """The rows of a version, each key once; whether they come as they lie, which costs nothing to do again."""
    parts = datasets.parts(conn, version.dataset, version.number)
    layout = part.origin(parts[-1]).layout if parts else None
    plain = layout is None or not layout.key or part.distinct(parts, layout)
    return scan(conn, store, version.dataset, version.number, latest=not plain), plain


def _tags(conn: Connection) -> Mapping[str, frozenset[str]]:
    declared, _, _ = kinds(wanted(conn))
    return {name: frozenset(each.tags) for name, each in declared.items()}


def _first(error: Exception) -> str:
    return str(error).splitlines()[0][:300]


def opened(
    conn: Connection, store: Store, endpoint: Endpoint, *, files: Sequence[Path] = (), dataset: str | None = None,
    where: str | None = None, sql: str | None = None,
) -> list[Source]:  # fmt: skip
    """What is to be scored: files, a dataset or a query, and exactly one of the three. Raises UsageError."""
    given = [bool(files), dataset is not None, sql is not None]
    if sum(given) != 1 or (where is not None and dataset is None):
        raise UsageError(
            "rows are given by --file, by --dataset (with --where) or by --sql, one of them",
            next=f"argosy predict {endpoint.fleet} --file rows.parquet",
        )
    if dataset is not None:
        return [of_dataset(conn, store, dataset, where)]
    if sql is not None:
        return [of_query(conn, store, sql)]
    declared = spine(conn, endpoint.fleet)
    return [of_file(path, endpoint, declared) for path in files]
