"""`argosy predict`: the rows of a file, scored as the inference server would score them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from argosy.cli import home, show, target
from argosy.cli.option import Common
from argosy.cli.role import Readers
from argosy.controller.wanted import wanted
from argosy.data import csv
from argosy.errors import InputError, UsageError
from argosy.serving.batch import Batch
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.check import moment
from argosy.serving.routing import Endpoint, Routing
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from argosy.spec.dataset import Dataset
from argosy.spec.fleet import Fleet
from argosy.spec.quantity import plural
from argosy.spec.source import Csv
from argosy.store import Store

_ROWS = 50_000
_TYPES: dict[str, pl.DataType] = {
    "BOOL": pl.Boolean(), "INT64": pl.Int64(), "FP64": pl.Float64(), "BYTES": pl.String(),
    "TIME": pl.Datetime("us", "UTC"),
}  # fmt: skip


def predict(
    fleet: str, /, *, file: Path, to: Path | None = None, at: str | None = None, common: Common | None = None
) -> int:
    """Score the rows of a file: each is routed to its member and answered by the version that serves now.

    Feature views are read as of each row's decision time. Nothing is recorded as served.

    For example:
      argosy predict late-arrival --file rows.parquet --to scored.parquet
      argosy predict late-arrival --file rows.csv
      argosy predict late-arrival --file rows.json --json | jq .[0]
      argosy predict late-arrival --file rows.parquet --at 2013-04-01T12:00:00Z

    Parameters
    ----------
    fleet
        The fleet.
    file
        Rows as Parquet, CSV, or JSON (a list of objects, or one object a line). Times without an offset are read in
        the zone that the fleet's dataset declares for its CSV files; where it declares none, they are refused.
    to
        Where to write the rows with their predictions: .parquet, .csv or .json. Default: stdout.
    at
        The decision time of all rows. Default: each row's event time minus the fleet's lead where the file has it,
        else now.
    """
    given = common or Common()
    if not file.exists():
        raise UsageError(f"there is no file {file}", next="check --file")
    with home.open(given.home) as store:
        now = home.clock(store).now()
        routing = Source(store)() or Routing(0, {})
        endpoint = routing.endpoint(fleet)
        spine = _spine(store, fleet)
        rows = _read(file, endpoint, spine)
        read = _instants(endpoint, rows, spine.source.zone if isinstance(spine.source, Csv) else None)
        moments = _moments(endpoint, read, at, now)
        answers = pl.concat(list(_score(store, endpoint, read, moments, now)))
    scored = rows.hstack(answers)
    if to is not None:
        _write(scored, to)
        used = plural(answers["version"].n_unique(), "version")
        show.say(f"{plural(scored.height, 'row')} scored by {used}, written to {to}")
    elif given.json:
        show.emit(scored.to_dicts())
    else:
        names = [name for name in (*endpoint.by, *spine.key) if name in rows.columns]
        shown = scored.select(*dict.fromkeys(names), *answers.columns).head(100)
        show.table([f">{n}" if n == "prediction" else n for n in shown.columns], shown.iter_rows(), counts=())
        if scored.height > shown.height:
            show.say(f"the first {shown.height} of {scored.height:,} rows; write all of them with --to FILE")
    return 0


def _read(path: Path, endpoint: Endpoint, spine: Dataset) -> pl.DataFrame:
    """The rows of a file. Raises InputError that names the file and what is wrong with it."""
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".parquet": pl.read_parquet,
        ".csv": lambda path: _csv(path, endpoint, spine),
        ".json": _json,
        ".jsonl": pl.read_ndjson,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path} is of no known kind", next=f"name a file that ends in {', '.join(readers)}")
    try:
        rows = reader(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{path} cannot be read: {str(error)[:300]}", next="check that it is what its name says"
        ) from error
    if rows.is_empty():
        raise InputError(f"{path} holds no rows", next="give at least one")
    return rows


def _csv(path: Path, endpoint: Endpoint, spine: Dataset) -> pl.DataFrame:
    """The rows of a CSV file as ingest reads them, in the types that the endpoint takes.

    Where the fleet's dataset is of CSV files, this one is written as they are.
    """
    source = spine.source if isinstance(spine.source, Csv) else Csv(str(path))
    expected = {each.name: _TYPES[each.datatype] for each in endpoint.inputs}
    dates = {each.name for each in endpoint.inputs if each.datatype == "TIME"}
    rows, _, _ = csv.parse(path.read_bytes(), str(path), source, expected, dates, spine.tags)
    return rows


def _json(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:
        return pl.read_ndjson(path) if file.read(1) == b"{" else pl.read_json(path, infer_schema_length=10_000)


def _spine(store: Store, fleet: str) -> Dataset:
    """The dataset that a fleet with an endpoint is trained on."""
    with store.read() as conn:
        declared = wanted(conn)
    found = declared["fleet", fleet].declaration
    assert isinstance(found, Fleet)
    spine = declared["dataset", found.spine].declaration
    assert isinstance(spine, Dataset)
    return spine


def _instants(endpoint: Endpoint, rows: pl.DataFrame, zone: str | None) -> pl.DataFrame:
    """The rows with the times that the endpoint takes in UTC; those without an offset are read in `zone`.

    Raises InputError for one without an offset where no zone is given, in the words of an answer over HTTP.
    """
    names = [each.name for each in endpoint.inputs if each.datatype == "TIME" and each.name in rows.columns]
    return rows.with_columns(_instant(rows[name], zone) for name in names)


def _instant(column: pl.Series, zone: str | None) -> pl.Series:
    where, bare = f"column {column.name!r}", column
    told = pl.Series(column.name, [None] * column.len(), _TYPES["TIME"])
    if column.dtype == pl.String:
        read = [None if text is None else _iso(text, where) for text in column]
        at = [each.astimezone(UTC) if each is not None and each.tzinfo else None for each in read]
        told = pl.Series(column.name, at, _TYPES["TIME"])
        naive = [each if each is not None and not each.tzinfo else None for each in read]
        bare = pl.Series(column.name, naive, pl.Datetime("us"))
    elif column.dtype != pl.Date and not (isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is None):
        return column
    bare = bare.cast(pl.Datetime("us"))
    if bare.null_count() == bare.len():
        return told
    if zone is None:
        moment(bare.drop_nulls()[0].isoformat(), where)  # it has no offset, which is refused
    made = bare.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    lost = made.is_null() & bare.is_not_null()
    if lost.any():
        raise InputError(
            f"{where} holds {bare.filter(lost)[0]} in row {_row(lost)}, which does not exist in {zone}",
            next="write it with its offset",
        )
    return told.zip_with(told.is_not_null(), made)


def _iso(text: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return moment(text, where)  # it is no time, which is refused


def _moments(endpoint: Endpoint, rows: pl.DataFrame, at: str | None, now: datetime) -> datetime | list[datetime]:
    """The decision time of all rows, or of each."""
    if at is not None:
        try:
            return moment(at, "--at")
        except InputError as error:
            raise UsageError(error.message, next=error.next) from error
    if endpoint.time is None or endpoint.time not in rows.columns:
        return now
    times = _typed(rows, endpoint.time, "TIME")
    if times.null_count():
        raise InputError(
            f"{endpoint.time} is missing in {plural(times.null_count(), 'row')}, so there is no decision time",
            next="fill it in, or give --at",
        )
    decided: list[datetime] = (times - endpoint.lead).to_list()
    return decided


def _score(
    store: Store, endpoint: Endpoint, rows: pl.DataFrame, moments: datetime | list[datetime], now: datetime
) -> Iterator[pl.DataFrame]:
    """Answers of the rows, `_ROWS` at a time."""
    missing = [name for name in sorted(endpoint.required) if name not in rows.columns]
    if missing:
        raise InputError(
            f"the file lacks {', '.join(missing)}, which fleet {endpoint.fleet!r} needs",
            next=f"it takes {', '.join(each.name for each in endpoint.inputs)}",
        )
    columns = {
        each.name: _typed(rows, each.name, each.datatype) for each in endpoint.inputs if each.name in rows.columns
    }
    for name in endpoint.by:
        if columns[name].null_count():
            lacking = plural(columns[name].null_count(), "row")
            raise InputError(f"{name} is missing in {lacking}", next="every row needs its key")
    readers = Readers(str(store.blobs.root.parent))(store.home)
    scorer = Scorer(ModelCache(blob_loader(store.blobs)), lambda: now, readers)
    for start in range(0, rows.height, _ROWS):
        part = slice(start, min(start + _ROWS, rows.height))
        values: dict[str, list[Any]] = {name: column[part].to_list() for name, column in columns.items()}
        when = moments if isinstance(moments, datetime) else moments[part]
        answer = scorer.answer(scorer.plan(Batch(endpoint, values, part.stop - part.start, "offline", when)))
        found: dict[str, Any] = {"prediction": answer.predictions, "version": answer.versions, "route": answer.routes}
        yield pl.DataFrame(found | ({} if answer.stale is None else {"stale": answer.stale}))


def _typed(rows: pl.DataFrame, name: str, datatype: str) -> pl.Series:
    """A column in the type that the endpoint takes. Raises InputError with the first value that does not fit."""
    column, wanted = rows[name], _TYPES[datatype]
    if column.dtype == wanted:
        return column
    made = column.cast(wanted, strict=False)
    lost = made.is_null() & column.is_not_null()
    if lost.any():
        raise InputError(
            f"column {name!r} holds {str(column.filter(lost)[0])[:40]!r} in row {_row(lost)}, wanted {wanted}",
            next="correct the file",
        )
    return made


def _row(lost: pl.Series) -> int:
    """The number of the first row that is lost, as people count them."""
    first = lost.arg_max()
    assert first is not None
    return first + 1


def _write(rows: pl.DataFrame, path: Path) -> None:
    writers: dict[str, Callable[[Path], object]] = {
        ".parquet": rows.write_parquet,
        ".csv": rows.write_csv,
        ".json": rows.write_json,
    }
    with target.whole(path, writers, replace=True) as partial:
        writers[path.suffix.lower()](partial)
