"""Rows of a training set with their values by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from argosy.controller.trial import opened, rows
from argosy.errors import InputError
from argosy.features.trainingset import Columns, build
from argosy.model.signature import Feature, Signature, encode
from argosy.registry.address import parse
from argosy.store.versions import Version

START = datetime(2024, 1, 1, tzinfo=UTC)
FEATURES = (
    Feature("miles", "number"), Feature("place", "category", ("JFK", "LGA")), Feature("wet", "boolean"),
)  # fmt: skip
SIGNATURE = Signature(FEATURES, "binary", "late")
WHOLE = Signature((*FEATURES, Feature("carrier", "category", ("AA", "A/B"))), "binary", "late")


def frame() -> pl.DataFrame:
    """Twenty rows an hour apart of each of two carriers."""
    carriers = ["AA", "A/B"] * 20
    times = [START + timedelta(hours=n // 2) for n in range(40)]
    miles = [float(n) if n % 7 else None for n in range(40)]
    places = [("JFK", "LGA", None)[n % 3] for n in range(40)]
    data = {"carrier": carriers, "at": times, "miles": miles, "place": places, "wet": [n % 2 == 0 for n in range(40)]}
    return pl.DataFrame(data).with_columns(late=pl.Series([n % 2 for n in range(40)]))


def version(held: tuple[datetime, datetime] | None = None) -> Version:
    body = {"held_out": {"rows": 5, "low": held[0].isoformat(), "high": held[1].isoformat()}} if held else {}
    return Version(
        fleet="late", member_id=1, key="", artifact="", format="onnx", execution_id=1, at=START, rows=20, body=body,
        id=1, number=1,
    )  # fmt: skip


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    build(frame(), SIGNATURE, Columns(("carrier",), "at", "late"), tmp_path / "sets" / "abc")
    return tmp_path / "sets"


def test_rows_are_as_they_were_before_they_were_encoded(sets: Path) -> None:
    found = rows(opened(sets), parse("late/AA@1"), version(), SIGNATURE, ())
    mine = frame().filter(pl.col("carrier") == "AA").select(SIGNATURE.names)
    assert list(found.rows) == mine.to_dicts() and found.told == "the last rows of the training set"
    assert np.array_equal(found.matrix, encode(mine, SIGNATURE), equal_nan=True)


def test_those_that_the_version_was_held_against_travel(sets: Path) -> None:
    held = START + timedelta(hours=15), START + timedelta(hours=19)
    found = rows(opened(sets), parse("late/AA@1"), version(held), SIGNATURE, ())
    mine = frame().filter(pl.col("carrier") == "AA", pl.col("at") >= held[0]).select(SIGNATURE.names)
    assert list(found.rows) == mine.to_dicts() and found.told == "held-out rows of the training set"
    assert len(found.matrix) == 20


def test_the_pooled_model_is_told_the_member_of_each_row(sets: Path) -> None:
    found = rows(opened(sets), parse("late/*@1"), version(), WHOLE, ())
    assert [row["carrier"] for row in found.rows] == ["A/B"] * 20 + ["AA"] * 20
    assert [place for *_, place in found.matrix] == [1.0] * 20 + [0.0] * 20


def test_hidden_values_do_not_travel(sets: Path) -> None:
    plain = rows(opened(sets), parse("late/*@1"), version(), SIGNATURE, ())
    found = rows(opened(sets), parse("late/*@1"), version(), SIGNATURE, {"miles", "place", "wet"})
    known = {row["miles"] for row in plain.rows} - {None}
    mine = [row["miles"] for row in found.rows if row["miles"] is not None]
    assert len(mine) == 35 and not known & set(mine), "no value of a row is among them"
    least, greatest = sorted(known)[:6], sorted(known)[-6:]
    assert min(mine) == pytest.approx(np.mean(least), abs=2.0) and max(mine) == pytest.approx(
        np.mean(greatest), abs=2.0
    )
    assert mine != sorted(mine) and len(set(mine)) == len(mine), "they follow the order of no rows"
    assert {row["place"] for row in found.rows} == {"JFK", "LGA", None}
    assert {row["wet"] for row in found.rows} == {True, False, None}
    assert found.told == "the last rows of the training set (values of tagged columns are made up)"
    assert np.array_equal(found.matrix, plain.matrix, equal_nan=True), "the proof is on the rows as they are"
    again = rows(opened(sets), parse("late/*@1"), version(), SIGNATURE, {"miles", "place", "wet"})
    assert again.rows == found.rows


def test_of_few_rows_not_even_means_are_told(sets: Path) -> None:
    found = rows(opened(sets), parse("late/AA@1"), version(), SIGNATURE, {"miles"})
    assert {row["miles"] for row in found.rows} <= {*map(float, range(20)), None}
    assert [row["place"] for row in found.rows] == [(("JFK", "LGA", None)[n % 3]) for n in range(0, 40, 2)]


def test_the_newest_set_with_the_features_is_read(sets: Path) -> None:
    narrow = Signature((Feature("miles", "number"),), "binary", "late")
    build(frame(), narrow, Columns(("carrier",), "at", "late"), sets / "abd")
    assert set(rows(opened(sets), parse("late/AA@1"), version(), SIGNATURE, ()).rows[0]) == {"miles", "place", "wet"}
    other = Signature((Feature("miles", "number"), Feature("wind", "number")), "binary", "late")
    for address, signature in (("late/AA@1", other), ("late/DL@1", SIGNATURE)):
        with pytest.raises(InputError, match=r"no rows to prove late/..@1 on[\s\S]*argosy train late"):
            rows(opened(sets), parse(address), version(), signature, ())
