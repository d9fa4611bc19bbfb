"""Rows on stdout and in files, whatever table they are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from argosy.cli import show, target
from argosy.errors import InputError
from argosy.spec.quantity import plural

SHOWN = 20
KINDS = (".parquet", ".csv", ".json", ".arrow")
"""Endings of the files that rows are written to."""
_CHUNK = 50_000


def tell(rows: pl.LazyFrame, count: int, name: str, *, limit: int | None, json: bool) -> None:
    """Show the first rows of `count`: `limit` of them, or `SHOWN`."""
    most = min(limit if limit is not None else SHOWN, count)
    found = rows.head(most).collect(engine="streaming")
    if json:
        show.emit(found.to_dicts())
        return
    numeric = [kind.is_numeric() for kind in found.dtypes]
    show.table([f">{name}" if number else name for name, number in zip(found.columns, numeric, strict=True)],
               found.iter_rows(), counts=())  # fmt: skip
    if most < count:
        show.say(f"the first {most:,} of {count:,} rows of {name}; write all of them with --to FILE")


def write(rows: pl.LazyFrame, count: int, name: str, path: Path, *, limit: int | None, force: bool) -> None:
    """Write rows as they are read, however many. Raises InputError where the kind of file cannot hold them."""
    sink(rows if limit is None else rows.head(limit), path, force=force)
    part = f"{limit:,} of " if limit is not None and limit < count else ""
    show.say(f"{part}{plural(count, 'row')} of {name} written to {path}")


def sink(rows: pl.LazyFrame, path: Path, *, force: bool) -> None:
    """Make rows a file, as they are read; `force` replaces one that is there. Raises as `write` does."""
    sinks = (rows.sink_parquet, rows.sink_csv, lambda partial: _json(rows, partial), rows.sink_ipc)
    writers: dict[str, Callable[[Path], object]] = dict(zip(KINDS, sinks, strict=True))
    with target.whole(path, KINDS, replace=force) as partial:
        try:
            writers[path.suffix.lower()](partial)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(
                f"{path} cannot be written: {str(error).splitlines()[0]:.300}",
                next="check the disk; Parquet holds every column, nested ones too",
            ) from error


def _json(rows: pl.LazyFrame, path: Path) -> None:
    """One list of objects, a line each. Raises OSError where fewer come than there are."""
    count = 0
    with path.open("w") as file:
        before = "[\n"
        for batch in rows.collect_batches(chunk_size=_CHUNK):
            count += batch.height
            for line in batch.write_ndjson().splitlines():
                file.write(f"{before}{line}")
                before = ",\n"
        file.write("\n]\n" if before == ",\n" else "[]\n")
    if count != (there := rows.select(pl.len()).collect().item()):  # what reads may stop, and say so on stderr alone
        raise OSError(f"{count:,} of {there:,} rows came")
