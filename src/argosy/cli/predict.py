"""`argosy predict`: rows of files, datasets or a query, scored by the versions that answer now."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import polars as pl
from cyclopts import Parameter

from argosy.cli import home, rows, show, target
from argosy.cli.option import Worked
from argosy.cli.progress import Progress
from argosy.controller.house import House, Places
from argosy.controller.scoring import account, landing, portion, source
from argosy.controller.scoring import views as sight
from argosy.controller.scoring.account import Account
from argosy.controller.scoring.chunk import Terms
from argosy.controller.scoring.history import History
from argosy.controller.scoring.job import Job
from argosy.controller.scoring.shelf import Shelf
from argosy.controller.scoring.source import Source
from argosy.engine.contract import Engine
from argosy.errors import InputError, UsageError
from argosy.serving.bulk.view import Views
from argosy.serving.check import moment
from argosy.serving.routing import Endpoint, Routing
from argosy.serving.snapshot import Source as Facts
from argosy.spec.quantile import column
from argosy.spec.quantity import plural
from argosy.store import Store

_SHOWN, _REASONS = 100, 3
_DATASET = "dataset:"


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call: the store, who answers, what is read, how, and what people or programs want to see of it."""

    store: Store
    endpoint: Endpoint
    views: Views | None
    engine: Engine | None
    sources: list[Source]
    terms: Terms
    now: datetime
    force: bool
    json: bool


def predict(
    fleet: str, /, *, file: Annotated[list[Path] | None, Parameter(consume_multiple=True)] = None,
    dataset: str | None = None, where: str | None = None, sql: str | None = None, to: str | None = None,
    at: str | None = None, strict: Annotated[bool, Parameter(negative="")] = False,
    canaries: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False, common: Worked | None = None,
) -> int:  # fmt: skip
    """Score rows, however many: each is routed to its member and answered by the champion, or the pooled model.

    Feature views are read as of each row's decision time. A row that does not fit, or that nobody answers, has no
    prediction and a reason. Nothing is recorded as served. Into a directory or a dataset, the same command goes on
    after one that was interrupted.

    For example:
      argosy predict late-arrival --file rows.parquet --to scored.parquet
      argosy predict late-arrival --file rows.json --json | jq .[0]
      argosy predict late-arrival --file day-1.parquet day-2.parquet --to scored/
      argosy predict late-arrival --dataset flights@12 --where "origin = 'JFK'" --to dataset:scores
      argosy predict late-arrival --sql "select * from flights order by distance limit 1000" --at 2013-04-01T12:00:00Z

    Parameters
    ----------
    fleet
        The fleet.
    file
        Rows as Parquet, Arrow, CSV, or JSON (a list of objects, or one object a line). Times without an offset are read
        in the zone that the fleet's dataset declares for its CSV files; where it declares none, they are refused.
    dataset
        The rows of a dataset, of its latest version or of NAME@VERSION.
    where
        Those of the dataset for which this condition holds, in SQL.
    sql
        What this query gives, over the latest versions of the datasets that it names.
    to
        Where to write the rows with their predictions: a file (.parquet, .csv, .json or .arrow), a directory (DIR/),
        or dataset:NAME, as one version of it, without columns that are tagged. Default: stdout.
    at
        The decision time of all rows. Default: each row's event time minus the fleet's lead where they have it, else
        now.
    strict
        Refuse all rows where one would have no prediction.
    canaries
        Let canaries answer the share of the rows that they have of requests.
    force
        Replace a file that is there already.
    """
    given = common or Worked()
    with home.open(given.home) as store, House(store, environment=given.environment()) as house:
        now = home.clock(store).now()
        endpoint = (Facts(store)() or Routing(0, {})).endpoint(fleet)
        with store.read() as conn:
            sources = source.opened(conn, store, endpoint, files=file or (), dataset=dataset, where=where, sql=sql)
        engine = house.engine(None, portion.PRELOAD) if house.spread else None
        asked = _Asked(
            store=store, endpoint=endpoint, views=sight.opened(store, endpoint), engine=engine, sources=sources,
            terms=_terms(endpoint, sources, at, now, strict=strict, canaries=canaries), now=now, force=force,
            json=given.json,
        )  # fmt: skip
        return _put(asked, to)


