"""A house: the functions of a project run from its bundle, with the files that they read beside themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from argosy.controller.apply import Applied, apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.project import forget
from argosy.controller.scoring import views
from argosy.controller.scoring.chunk import Terms
from argosy.controller.scoring.job import Job
from argosy.controller.scoring.portion import PRELOAD
from argosy.controller.scoring.shelf import Shelf
from argosy.controller.scoring.source import of_dataset
from argosy.controller.wanted import wanted
from argosy.engine.cluster import Cluster
from argosy.serving.snapshot import Source as Facts
from argosy.spec.feature import FeatureView
from argosy.spec.fleet import POOLED
from argosy.store import bundles, versions
from argosy.store.store import Store
from tests.controller.conftest import START

NOW = datetime(2013, 1, 1, tzinfo=UTC)
MODULE = """
import json
from pathlib import Path

import argosy as ag
import polars as pl

HERE = Path(__file__).parent
TABLES = HERE / "tables"


def rows(since):
    yield pl.read_csv(HERE / "landed.csv")


weather = ag.Dataset("weather", time="t", source=ag.Function(rows))


@ag.feature_view(dataset=weather, entity="origin")
def conditions(rows: pl.LazyFrame) -> pl.LazyFrame:
    codes = json.loads((TABLES / "codes.json").read_text())
    return rows.select(pl.col("origin").replace_strict(codes))
"""


class Desk:
    """A project that is applied and run."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.days = store, folder, 0
        for name, text in {"weather.py": MODULE, "tables/codes.json": '{"JFK": 1}', "landed.csv": "t\n1\n"}.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)

    def apply(self) -> Applied:
        """Apply it, a day later."""
        self.days += 1
        return apply(self.store, self.folder / "weather.py", NOW + timedelta(days=self.days), "ann")

    def run(self) -> list[int]:
        """What the view in force makes of a row, by a house of its own."""
        with self.store.read() as conn:
            view = wanted(conn)["feature_view", "conditions"]
        assert isinstance(view.declaration, FeatureView)
        with House(self.store) as house:
            house.functions(view)
            return view.declaration(pl.LazyFrame({"origin": ["JFK"]})).collect()["origin"].to_list()


@pytest.fixture
def desk(home: Path, tmp_path: Path) -> Iterator[Desk]:
    """A home and a project that was not applied yet."""
    with Store.open(home) as store:
        yield Desk(store, tmp_path / "project")
    forget(str(tmp_path / "project"))


def test_a_table_beside_the_module_counts_and_is_read_as_it_was_applied(desk: Desk) -> None:
    first = desk.apply()
    with desk.store.read() as conn:
        bundle = bundles.get(conn, first.bundle)
    assert bundle is not None
    assert set(bundle.modules) == {"weather.py", "tables/codes.json"}
    (desk.folder / "tables/codes.json").write_text('{"JFK": 2}')
    assert desk.run() == [1]
    second = desk.apply()
    assert [(each.name, each.changes) for each in second.differences] == [
        ("conditions", ("code of weather:conditions: changed",))
    ]
    assert second.bundle != first.bundle
    assert desk.run() == [2]


def test_what_a_source_reads_is_data(desk: Desk) -> None:
    first = desk.apply()
    (desk.folder / "landed.csv").write_text("t\n2\n")
    assert desk.apply() == Applied("weather", first.bundle, ())


@pytest.mark.slow
def test_a_cluster_makes_the_versions_and_answers_that_this_machine_makes(
    trained: Path, project: Path, home: Path, tmp_path: Path
) -> None:
    environment = {"ARGOSY_ENGINE": "ray"}
    with Cluster(cpus=2) as cluster, Store.open(home) as store:
        cluster.connect()
        apply(store, project / "flights.py", START, "tester")
        with House(store, workers=2, environment=environment) as house:
            assert house.spread and not [each.said for each in tick(house, START) if each.failed]
            made = _artifacts(store)
            scored = [_scored(store, tmp_path / name, house if name == "there" else None) for name in ("here", "there")]
    with Store.open(trained) as local:
        assert made == _artifacts(local) and len(made) == 3
    assert scored[0].equals(scored[1]) and scored[0]["prediction"].null_count() == 0


def _artifacts(store: Store) -> list[str]:
    """The pooled model, and those of two members."""
    with store.read() as conn:
        found = [versions.find(conn, "late-arrival", key) for key in (POOLED, "LGA/AA", "LGA/MQ")]
    return [each.artifact for each in found if each is not None]


def _scored(store: Store, folder: Path, house: House | None) -> pl.DataFrame:
    """Flights as workers of the house answer them, or this process."""
    routing = Facts(store)()
    assert routing is not None
    endpoint = routing.endpoint("late-arrival")
    with store.read() as conn:
        rows = of_dataset(conn, store, "flights", None)
    folder.mkdir()
    job = Job(store, endpoint, [rows], Shelf(folder), Terms(at=None), START)
    job.run(views.opened(store, endpoint), lambda _: None, house.engine(None, PRELOAD) if house else None)
    return pl.concat([pl.read_parquet(each.path) for each in job.chunks])
