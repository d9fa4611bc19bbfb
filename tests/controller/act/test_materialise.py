"""Materialising a view: going back to earlier code, rows whose types widened, and a known time that is not kept."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from argosy.controller import survey
from argosy.controller.act.materialise import HISTORY, source
from argosy.controller.action import Ingest, Materialise
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import Done, tick
from argosy.controller.plan import plan
from argosy.data.dtype import INSTANT
from argosy.data.read import scan
from argosy.features.join import join
from argosy.features.online import Online
from argosy.store import datasets
from argosy.store.store import Store
from tests.controller.conftest import START


def declare(house: House, project: Path, pattern: str, by: str) -> None:
    module = project / "flights.py"
    changed = re.sub(pattern, by, module.read_text())
    assert changed != module.read_text(), pattern
    module.write_text(changed)
    apply(house.store, module, START, "tester")


def due(house: House) -> list[str]:
    return [a.view for a in plan(survey.observe(house, START), START).actions if isinstance(a, Materialise)]


def act(house: House) -> list[Done]:
    done = tick(house, START, only=(Ingest, Materialise))
    assert not [each.said for each in done if each.failed]
    return done


def answers(house: House, name: str, entity: dict[str, Any], at: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the online store and the join over the rows kept offline say of one entity at one moment."""
    wanted = survey.observe(house, START).wanted
    view = wanted["feature_view", name].declaration
    dataset = wanted["dataset", view.dataset].declaration  # type: ignore[union-attr]
    table = f"{name}.features.{wanted['feature_view', name].fingerprint[:12]}"
    with house.store.read() as conn:
        version = datasets.version(conn, table)
        assert version is not None
        given = source(view, dataset, list(version.columns))  # type: ignore[arg-type]
        spine = pl.DataFrame({**{k: [v] for k, v in entity.items()}, "at": [at]})
        offline = join(spine, "at", [(given, scan(conn, house.store, table))]).select(given.columns)
    online = house.online.read([given], {k: [v] for k, v in entity.items()}, at)
    return online.select(given.columns), offline


def test_a_view_that_goes_back_to_earlier_code_answers_as_it_did(house: House, project: Path) -> None:
    moment = START - timedelta(days=3)
    before, _ = answers(house, "conditions", {"origin": "LGA"}, moment)
    for pattern, by in ((r', "pressure"\)', ")"), (r'"precip"\)', '"precip", "pressure")')):
        declare(house, project, pattern, by)
        assert due(house) == ["conditions"]
        act(house)
        assert due(house) == []
    online, offline = answers(house, "conditions", {"origin": "LGA"}, moment)
    assert before["pressure"].item() is not None
    assert online.equals(before, null_equal=True) and offline.equals(before, null_equal=True)


def test_why_a_view_could_not_be_computed_is_known_until_it_is_declared_otherwise(house: House, project: Path) -> None:
    declare(house, project, r"return rows.select\(\"origin\"", 'return rows.select("gust", "origin"')
    assert survey.observe(house, START).failed == {}
    tick(house, START, only=(Ingest, Materialise))
    seen = survey.observe(house, START)
    assert seen.outdated == {"conditions"} == seen.failed.keys()
    assert "gust" in seen.failed["conditions"]
    declare(house, project, r'rows.select\("gust", ', "rows.select(")
    assert survey.observe(house, START).failed == {}


def test_rows_that_bring_a_wider_type_are_kept_online_with_those_before(house: House, project: Path) -> None:
    declare(house, project, r'type="Int64", nullable=False, minimum=1, maximum=600', "nullable=False, minimum=1")
    planes = pl.read_parquet(project / "data" / "planes.parquet")
    known, time = planes["tailnum"][0], pl.lit(START - timedelta(days=1)).cast(planes.schema["published_at"])
    more = planes.head(1).with_columns(tailnum=pl.lit("N0"), seats=pl.lit(2.5), published_at=time)
    pl.concat([planes, more], how="diagonal_relaxed").write_parquet(project / "data" / "planes.parquet")
    assert "aircraft" in [each.action.view for each in act(house) if isinstance(each.action, Materialise)]
    assert due(house) == []
    for tail, seats in (("N0", 2.5), (known, float(planes["seats"][0]))):
        online, offline = answers(house, "aircraft", {"tailnum": tail}, START)
        assert online.equals(offline, null_equal=True) and online["seats"].to_list() == [seats]


def test_a_view_keeps_the_known_time_of_its_dataset_so_that_late_rows_do_not_leak(house: House, project: Path) -> None:
    declare(house, project, r'time="published_at",', 'time="published_at", known="registered_at",')
    declare(house, project, r'"published_at", "seats"', '"published_at", seats=pl.col("seats") * 1')
    (failed,) = [each for each in tick(house, START, only=(Materialise,)) if each.failed]
    assert "aircraft lacks registered_at" in failed.said and "keep the entity columns" in failed.said


def test_history_online_counts_back_from_the_data_whatever_the_clock_says(house: House, project: Path) -> None:
    declare(house, project, r', "pressure"\)', ")")
    later = START + 40 * HISTORY
    assert not [each.said for each in tick(house, later, only=(Materialise,)) if each.failed]
    for moment in (START - timedelta(days=3), START):
        online, offline = answers(house, "conditions", {"origin": "LGA"}, moment)
        assert offline["temp"].item() is not None and online.equals(offline, null_equal=True)


BOARDS = """
import argosy as ag
import polars as pl

boards = ag.Dataset("boards", time="at", source=ag.Parquet("data/*.parquet"))


@ag.feature_view(dataset=boards, entity="gate")
def delays(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select("gate", "at", "delay")
"""


def test_a_full_online_store_expires_before_its_week_is_over_and_takes_the_rows(home: Path, tmp_path: Path) -> None:
    """Five years of 100 gates were taken in yesterday, when nothing was old; 4,000 more gates come today."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "boards.py").write_text(BOARDS)

    def arrive(name: str, gates: int, moments: list[datetime]) -> None:
        every = pl.DataFrame({"gate": [f"{name}{i}" for i in range(gates)], "delay": 1.0})
        times = pl.DataFrame({"at": pl.Series(moments, dtype=INSTANT)})
        every.join(times, how="cross").write_parquet(data / f"{name}.parquet")

    with Store.open(home) as store, House(store) as house:
        apply(store, tmp_path / "boards.py", START, "tester")
        house.online.close()
        house.online = Online(house.places.online, map_size=1 << 19)
        arrive("A", 100, [START - n * timedelta(days=30) for n in range(60)])
        act(house)
        tomorrow = START + timedelta(days=1)
        arrive("B", 4_000, [tomorrow])
        done = tick(house, tomorrow, only=(Ingest, Materialise))
        assert len(done) == 2 and not [each.said for each in done if each.failed]
        for gate in ("A0", "A99", "B0", "B3999"):
            online, offline = answers(house, "delays", {"gate": gate}, tomorrow)
            assert online.equals(offline) and online["delay"].item() == 1.0
        assert house.online.expire(tomorrow, HISTORY) == 0
