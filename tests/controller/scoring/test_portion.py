"""Workers answer as this process does, wherever they are."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from argosy.controller.house import House
from argosy.controller.scoring import views
from argosy.controller.scoring.chunk import Terms
from argosy.controller.scoring.job import Job
from argosy.controller.scoring.portion import PRELOAD
from argosy.controller.scoring.shelf import Shelf
from argosy.controller.scoring.source import of_file, spine
from argosy.data.read import scan
from argosy.engine.contract import Engine
from argosy.engine.local import Local
from argosy.errors import ConflictError, InputError
from argosy.serving.snapshot import Source as Facts
from tests.controller.conftest import START

FLEET = "late-arrival"


class Desk:
    """Three files of flights, and jobs over them."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder = house, folder
        routing = Facts(house.store)()
        assert routing is not None
        self.endpoint = routing.endpoint(FLEET)
        with house.store.read() as conn:
            rows, self.declared = scan(conn, house.store, "flights").collect(), spine(conn, FLEET)
        self.paths = [folder / f"{number}.parquet" for number in range(3)]
        for number, path in enumerate(self.paths):
            rows.slice(100 * number, 100).write_parquet(path)

    def job(self, shelf: str, **terms: bool) -> Job:
        (self.folder / shelf).mkdir(exist_ok=True)
        place = Shelf(self.folder / shelf)
        sources = [of_file(path, self.endpoint, self.declared) for path in self.paths]
        return Job(self.house.store, self.endpoint, sources, place, Terms(at=None, **terms), START)

    def run(self, job: Job, engine: Engine | None, told: list[int]) -> pl.DataFrame:
        job.run(views.opened(self.house.store, self.endpoint), told.append, engine)
        return pl.concat([pl.read_parquet(each.path) for each in job.chunks])


@pytest.fixture
def desk(house: House, tmp_path: Path) -> Desk:  # type: ignore[override]
    return Desk(house, tmp_path)


@pytest.mark.slow
def test_workers_answer_as_this_process_does_and_go_on(desk: Desk) -> None:
    told: list[int] = []
    here = desk.run(desk.job("here"), None, [])
    with Local(2, preload=PRELOAD) as engine:
        job = desk.job("there")
        there = desk.run(job, engine, told)
        assert there.equals(here) and sorted(told) == [100, 200, 300]
        job.chunks[1].path.unlink()
        told.clear()
        assert desk.run(desk.job("there"), engine, told).equals(here) and told == [300]


@pytest.mark.slow
def test_what_a_worker_raises_is_raised_here(desk: Desk) -> None:
    with Local(1, preload=PRELOAD) as engine:
        rows = pl.read_parquet(desk.paths[1]).with_columns(distance=pl.lit("far"))
        rows.write_parquet(desk.paths[1])
        with pytest.raises(InputError, match=r"row 1 of .*1.parquet has no prediction"):
            desk.run(desk.job("strict", strict=True), engine, [])
        job = desk.job("changed")
        rows.head(50).write_parquet(desk.paths[1])
        with pytest.raises((ConflictError, InputError), match=r"1.parquet (changed|cannot be read)"):
            desk.run(job, engine, [])
