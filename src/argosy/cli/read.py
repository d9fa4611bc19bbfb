"""`argosy read`: the rows of a version of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter
from sqlalchemy import Connection

from argosy.cli import home, show, target
from argosy.cli.option import Common
from argosy.data.read import scan
from argosy.data.state import REJECTED
from argosy.errors import InputError, UnknownError, UsageError
from argosy.registry.address import Address, parse
from argosy.spec.quantity import plural
from argosy.store import datasets
from argosy.store.datasets import Version

_SHOWN, _CHUNK = 20, 50_000


def read(
    dataset: str, /, *, to: Path | None = None, limit: int | None = None,
    force: Annotated[bool, Parameter(negative="")] = False, common: Common | None = None,
) -> int:  # fmt: skip
    """Show the rows of a version of a dataset, or write them to a file, in order of arrival.

    A row that was corrected occurs once for each time at which it became known.

    For example:
      argosy read flights
      argosy read flights@12 --to flights-12.parquet
      argosy read flights@12 --to some.csv --limit 1000
      argosy read flights --json --limit 3

    Parameters
    ----------
    dataset
        The dataset, or one of its versions. Default: the latest version that was not rejected.
    to
        Where to write the rows: .parquet, .csv or .json. Default: stdout.
    limit
        How many rows, the first ones. Default: 20 on stdout, all of them in a file.
    force
        Replace the file if it is there.
    """
    given = common or Common()
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} is less than 1", next="ask for at least one row")
    with home.open(given.home) as store:
        with store.read() as conn:
            version = _version(conn, parse(dataset))
            rows = scan(conn, store, version.dataset, version.number)
        most = limit if limit is not None or to is not None else _SHOWN
        rows, count = (rows, version.rows) if most is None else (rows.head(most), min(most, version.rows))
        if to is not None:
            _write(rows, to, force)
            part = f"{count:,} of " if count < version.rows else ""
            show.say(f"{part}{plural(version.rows, 'row')} of {version.dataset}@{version.number} written to {to}")
            return 0
        found = rows.collect(engine="streaming")
    if given.json:
        show.emit(found.to_dicts())
        return 0
    numeric = [kind.is_numeric() for kind in found.dtypes]
    show.table([f">{name}" if number else name for name, number in zip(found.columns, numeric, strict=True)],
               found.iter_rows(), counts=())  # fmt: skip
    if count < version.rows:
        shown = f"the first {count:,} of {version.rows:,} rows of {version.dataset}@{version.number}"
        show.say(f"{shown}; write all of them with --to FILE")
    return 0


def _version(conn: Connection, asked: Address) -> Version:
    """The version that is meant. Raises UnknownError where there is none, or where its contract rejected it."""
    name = asked.fleet
    last = datasets.version(conn, name)
    if last is None or asked.key:
        raise UnknownError(f"there is no dataset {asked.member} with rows", next="argosy get datasets")
    rejected = {each.from_version for each in datasets.parts(conn, name, last.number, purpose=REJECTED)}
    if asked.number in rejected:
        raise UnknownError(
            f"{asked} was rejected by its contract: it has no rows to read",
            next=f"argosy why {name}, or argosy approve {asked} to take its rows in",
        )
    number = asked.number or next((each for each in range(last.number, 0, -1) if each not in rejected), None)
    if number is None:
        raise UnknownError(
            f"every version of {name} was rejected by its contract",
            next=f"argosy why {name}, or argosy approve {name}@1",
        )
    version = datasets.version(conn, name, number)
    if version is None:
        raise datasets.absent(str(asked), last)
    return version


def _write(rows: pl.LazyFrame, path: Path, force: bool) -> None:
    """Write rows as they are read, however many. Raises InputError where the kind of file cannot hold them."""
    writers: dict[str, Callable[[Path], object]] = {
        ".parquet": rows.sink_parquet,
        ".csv": rows.sink_csv,
        ".json": lambda partial: _json(rows, partial),
    }
    with target.whole(path, writers, replace=force) as partial:
        try:
            writers[path.suffix.lower()](partial)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(
                f"{path} cannot be written: {str(error).splitlines()[0]:.300}",
                next="check the disk; Parquet holds every column, nested ones too",
            ) from error


def _json(rows: pl.LazyFrame, path: Path) -> None:
    """One list of objects, a line each."""
    with path.open("w") as file:
        before = "[\n"
        for batch in rows.collect_batches(chunk_size=_CHUNK):
            for line in batch.write_ndjson().splitlines():
                file.write(f"{before}{line}")
                before = ",\n"
        file.write("\n]\n" if before == ",\n" else "[]\n")
