"""Carry out a `Materialise`: a view's new rows, into parts for training and into the online store for serving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import Connection

from argosy.controller.action import Materialise
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.controller.wanted import Wanted
from argosy.data.dtype import parse_all
from argosy.data.read import append, scan, union
from argosy.errors import CapacityError, ConflictError, DeclarationError, LeaseError
from argosy.features.reader import HISTORY
from argosy.features.source import Source
from argosy.spec import duration
from argosy.spec.dataset import Dataset
from argosy.spec.feature import FeatureView, ViewReference
from argosy.spec.fleet import Fleet
from argosy.spec.quantity import plural
from argosy.store import datasets, edges, executions
from argosy.store.store import Store

_STEP = timedelta(days=7)


def run(house: House, snapshot: Snapshot, action: Materialise, now: datetime) -> str:
    """Compute the view's rows for what its dataset gained; the same rows answer offline and online."""
    wanted = snapshot.wanted["feature_view", action.view]
    view, dataset = wanted.declaration, snapshot.wanted["dataset", _dataset(wanted)].declaration
    assert isinstance(view, FeatureView) and isinstance(dataset, Dataset)
    house.functions(wanted)
    name, done = rows_name(view.name, wanted), snapshot.materialised.get(view.name, 0)
    with house.store.read() as conn:
        since = done or _computed(conn, name, action.version)
        frame = compute(conn, house.store, view, dataset, since, action.version)
        earlier = datasets.version(conn, name)
    if earlier is not None:
        types = union(name, parse_all(earlier.columns), frame.schema)
        wider = [pl.col(each).cast(types[each]) for each, held in frame.schema.items() if held != types[each]]
        frame = frame.with_columns(wider) if wider else frame
    given = source(view, dataset, frame.columns)
    _expire(house, now)
    try:
        _keep_online(house, action.subject, given, frame, earlier, anew=done == 0)
    except CapacityError:
        house.online.expire(now, HISTORY)
        _keep_online(house, action.subject, given, frame, earlier, anew=done == 0)
    _commit(house, wanted, view, dataset, frame, action.version, now)
    return f"{view.name}: {plural(frame.height, 'row')} from {dataset.name}@{action.version}"


def rows_name(view: str, wanted: Wanted) -> str:
    """The dataset that holds a view's computed rows; other code or another declaration makes another one."""
    return f"{view}.features.{wanted.fingerprint[:12]}"


def source(view: FeatureView, dataset: Dataset, columns: list[str]) -> Source:
    """What the join and the online store need to know of a view whose rows have these columns."""
    keys = {*view.entity, dataset.time, dataset.known}
    features = tuple(name for name in columns if name not in keys)
    ttl = duration.parse(view.ttl) if view.ttl else None
    return Source(view.name, view.entity, dataset.time, dataset.known, features, ttl)


def sources(snapshot: Snapshot, fleet: Fleet) -> Iterator[tuple[FeatureView, Source, datasets.Version | None]]:
    """The views of a fleet as the join knows them, each with the version of its computed rows: None before any."""
    for name in [each.name for each in fleet.features if isinstance(each, ViewReference)]:
        wanted = snapshot.wanted["feature_view", name]
        view, dataset = wanted.declaration, snapshot.wanted["dataset", _dataset(wanted)].declaration
        assert isinstance(view, FeatureView) and isinstance(dataset, Dataset)
        version = snapshot.versions.get(rows_name(name, wanted))
        yield view, source(view, dataset, list(version.columns) if version is not None else []), version


def compute(
    conn: Connection, store: Store, view: FeatureView, dataset: Dataset, done: int, version: int
) -> pl.DataFrame:
    """The view's rows that versions after `done` up to `version` bring, computed with the history of `lookback`.

    In order of time, known time and entity, whatever order the view left them in: the same rows are the same bytes.
    """
    fresh = datasets.parts(conn, dataset.name, version, since=done)
    lows = [part.low for part in fresh if part.low is not None]
    if not lows:
        rows = scan(conn, store, dataset.name, version).head(0)
    elif view.lookback is None:
        rows = scan(conn, store, dataset.name, version, since=done)
    else:
        rows = scan(conn, store, dataset.name, version, low=min(lows) - duration.parse(view.lookback))
    result = view(rows)
    _check(view, dataset, result)
    if lows and view.lookback is not None:
        result = result.filter(pl.col(dataset.time) >= min(lows))
    known = [dataset.known] if dataset.known else []
    return result.sort(dataset.time, *known, *view.entity, maintain_order=True).collect()


