"""A job answers what is not there, and what is there again only where its answers would be others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest

from argosy.controller.house import House
from argosy.controller.scoring import account, landing
from argosy.controller.scoring.chunk import Terms
from argosy.controller.scoring.history import History
from argosy.controller.scoring.job import Job
from argosy.controller.scoring.shelf import Shelf
from argosy.controller.scoring.source import Source, of_dataset, of_file, of_query, spine
from argosy.data.read import scan
from argosy.errors import ConflictError, InputError, UnknownError
from argosy.serving.routing import Endpoint, Route
from argosy.serving.snapshot import Source as Facts
from argosy.store import edges, executions
from tests.controller.conftest import START

FLEET = "late-arrival"
TERMS = Terms(at=None)


@pytest.fixture
def endpoint(house: House) -> Endpoint:
    routing = Facts(house.store)()
    assert routing is not None
    return routing.endpoint(FLEET)


@pytest.fixture
def history(house: House, endpoint: Endpoint) -> History:
    with house.store.read() as conn:
        found = History.of(conn, house.store, endpoint)
    assert found is not None
    return found


@pytest.fixture
def sources(house: House, endpoint: Endpoint, tmp_path: Path) -> list[Source]:
    """Two files: the flights of one carrier each."""
    with house.store.read() as conn:
        rows, declared = scan(conn, house.store, "flights").collect(), spine(conn, FLEET)
    paths = [tmp_path / "aa.parquet", tmp_path / "mq.parquet"]
    for path, carrier in zip(paths, ("AA", "MQ"), strict=True):
        rows.filter(pl.col("carrier") == carrier).write_parquet(path)
    return [of_file(path, endpoint, declared) for path in paths]


def test_what_is_there_is_kept_until_a_version_that_answers_it_is_another(
    house: House, endpoint: Endpoint, history: History, sources: list[Source], tmp_path: Path
) -> None:
    shelf, told = Shelf(tmp_path / "shelf"), list[int]()

    def done(endpoint: Endpoint, terms: Terms = TERMS) -> list[str]:
        """Run the job; the addresses of its chunks that were not there before."""
        with shelf.held():
            job = Job(house.store, endpoint, sources, shelf, terms, START)
            fresh = [each.path for each in job.chunks if not each.path.exists()]
            job.run(history, told.append)
            counted = account.count([each.path for each in job.chunks])
            assert counted.rows == counted.answered == job.rows and all(each.path.exists() for each in job.chunks)
        return [path.name[:6] for path in fresh]

    assert done(endpoint) == ["000000", "000001"] and told[-1] == sum(told[-2:]) - told[-2] > 0
    assert done(endpoint) == []
    assert endpoint.pooled.champion is not None
    other = msgspec.structs.replace(endpoint.pooled.champion, address=f"{FLEET}/LGA/AA@7")
    moved = msgspec.structs.replace(endpoint, routes=endpoint.routes | {"LGA/AA": Route(other)})
    assert done(moved) == ["000000"]
    assert done(moved, Terms(at=START)) == ["000000", "000001"]
    assert done(moved, Terms(at=START + timedelta(days=1), floating=True)) == ["000000", "000001"]  # views are read
    plain = msgspec.structs.replace(moved, lead=timedelta(hours=9))
    assert done(plain) == ["000000", "000001"]


def test_rows_land_once_with_all_that_they_come_from_and_without_what_is_tagged(
    house: House, endpoint: Endpoint, history: History, sources: list[Source], tmp_path: Path
) -> None:
    terms = Terms(at=None, timed=True, drop=frozenset({"tailnum"}))
    store, shelf = house.store, Shelf(tmp_path / "shelf")
    with shelf.held():
        job = Job(store, endpoint, sources, shelf, terms, START)
        with store.read() as conn:
            landing.allowed(conn, "scores")
            assert landing.landed(conn, "scores", job) is None
        job.run(history, lambda done: None)
        run = landing.execution(FLEET, job, START, START, "tester", {"cpu": 1.0, "wall": 2.0})
        read = [each for source in sources for each in source.read]
        version = landing.land(store, "scores", FLEET, job, read, run)
        with store.read() as conn:
            assert landing.landed(conn, "scores", job) == version
        with pytest.raises(ConflictError, match="1 source already in scores"):
            landing.land(store, "scores", FLEET, job, read, run)
    with store.read() as conn:
        landing.allowed(conn, "scores")
        for taken in ("flights", history.versions[0].partition("@")[0]):
            with pytest.raises(ConflictError, match="filled by something else"):
                landing.allowed(conn, taken)
        rows = scan(conn, store, "scores").collect()
        found = executions.get(conn, [version.execution_id or 0])[version.execution_id or 0]
        links = {(each.direction, each.kind, each.reference) for each in edges.of(conn, [found.id])}
    assert rows.height == job.rows == version.added and "tailnum" not in rows.columns and "distance" in rows.columns
    assert (found.kind, found.subject, found.key, found.metrics) == ("predict", FLEET, job.key, {"rows": job.rows})
    assert links == {("out", "dataset", "scores@1"), *(("in", kind, reference) for kind, reference in read)}


def test_sources_are_checked_before_any_row_is_scored(
    house: House, endpoint: Endpoint, sources: list[Source], tmp_path: Path
) -> None:
    def job(rows: pl.LazyFrame, terms: Terms = TERMS) -> Job:
        source = msgspec.structs.replace(sources[0], rows=rows)
        return Job(house.store, endpoint, [source], Shelf(tmp_path), terms, START)

    rows = sources[0].rows
    with pytest.raises(InputError, match=r"aa\.parquet lacks carrier, which fleet 'late-arrival' needs"):
        job(rows.drop("carrier"))
    with pytest.raises(InputError, match="has a column 'prediction', which is what a part of the answers is called"):
        job(rows.with_columns(prediction=0.5))
    with pytest.raises(InputError, match="has a column 'at'"):
        job(rows.with_columns(at=0), Terms(at=None, timed=True))
    assert job(rows.with_columns(at=0)).rows == rows.collect().height
    with pytest.raises(InputError, match=r"aa\.parquet cannot be read"):
        job(rows.with_columns(carrier=pl.col("carrier").cast(pl.Int64)))


def test_a_file_that_changes_between_the_plan_and_the_answers_is_refused(
    house: House, endpoint: Endpoint, history: History, sources: list[Source], tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    with shelf.held():
        job = Job(house.store, endpoint, sources[:1], shelf, TERMS, START)
        fewer = sources[0].rows.head(5).collect()
        fewer.write_parquet(tmp_path / "aa.parquet")
        with pytest.raises(ConflictError, match=r"aa\.parquet changed while it was read"):
            job.run(history, lambda done: None)
    assert not list(shelf.folder.glob("*.parquet"))


def test_of_each_key_the_row_that_became_known_last_is_scored(house: House) -> None:
    with house.store.read() as conn:
        whole, part = (of_dataset(conn, house.store, "flights", where) for where in (None, "carrier = 'AA'"))
        rows = scan(conn, house.store, "flights", latest=True).collect()
        query = of_query(conn, house.store, "select * from flights where carrier = 'AA'")
        with pytest.raises(UnknownError, match="no dataset flights@9 with rows"):
            of_dataset(conn, house.store, "flights@9", None)
    assert whole.rows.collect().height == rows.height and whole.content != part.content
    expected = rows.filter(pl.col("carrier") == "AA").height
    assert part.rows.collect().height == query.rows.collect().height == expected
    assert whole.read == query.read and query.kept
