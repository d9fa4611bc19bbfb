"""Why a dataset has no rows: every way in names its source, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from argosy.console import planned, table
from argosy.controller import survey
from argosy.controller.apply import apply, draft
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.plan import plan
from argosy.controller.project import load
from argosy.controller.supply import lacks
from argosy.controller.survey import foresee, observe
from argosy.controller.wanted import wanted
from argosy.controller.why import why
from argosy.data import file
from argosy.store import datasets
from argosy.store.store import Store
from tests.controller.test_observe import statements

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
PROJECT = """
import argosy as ag
import polars as pl
from argosy.spec.estimator import Estimator

STATE = "{state}"

def deliver(since):
    if STATE == "raises":
        raise ConnectionError("the shop is closed")
    ids = [] if STATE == "empty" else [1, 2]
    at = pl.lit("{at}").str.to_datetime(time_zone="UTC")
    yield pl.DataFrame({{"id": ids, "x": ids}}, schema={{"id": pl.Int64, "x": pl.Float64}}).select(
        "id", "x", at.alias("t"), late=pl.col("id") > 1
    )

orders = ag.Dataset("orders", time="t", source={source})
late = ag.Fleet(
    "late", spine=orders, label="late", features=["x"],
    candidates=[ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"))],
)
"""
PARQUET, FUNCTION = 'ag.Parquet("data/*.parquet")', "ag.Function(deliver)"
SQL = 'ag.Sql("postgresql+psycopg://ann:${SECRET}@127.0.0.1:1/shop", "select * from orders")'


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    with Store.open(home) as store, House(store, workers=1, environment={"SECRET": "open-sesame"}) as made:
        yield made


def declare(
    house: House, folder: Path, source: str, state: str = "", at: str = "2024-02-01", now: datetime = NOW
) -> None:  # fmt: skip
    module = folder / "shop.py"
    module.write_text(dedent(PROJECT.format(source=source, state=state, at=at)))
    apply(house.store, module, now, "tester")


def told(house: House, now: datetime = NOW) -> str:
    """Why orders lack rows, in the same words wherever it is asked."""
    snapshot = observe(house, now)
    waits = [action.why for action in plan(snapshot, now).actions if action.subject == "dataset orders"]
    with house.store.read() as conn:
        found = lacks(conn, wanted(conn), ["orders"], datasets.latest(conn))
        dataset, fleet = why(conn, snapshot, "orders", now), why(conn, snapshot, "late", now)
        page, (entry,) = table.read(conn, "orders", now), table.index(conn, now).data
        assert survey.glance(conn, NOW).lacks == ({} if snapshot.versions else {"orders": str(found["orders"])})
        steps = [step.why for step in planned.page(conn, now).data.steps]
    lack = found["orders"]
    assert page.lack == entry.lack == lack
    (source,) = (topic for topic in dataset.topics if topic.title == "Source")
    assert source.says.endswith(lack.says) and source.details[-1] == f"next: {lack.next}"
    if not snapshot.versions:
        assert waits == steps == [f"orders has no rows yet, so late cannot train: {lack}"]
        assert lack.says in dataset.summary
        (data,) = (topic for topic in fleet.topics if topic.title == "Data")
        assert data.details == (f"orders: empty, {lack}",)
    return str(lack)


def test_a_pattern_that_matches_no_file(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    declare(house, folder, PARQUET)
    what = "put files there, or mend the path of its source and apply that"
    assert told(house) == f"data/*.parquet matches no file in {folder} ({what})"


def test_a_project_that_is_not_applied_is_told_the_same(house: House, tmp_path: Path) -> None:
    module = tmp_path / "shop.py"
    module.write_text(dedent(PROJECT.format(source=PARQUET, state="", at="2024-02-01")))
    snapshot = foresee(house, NOW, draft(load(module)[0]), module)
    assert snapshot.lacks["orders"].startswith(f"data/*.parquet matches no file in {tmp_path} (")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.parquet").touch()
    assert foresee(house, NOW, draft(load(module)[0]), module).lacks == {}


def test_a_database_that_cannot_be_reached(house: House, tmp_path: Path) -> None:
    declare(house, tmp_path, SQL)
    with house.store.read() as conn:
        assert lacks(conn, wanted(conn), ["orders", "others"], ()) == {}
    tick(house, NOW)
    said = told(house)
    assert said.startswith(
        "its last ingest failed at 2024-03-01 12:00: orders: postgresql+psycopg://ann:***@127.0.0.1:1/shop cannot be "
        "reached: "
    )
    assert said.endswith("(start the database, or mend the URL or what fills it in)")
    with house.store.read() as conn:
        assert "open-sesame" not in str(why(conn, observe(house, NOW), "orders", NOW))


def test_a_function_that_raises_until_it_is_mended(house: House, tmp_path: Path) -> None:
    declare(house, tmp_path, FUNCTION, "raises")
    tick(house, NOW)
    assert told(house) == (
        "its last ingest failed at 2024-03-01 12:00: ConnectionError: the shop is closed (shop.py line 10, in "
        "deliver), raised by shop:deliver, the source of orders (mend its source; it is tried again at the next pass)"
    )
    declare(house, tmp_path, FUNCTION, "gives", now=LATER)
    tick(house, LATER)
    with house.store.read() as conn:
        assert lacks(conn, wanted(conn), ["orders"], datasets.latest(conn)) == {}
    declare(house, tmp_path, FUNCTION, "raises", now=LATER + timedelta(hours=1))
    tick(house, LATER + timedelta(hours=1))
    assert told(house, LATER + timedelta(hours=1)).startswith("its last ingest failed at 2024-03-01 15:00: Connection")


@pytest.mark.parametrize(("state", "at"), [("empty", "2024-02-01"), ("gives", "2025-02-01")])
def test_a_function_that_gives_nothing_yet(house: House, tmp_path: Path, state: str, at: str) -> None:
    declare(house, tmp_path, FUNCTION, state, at)
    assert not [each for each in tick(house, NOW) if each.failed]
    said = "shop:deliver gave no row known by 2024-03-01 12:00, when it was last read"
    assert told(house) == f"{said} (it is asked again every minute)"


EMPTY = ['ag.Parquet(f"data/{i}/*.parquet")', 'ag.Sql("sqlite:///none.db", f"select {i} where false")']


@pytest.mark.parametrize("source", EMPTY)
def test_a_pass_over_fifty_empty_datasets_asks_as_much_as_over_five_and_lists_each_pattern_once(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: Counter[str] = Counter()
    real = file.listed

    def counted(pattern: str, root: Path) -> list[file.File]:
        listed[pattern] += 1
        return real(pattern, root)

    monkeypatch.setattr(file, "listed", counted)
    asked = {}
    for count in (5, 50):
        module = tmp_path / str(count) / "shops.py"
        module.parent.mkdir()
        (module.parent / "none.db").touch()
        every = f"{{f'd{{i}}': ag.Dataset(f'd{{i}}', time='t', source={source}) for i in range({count})}}"
        module.write_text(f"import argosy as ag\nglobals().update({every})\n")
        with Store.open(module.parent / "home") as store, House(store, workers=1) as house:
            apply(store, module, NOW, "tester")
            tick(house, NOW)
            listed.clear()
            with statements() as seen:
                assert tick(house, NOW) == []
            asked[count] = seen
            assert sorted(listed.values()) == [1] * (count if "Parquet" in source else 0)
            assert len(observe(house, NOW).lacks) == count
    assert asked[5] == asked[50]