def _computed(conn: Connection, name: str, version: int) -> int:
    """Up to which version of its dataset a view's rows lie there, from when its code was this code before; 0 if never.

    Versions that brought no rows leave no trace: looking at them again costs little.
    """
    keys = {f"{name}@{number}": number for number in range(1, version + 1)}
    return max((keys[key] for key in datasets.ingested(conn, name, keys)), default=0)


def _keep_online(
    house: House, subject: str, given: Source, frame: pl.DataFrame, earlier: datasets.Version | None, *, anew: bool
) -> None:  # fmt: skip
    """Add the rows online; with `anew`, or where a type has widened, they and all earlier ones replace what is there.

    Whoever reads meanwhile has the old rows or the new ones. Nothing is written under a lost lease: it is looked at
    when no other process can write any more.
    """

    def permitted() -> None:
        with house.write(subject):
            pass

    if not anew:
        try:
            house.online.write(given, frame, permitted)
        except LeaseError:
            raise
        except ConflictError:
            anew = True
    if anew:
        house.online.replace(given, _whole(house, frame, earlier), permitted)


def _expire(house: House, now: datetime) -> None:
    """Drop online rows that no request may ask for any more; looked at once a week, as each entity is stepped to."""
    if house.expired_at is None or abs(now - house.expired_at) >= _STEP:
        house.online.expire(now, HISTORY)
        house.expired_at = now


def _whole(house: House, frame: pl.DataFrame, earlier: datasets.Version | None) -> pl.DataFrame:
    """The rows of a view, those of its earlier version first."""
    if earlier is None:
        return frame
    with house.store.read() as conn:
        before = scan(conn, house.store, earlier.dataset, earlier.number).collect()
    return pl.concat([before, frame], how="diagonal_relaxed")


def _check(view: FeatureView, dataset: Dataset, result: object) -> None:
    if not isinstance(result, pl.LazyFrame):
        raise DeclarationError(
            f"feature view {view.name} returned {type(result).__name__}; it must return a LazyFrame",
            next="return rows.select(…) without collect()",
        )
    have = result.collect_schema().names()
    times = tuple(dict.fromkeys(filter(None, (dataset.time, dataset.known))))
    missing = [name for name in (*view.entity, *times) if name not in have]
    if missing:
        raise DeclarationError(
            f"feature view {view.name} lacks {', '.join(missing)}; it has {', '.join(have)}",
            next=f"keep the entity columns, {' and '.join(map(repr, times))} in what it returns",
        )


def _commit(
    house: House, wanted: Wanted, view: FeatureView, dataset: Dataset, frame: pl.DataFrame, version: int, now: datetime
) -> None:
    key = f"{rows_name(view.name, wanted)}@{version}"
    run = executions.NewExecution(
        key=key,
        kind="materialise",
        subject=f"view:{view.name}",
        started_at=now,
        ended_at=now,
        bundle=wanted.bundle,
        parameters={"view": view.name, "version": version, "fingerprint": wanted.fingerprint},
        metrics={"rows": frame.height},
    )
    read = ("dataset", f"{dataset.name}@{version}")
    if not frame.is_empty():
        append(
            house.store,
            rows_name(view.name, wanted),
            frame,
            time=dataset.time,
            known=dataset.known,
            sources=[key],
            now=now,
            cause=f"materialised from {dataset.name}@{version}",
            execution=run,
            inputs=[read],
            actor=house.actor,
            work=lambda tx, _: house.hold(tx, f"view:{view.name}"),
        )
        return
    with house.write(f"view:{view.name}") as tx:
        (id,) = executions.record(tx, [run])
        edges.add(tx, [edges.Edge(execution_id=id, direction=edges.IN, kind=read[0], reference=read[1])])


def _dataset(wanted: Wanted) -> str:
    assert isinstance(wanted.declaration, FeatureView)
    return wanted.declaration.dataset
