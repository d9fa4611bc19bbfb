"""The rows of a training set that are nearest to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from argosy.controller import neighbour
from argosy.controller.neighbour import nearest
from argosy.features.trainingset import Columns, TrainingSet, build
from argosy.model.signature import Feature, Signature
from argosy.training.plan import everyone
from argosy.training.rows import Member

START = datetime(2024, 1, 1, tzinfo=UTC)
FEATURES = (
    Feature("miles", "number"), Feature("place", "category", ("JFK", "LGA")), Feature("wet", "boolean"),
    Feature("same", "number"),
)  # fmt: skip
ROW: dict[str, Any] = {"miles": 7.0, "place": "JFK", "wet": True, "same": 3.0}


@pytest.fixture
def data(tmp_path: Path) -> TrainingSet:
    """Twenty rows of each of two carriers, their miles from 0 to 19."""
    rows = [
        {
            "carrier": carrier, "at": START + timedelta(hours=n), "miles": float(n) if n != 3 else None,
            "place": "JFK" if n % 2 else "LGA", "wet": n % 4 == 3, "same": 3.0,
            "late": (n % 3 == 0) == (carrier == "AA"),
        }
        for carrier in ("AA", "UA") for n in range(20)
    ]  # fmt: skip
    signature = Signature(FEATURES, "binary", "late")
    return build(pl.DataFrame(rows), signature, Columns(("carrier",), "at", "late"), tmp_path / "sets" / "one")


def digest(data: TrainingSet, member: str) -> str:
    """As a training records it."""
    lines = [Member(*line) for line in data.members.select("member", "start", "rows", "digest").iter_rows()]
    if member == "*":
        return everyone([each for each in lines if each.key != "*"])
    return next(each.digest for each in lines if each.key == member)


def test_the_nearest_come_first_and_are_as_they_were(data: TrainingSet) -> None:
    found = nearest(data.path.parent, "AA", digest(data, "AA"), ROW)
    first, second = found.nearest[:2]
    assert (found.looked, len(found.nearest), found.reason) == (20, 5, "")
    assert (first.distance, first.label, first.at) == (0.0, 0.0, START + timedelta(hours=7))
    assert first.values == {"miles": 7.0, "place": "JFK", "wet": True, "same": 3.0}
    spread = pl.Series([n for n in range(20) if n != 3]).std(ddof=0)
    assert second.values["miles"] in (6.0, 8.0, 11.0)
    assert min(4 / float(spread), 1.0) / 2 == pytest.approx(second.distance)
    assert [each.distance for each in found.nearest] == sorted(each.distance for each in found.nearest)


def test_what_is_known_of_one_alone_is_as_far_as_another_category(data: TrainingSet) -> None:
    found = nearest(data.path.parent, "AA", digest(data, "AA"), ROW | {"miles": None})
    assert found.nearest[0].values["miles"] is None and found.nearest[0].distance == 0.0
    assert found.nearest[1].distance == pytest.approx(0.5)


def test_the_pooled_model_is_near_to_rows_of_all(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    found = nearest(data.path.parent, "*", digest(data, "*"), ROW)
    assert found.looked == 40 and [each.distance for each in found.nearest[:2]] == [0.0, 0.0]
    monkeypatch.setattr(neighbour, "LARGEST", 20)
    assert nearest(data.path.parent, "*", digest(data, "*"), ROW).looked == 20


def test_rows_that_are_not_those_of_the_version_are_no_neighbours(data: TrainingSet) -> None:
    assert "do not lie on this machine" in nearest(data.path.parent, "UA", digest(data, "AA"), ROW).reason
    assert "do not lie on this machine" in nearest(data.path / "none", "AA", digest(data, "AA"), ROW).reason


def test_what_was_not_recorded_of_a_row_counts_for_nothing(data: TrainingSet) -> None:
    lacking = {name: value for name, value in ROW.items() if name != "wet"}
    found = nearest(data.path.parent, "AA", digest(data, "AA"), lacking)
    assert (found.lacking, found.nearest[0].distance, found.nearest[0].values["wet"]) == (("wet",), 0.0, True)
    spread = pl.Series([n for n in range(20) if n != 3]).std(ddof=0)
    assert found.nearest[1].distance == pytest.approx(2 / float(spread) / 3**0.5)  # two miles off, in three features
    nothing = nearest(data.path.parent, "AA", digest(data, "AA"), {"carrier": "AA"})
    assert nothing.nearest == () and nothing.reason == "no value of the row was recorded"
