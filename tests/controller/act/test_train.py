from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from argosy.controller import survey
from argosy.controller.action import Train
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.plan import plan
from argosy.controller.why import why
from argosy.store import Store, members, versions
from tests.controller.conftest import START

SLICES = 'slices=["weekday", '


def declare(project: Path, slices: str) -> Path:
    module = project / "flights.py"
    text = module.read_text()
    assert SLICES in text
    module.write_text(text.replace(SLICES, slices))
    return module


@pytest.mark.slow
def test_versions_tell_of_the_slices_of_their_held_out_rows(house: House) -> None:
    with house.store.read() as conn:
        found = versions.of(conn, list(members.ids(conn, "late-arrival").values()))
    assert {version.member_id for version in found} > set()
    for version in found:
        held, slices = version.body["held_out"]["rows"], version.body["slices"]
        assert set(slices) == {"weekday", "long haul"}
        for shares in slices.values():
            assert sum(share["rows"] for share in shares) == held
            assert all(set(share["scores"]) <= {"log_loss", "roc_auc"} for share in shares)
            mean = sum(share["rows"] * share["scores"]["log_loss"][0] for share in shares) / held
            assert mean == pytest.approx(version.metrics["log_loss"])
        assert {share["value"] for share in slices["weekday"]} == set("1234567")
        assert {share["value"] for share in slices["long haul"]} <= {"true", "false"}


@pytest.mark.slow
def test_other_slices_make_nobody_train(house: House, project: Path) -> None:
    apply(house.store, declare(project, 'slices=["dest", '), START, "tester")
    actions = plan(survey.observe(house, START), START).actions
    assert not [action for action in actions if type(action).__name__ == "Train"]


@pytest.mark.slow
def test_a_slice_that_fails_costs_no_training(fresh: House, project: Path) -> None:
    year = 'ag.Slice("year", pl.col("carrier").str.to_integer()), '
    apply(fresh.store, declare(project, f'slices=["wekday", {year}"weekday", '), START, "tester")
    done = tick(fresh, START)
    assert not [each.said for each in done if each.failed]
    (said,) = (each.said for each in done if isinstance(each.action, Train))
    assert "; slice 'wekday' is left out: " in said and "; slice 'year' is left out: " in said
    with fresh.store.read() as conn:
        found = versions.of(conn, list(members.ids(conn, "late-arrival").values()))
    assert found and all(set(version.body["slices"]) == {"weekday", "long haul"} for version in found)


ALONE = """
import argosy as ag
import polars as pl
from lightgbm import LGBMClassifier

rows = ag.Dataset("rows", time="at", key="id", source=ag.Parquet("rows.parquet"))
alone = ag.Fleet(
    "alone", spine=rows, label="late", features=["x", "kind"], candidates=[LGBMClassifier(n_estimators=20)],
    slices=["SLICE"], split=ag.TimeSplit(test="5d"), gates=[ag.Gate("roc_auc", minimum=0.6)],
)
"""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[House, Path]]:
    """A house in which a fleet without a key may be applied, and its module."""
    draw = random.Random(3)
    x = [draw.gauss(0, 1) for _ in range(900)]
    pl.DataFrame({
        "id": range(900), "at": [START - timedelta(hours=900 - i) for i in range(900)], "x": x,
        "kind": [draw.choice("ab") for _ in x], "late": [value + draw.gauss(0, 0.5) > 0 for value in x],
    }).write_parquet(tmp_path / "rows.parquet")  # fmt: skip
    with Store.open(tmp_path / "home") as store, House(store, workers=1) as house:
        yield house, tmp_path / "alone.py"


@pytest.mark.slow
def test_a_fleet_without_a_key_is_one_member_from_training_to_why(alone: tuple[House, Path]) -> None:
    house, module = alone
    module.write_text(ALONE.replace("SLICE", "kind"))
    apply(house.store, module, START, "tester")
    assert not [each.said for each in tick(house, START) if each.failed]
    with house.store.read() as conn:
        (version,) = versions.of(conn, list(members.ids(conn, "alone").values()))
        told = why(conn, survey.observe(house, START), "alone", START)
    assert version.key and {share["value"] for share in version.body["slices"]["kind"]} == {"a", "b"}
    assert sum(share["rows"] for share in version.body["slices"]["kind"]) == version.body["held_out"]["rows"]
    assert (told.kind, told.summary.partition(":")[0]) == ("member", "serving")
    assert not plan(survey.observe(house, START), START).actions


@pytest.mark.slow
def test_a_slice_of_no_column_waits_where_no_view_could_bring_it(alone: tuple[House, Path]) -> None:
    house, module = alone
    module.write_text(ALONE.replace("SLICE", "knid"))
    apply(house.store, module, START, "tester")
    tick(house, START)
    (wait,) = plan(survey.observe(house, START), START).actions
    assert "rows has no column 'knid'; it has id, at, x, kind, late" in wait.why
