"""Counting rows into windows equals counting them one by one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from argosy.errors import InputError
from argosy.monitoring.bins import Bins, Category
from argosy.monitoring.count import count, count_members
from argosy.monitoring.window import Windows, merge
from tests.monitoring.fleet import MEMBERS, bins, rows, windows


def test_every_feature_counts_every_row_of_its_member() -> None:
    frame = rows(1)
    on = bins(frame)
    found = windows(frame, on)
    per_member = [int((frame["code"] == place).sum()) for place in range(len(MEMBERS))]
    assert found.rows.tolist() == per_member
    for start, stop in zip(on.offsets, on.offsets[1:], strict=False):
        assert found.counts[:, start:stop].sum(axis=1).tolist() == per_member
    nulls = frame.group_by("code").agg(pl.col("temp").null_count()).sort("code")["temp"].to_list()
    assert found.counts[:, on.offsets[1] - 1].tolist() == nulls


def test_categories_other_unseen_and_null_have_cells_of_their_own() -> None:
    on = Bins.fit(pl.DataFrame({"c": ["a", "a", "b", "b", "z"]}), top=2)
    assert on.features == (Category("c", ("a", "b"), ("z",)),)
    frame = pl.DataFrame({"c": ["b", "z", "new", None, "a", "a"]})
    for column in (pl.col("c"), pl.col("c").cast(pl.Categorical), pl.col("c").cast(pl.Enum(["new", "z", "a", "b"]))):
        found = count(frame.select(column), ["m"], np.zeros(6, dtype=int), on)
        assert found.counts.tolist() == [[2, 1, 1, 1, 1]]


def test_booleans() -> None:
    on = Bins.fit(pl.DataFrame({"b": [True, False]}))
    found = count(pl.DataFrame({"b": [True, None, True, False]}), ["m"], np.zeros(4, dtype=int), on)
    assert found.counts.tolist() == [[1, 2, 1]]


def test_rows_that_name_their_member_are_counted_for_those_that_there_are() -> None:
    frame = rows(3, 400)
    on = bins(frame)
    named = frame.with_columns(member=pl.col("code").replace_strict(dict(enumerate(MEMBERS)), return_dtype=pl.String))
    found = count_members(named, on, prediction="prediction", label="label")
    assert found.to_bytes() == windows(frame, on).to_bytes()
    assert count_members(named.filter(pl.col("code") < 2), on).members == MEMBERS[:2]


def test_members_in_any_order_give_the_same_windows() -> None:
    frame = rows(2, 500)
    on = bins(frame)
    back = tuple(reversed(MEMBERS))
    codes = len(MEMBERS) - 1 - frame["code"].to_numpy()
    found = count(frame, back, codes, on, prediction="prediction", label="label")
    assert found.to_bytes() == windows(frame, on).to_bytes()


def test_sums_are_those_of_the_rows() -> None:
    frame = rows(3)
    found = windows(frame, bins(frame))
    told = frame.filter(pl.col("label").is_not_null())
    y, p = pl.col("label"), pl.col("prediction")
    expected = told.group_by("code").agg(
        square=((p - y) ** 2).sum(),
        log_loss=-(y * p.log() + (1 - y) * (1 - p).log()).sum(),
    )
    for name in ("square", "log_loss"):
        np.testing.assert_allclose(found.sum(name), expected.sort("code")[name].to_numpy())
    assert int(found.positives.sum() + found.negatives.sum()) == len(told)
    assert int(found.predictions.sum()) == len(frame)


def test_a_missing_prediction_adds_to_no_label_sum() -> None:
    on = Bins.fit(pl.DataFrame({"x": [1.0, 2.0]}))
    frame = pl.DataFrame({"x": [1.0, 2.0], "p": [None, 0.5], "y": [True, True]})
    found = count(frame, ["m"], np.zeros(2, dtype=int), on, prediction="p", label="y")
    assert found.sum("square").tolist() == [0.25]
    assert int(found.positives.sum()) == 1
    assert found.predictions[0, -1] == 1


def test_wrong_input_is_refused() -> None:
    frame = rows(4, 50)
    on = bins(frame)
    codes = frame["code"].to_numpy()
    with pytest.raises(InputError, match="lack the columns"):
        count(frame.drop("rain"), MEMBERS, codes, on)
    with pytest.raises(InputError, match="reach from 0 to 3"):
        count(frame, MEMBERS[:1], codes, on)
    with pytest.raises(InputError, match="50 integers"):
        count(frame, MEMBERS, codes[:3], on)
    with pytest.raises(InputError, match="duplicates"):
        count(frame, ("m", "m", "n", "o"), codes, on)
    with pytest.raises(InputError, match="'temp' of type String"):
        count(frame.with_columns(temp=pl.lit("warm")), MEMBERS, codes, on)
    with pytest.raises(InputError, match="0 or 1"):
        count(frame.with_columns(label=pl.lit(7)), MEMBERS, codes, on, prediction="prediction", label="label")


def test_a_row_that_stands_for_others_counts_as_they_would() -> None:
    frame = rows(4, 600).with_columns(stands=pl.Series(np.random.default_rng(4).choice([1, 2, 8], 600)))
    on = bins(frame)
    again = frame.select(pl.all().repeat_by("stands").explode())
    found, wanted = (
        count(each, MEMBERS, each["code"].to_numpy(), on, prediction="prediction", label="label", weight=weight)
        for each, weight in ((frame, "stands"), (again, None))
    )
    assert found.rows.tolist() == wanted.rows.tolist() and (found.counts == wanted.counts).all()
    for name in ("predictions", "positives", "negatives"):
        assert (getattr(found, name) == getattr(wanted, name)).all()
    for name in ("log_loss", "square"):
        assert found.sum(name) == pytest.approx(wanted.sum(name))
    each = [frame.filter(pl.col("code") == place)["stands"].to_numpy() for place in range(len(MEMBERS))]
    assert found.worth.tolist() == pytest.approx([stands.sum() / (stands**2).sum() for stands in each])
    assert wanted.worth.tolist() == [1.0] * len(MEMBERS)
    assert merge(found, found).worth.tolist() == pytest.approx(found.worth.tolist())
    assert Windows.from_bytes(found.to_bytes()).worth.tolist() == found.worth.tolist()


def test_rows_that_all_count_once_are_counted_as_without_weights() -> None:
    frame = rows(5, 400).with_columns(stands=1)
    on = bins(frame)
    codes = frame["code"].to_numpy()
    found = count(frame, MEMBERS, codes, on, prediction="prediction", label="label", weight="stands")
    assert found.to_bytes() == windows(frame, on).to_bytes()
