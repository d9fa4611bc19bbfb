"""Recorded contributions: taken in beside the predictions, and what versions leant on by them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from argosy.controller import survey
from argosy.controller.act import record
from argosy.controller.action import Record
from argosy.controller.house import House
from argosy.controller.plan import explanations, predictions
from argosy.controller.watching import recorded
from argosy.controller.watching.recorded import HIDDEN, Leaning, leaning, leanings
from argosy.data.dtype import INSTANT
from argosy.data.read import scan
from tests.controller.conftest import START
from tests.controller.watching import test_attributed as attributed

pytestmark = pytest.mark.slow

FLEET, WHO = "late-arrival", "late-arrival/*@1"


def land(
    house: House, moved: list[dict[str, float]], *, name: str = "1", at: datetime = START, share: float | None = 0.5,
    hidden: float | None = None,
) -> pl.DataFrame:  # fmt: skip
    """A segment of explained rows; how they would be found among the answered ones."""
    rows = pl.DataFrame(
        {
            "row_key": [f"{at:%H%M}-{place}" for place in range(len(moved))],
            "at": [at + timedelta(seconds=place) for place in range(len(moved))],
            "share": [share] * len(moved), "space": ["log_odds"] * len(moved), "base": [-1.0] * len(moved),
            "hidden": [hidden] * len(moved),
            "contributions": [[{"feature": k, "contribution": v} for k, v in each.items()] for each in moved],
        },
        schema_overrides={"at": INSTANT, "hidden": pl.Float64, "share": pl.Float64},
    ).with_columns(version=pl.lit(WHO), member=pl.lit("LGA/AA"))  # fmt: skip
    folder = house.places.segments / FLEET / record.EXPLANATIONS
    folder.mkdir(parents=True, exist_ok=True)
    rows.write_ipc(folder / f"{name}.arrow")
    return rows.select("row_key", "at", "version")


def take_in(house: House) -> str:
    return record.run(house, survey.observe(house, START), Record(FLEET, "a test"), START)


def lately(house: House, told: pl.DataFrame, least: int = 2, most: int = 100) -> dict[str, Leaning]:
    with house.store.read() as conn:
        return leanings(house, conn, FLEET, told, least, most)


def one(house: House, key: str, at: datetime = START) -> dict[str, Any] | None:
    with house.store.read() as conn:
        return recorded.one(conn, house.store, FLEET, key, at, WHO)


def test_explained_rows_are_a_dataset_of_their_own(house: House) -> None:
    land(house, [{"distance": 0.5}, {"distance": 1.0}])
    assert survey.observe(house, START).fleets[FLEET].segments == 1
    assert take_in(house).endswith("2 explained rows from 1 segment")
    land(house, [{"distance": 0.5}])
    assert take_in(house).endswith("0 explained rows from 0 segments")  # a segment of this name is in
    assert take_in(house) == f"{predictions(FLEET)}: 0 answered rows from 0 segments"
    with house.store.read() as conn:
        rows = scan(conn, house.store, explanations(FLEET)).collect()
    assert rows["contributions"].to_list()[0] == [{"feature": "distance", "contribution": 0.5}]


def test_what_a_version_leant_on_is_of_rows_that_were_drawn(house: House) -> None:
    drawn = land(house, [{"distance": 1.0, "hour": -1.0}, {"distance": -5.0, "hour": 1.0}])
    asked = land(house, [{"distance": 0.0, "hour": 90.0}] * 3, name="2", at=START + timedelta(hours=1), share=None)
    assert lately(house, drawn) == {}
    take_in(house)
    told = pl.concat([drawn, asked])
    assert lately(house, told) == {WHO: Leaning(2, {"distance": 0.75, "hour": 0.25})}
    assert lately(house, told, least=3) == {} and lately(house, told.filter(pl.col("version") == "?")) == {}
    assert lately(house, told, least=1, most=1)[WHO].shares["distance"] == pytest.approx(5 / 6)


def test_tagged_features_count_as_one(house: House) -> None:
    told = land(house, [{"distance": 1.0}, {"distance": -1.0}], hidden=3.0)
    take_in(house)
    assert lately(house, told) == {WHO: Leaning(2, {"distance": 0.25, HIDDEN: 0.75})}
    moved = np.array([[1.0, 2.0, 1.0], [-1.0, 4.0, -1.0]])
    assert leaning(["distance", "a", "b"], moved, {"distance", HIDDEN}).shares == {"distance": 0.25, HIDDEN: 0.75}


def test_the_row_that_is_looked_for_is_found_as_it_was_asked_for_first(house: House) -> None:
    land(house, [{"distance": 0.5}])
    land(house, [{"distance": 0.25}], name="2", share=None)
    assert one(house, "0000-0") is None
    take_in(house)
    found = one(house, "0000-0")
    assert found is not None and found["contributions"] == [{"feature": "distance", "contribution": 0.25}]
    assert one(house, "0000-1") is None and one(house, "0000-0", START + timedelta(hours=1)) is None


def test_a_look_takes_what_was_recorded_and_explains_nothing_then(house: House) -> None:
    attributed.record(house, 150, lost=True)  # none of the values that were answered on
    before = attributed.look(house)[1][0]
    assert attributed.POOLED in attributed.seen(house, before).left_out
    land(house, [{"distance": 1.0 + place} for place in range(100)], hidden=0.0)
    take_in(house)
    attributed.record(house, 1, START + timedelta(hours=2), lost=True)
    table, (fact,) = attributed.look(house, attributed.NOW + timedelta(hours=2))
    found = attributed.seen(house, fact)
    assert found.left_out == {} and found.seen[WHO] == Leaning(100, {"distance": 1.0, HIDDEN: 0.0})
    assert set(found.trained[WHO].shares) == {"distance", HIDDEN} and found.trained[WHO].shares[HIDDEN] > 0.5
    assert table["value"].item() == pytest.approx(found.trained[WHO].shares[HIDDEN])