def _put(asked: _Asked, to: str | None) -> int:
    """Score the rows to where they are wanted."""
    if to is None:
        return _show(asked)
    if to.startswith(_DATASET):
        return _land(asked, to.removeprefix(_DATASET))
    return _fill(asked, Path(to)) if to.endswith("/") or Path(to).is_dir() else _write(asked, Path(to))


def _terms(
    endpoint: Endpoint, sources: Sequence[Source], at: str | None, now: datetime, *, strict: bool, canaries: bool
) -> Terms:  # fmt: skip
    """How the rows are to be scored."""
    if at is not None:
        try:
            return Terms(at=moment(at, "--at"), strict=strict, canaries=canaries)
        except InputError as error:
            raise UsageError(error.message, next=error.next) from error
    timed = [endpoint.time in each.rows.collect_schema().names() for each in sources]
    if all(timed):
        return Terms(at=None, strict=strict, canaries=canaries)
    if any(timed):
        raise InputError(
            f"{sources[timed.index(False)].name} lacks {endpoint.time}, and {sources[timed.index(True)].name} has it",
            next="score them one by one, or give --at",
        )
    return Terms(at=now, floating=True, strict=strict, canaries=canaries)


def _run(asked: _Asked, shelf: Shelf) -> Job:
    """Answer all rows, and say how far it has come."""
    job = Job(asked.store, asked.endpoint, asked.sources, shelf, asked.terms, asked.now)
    _answer(asked, job)
    return job


def _answer(asked: _Asked, job: Job) -> float:
    """The CPU seconds that workers took."""
    progress = Progress()
    try:
        return job.run(
            asked.views, lambda done: progress.tell(lambda: f"{done:,} of {job.rows:,} rows scored"), asked.engine
        )
    finally:
        progress.end()


def _show(asked: _Asked) -> int:
    """The first rows on a terminal, all of them for programs."""
    lengths = [] if asked.json else [each.rows.select(pl.len()).collect().item() for each in asked.sources]
    if not asked.json:
        asked = msgspec.structs.replace(asked, sources=[_head(each) for each in asked.sources], engine=None)
    with _apart(Path(tempfile.gettempdir())) as shelf:
        job = _run(asked, shelf)
        found = _rows(job).collect()
        counted = account.count([each.path for each in job.chunks])
    if asked.json:
        show.emit(found.to_dicts())
        return _code(counted)
    with asked.store.read() as conn:
        spine = source.spine(conn, asked.endpoint.fleet)
    numbers = ("prediction", "lower", "upper", *map(column, asked.endpoint.quantiles))
    answers = [*numbers, "version", "route", "stale"]
    answers = [name for name in answers if name in found.columns]
    answers += ["reason"] if found["reason"].count() else []
    names = [name for name in (*asked.endpoint.by, *spine.key) if name in found.columns]
    shown = found.select(*dict.fromkeys(names), *answers).head(_SHOWN)
    show.table([f">{n}" if n in numbers else n for n in shown.columns], shown.iter_rows(), counts=())
    if sum(lengths) > shown.height:
        show.say(f"the first {shown.height} of {sum(lengths):,} rows; write all of them with --to FILE")
    return _code(counted)


def _head(source: Source) -> Source:
    return msgspec.structs.replace(source, rows=source.rows.head(_SHOWN), kept=False)


def _write(asked: _Asked, path: Path) -> int:
    """One file, whole or not at all."""
    target.check(path, rows.KINDS, replace=asked.force)
    with _apart(path.parent) as shelf:
        job = _run(asked, shelf)
        rows.sink(_rows(job), path, force=asked.force)
        counted = account.count([each.path for each in job.chunks])
    return _tell(asked, counted, f"written to {path}", to=str(path))


def _fill(asked: _Asked, folder: Path) -> int:
    """A directory of Parquet files, those of another run of this command taken out at the end."""
    shelf = Shelf(folder)
    with shelf.held():
        job = _run(asked, shelf)
        shelf.leave(each.path for each in job.chunks)
    return _tell(asked, account.count([each.path for each in job.chunks]), f"written to {folder}", to=str(folder))


def _land(asked: _Asked, name: str) -> int:
    """One version of a dataset, with its lineage; what is in already is not added again."""
    if asked.terms.floating and asked.endpoint.views:
        raise UsageError(
            f"the rows have no {asked.endpoint.time}, and fleet {asked.endpoint.fleet!r} reads feature views: "
            f"what they hold depends on the decision time",
            next=f"state it, so that the same rows are known again: --at {asked.now:%Y-%m-%dT%H:%M:%SZ}",
        )
    tagged = frozenset[str]().union(*(each.tagged for each in asked.sources))
    asked = msgspec.structs.replace(asked, terms=msgspec.structs.replace(asked.terms, timed=True, drop=tagged))
    store, begun = asked.store, (time.process_time(), time.perf_counter())
    with store.read() as conn:
        landing.allowed(conn, name)
    shelf = Shelf(Places.of(store).scoring / name)
    with shelf.held():
        job = Job(store, asked.endpoint, asked.sources, shelf, asked.terms, asked.now)
        with store.read() as conn:
            there = landing.landed(conn, name, job)
        if there is not None:
            shelf.leave(())
            return _nothing(asked, job, f"{name}@{there.number}")
        spent = _answer(asked, job)
        counted = account.count([each.path for each in job.chunks])
        costs = {"cpu": spent + time.process_time() - begun[0], "wall": time.perf_counter() - begun[1]}
        run = landing.execution(
            asked.endpoint.fleet, job, asked.now, home.clock(store).now(), home.actor(), costs
        )  # fmt: skip
        version = landing.land(store, name, asked.endpoint.fleet, job, _read(asked, counted), run)
        shelf.leave(())
    return _tell(asked, counted, f"added as {name}@{version.number}", to=f"{name}@{version.number}")


def _read(asked: _Asked, counted: Account) -> list[tuple[str, str]]:
    """What the rows and their answers come from, by kind and reference."""
    found = [each for source in asked.sources for each in source.read]
    found += [("version", each) for each in counted.versions]
    return found + [("dataset", each) for each in (asked.views.versions if isinstance(asked.views, History) else ())]


def _nothing(asked: _Asked, job: Job, version: str) -> int:
    if asked.json:
        show.emit({"to": version, "rows": job.rows, "added": 0})
    else:
        show.say(f"nothing to add: {version} holds the same {plural(job.rows, 'row')}, answered by the same versions")
    return 0


def _tell(asked: _Asked, counted: Account, where: str, *, to: str) -> int:
    """What came of it."""
    if asked.json:
        show.emit({"to": to, "added": counted.rows} | msgspec.to_builtins(counted))
        return _code(counted)
    used = plural(len(counted.versions), "version")
    lacking = counted.rows - counted.answered
    said = plural(counted.rows, "row") if not lacking else f"{counted.answered:,} of {plural(counted.rows, 'row')}"
    show.say(f"{said} scored by {used}, {where}")
    if lacking:
        show.say(f"{plural(lacking, 'row')} without a prediction:")
        for reason, count in list(counted.reasons.items())[:_REASONS]:
            show.say(f"  {count:,}: {reason}")
        if len(counted.reasons) > _REASONS:
            show.say(f"  {len(counted.reasons) - _REASONS:,} more reasons, beside their rows in the column 'reason'")
        show.say(f"  next: argosy why {shlex.quote(asked.endpoint.fleet)}, or see what these rows hold")
    return _code(counted)


def _code(counted: Account) -> int:
    """A run that answers no row has failed."""
    return 0 if counted.answered else 1


def _rows(job: Job) -> pl.LazyFrame:
    return pl.concat([pl.scan_parquet(each.path, glob=False) for each in job.chunks], how="diagonal_relaxed")


@contextmanager
def _apart(folder: Path) -> Iterator[Shelf]:
    """A shelf that nobody sees, gone at the end."""
    place = Path(tempfile.mkdtemp(prefix=".argosy-", dir=folder))
    try:
        yield Shelf(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
