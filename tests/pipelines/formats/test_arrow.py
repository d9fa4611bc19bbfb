"""Frames of pandas and pyarrow: index, names and metadata come back, or the frame is refused."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from argosy.errors import InputError, MissingExtraError
from argosy.pipelines.formats.sink import SMALL
from tests.pipelines.trip import Trip

DAYS = pd.date_range("2020-01-01", periods=3, tz="Europe/Berlin", unit="us")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": DAYS}),
        pd.DataFrame({"a": [1, 2, 3]}, index=[7, 5, 6]),
        pd.DataFrame({"a": [1.5]}, index=pd.Index(["k"], name="key")),
        pd.DataFrame(
            {"a": [1, 2, 3]}, index=pd.MultiIndex.from_tuples([(1, "x"), (1, "y"), (2, "x")], names=["i", None])
        ),
        pd.DataFrame({"a": [1, 2, 3]}, index=DAYS),
        pd.DataFrame([[1, 2]], columns=[0, 1]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
        pd.DataFrame({"c": pd.Categorical(["b", "a"], categories=["b", "a"], ordered=True)}),
        pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}),
        pd.DataFrame({"a": []}),
        pd.DataFrame({"t": [dt.date(2020, 1, 1), None], "b": [b"x", b"yy"], "u": [uuid.UUID(int=1), None]}),
        pd.DataFrame({"d": [Decimal("1.10"), Decimal("2.00")]}, index=[dt.time(9), dt.time(10)]),
        pd.DataFrame({"n": pd.Series([None, None], dtype=object)}),
    ],
)
def test_frames_of_pandas_come_back(trip: Trip, frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(trip.again(frame, pd.DataFrame), frame, check_freq=False)
    assert trip.save(frame) == trip.save(frame.copy())


@pytest.mark.parametrize("name", [None, "x", 0])
def test_series_of_pandas_come_back(trip: Trip, name: Any) -> None:
    series = pd.Series([1.5, np.nan], name=name, index=["a", "b"])
    pd.testing.assert_series_equal(trip.again(series, pd.Series), series)


def test_an_index_with_names_becomes_columns_of_polars(trip: Trip) -> None:
    frame = pd.DataFrame({"a": [1]}, index=pd.Index(["k"], name="key"))
    assert trip.again(frame).to_dict(as_series=False) == {"a": [1], "key": ["k"]}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1, "x"]}), "Could not convert 'x'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Duplicate column names"),
        (pd.DataFrame({"a": [object()]}), "did not recognize"),
        (pd.DataFrame([[1, 2]], columns=[0, "a"]), "columns .* would come back as"),
        (pd.DataFrame({"a": [1 + 2j]}), "cannot be kept"),
    ],
)
def test_what_would_not_come_back_is_refused(trip: Trip, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        trip.save(frame)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"x": 1}, {"y": 2}], "its objects in 'a' would come back as struct<x: int64, y: int64>"),
        ([(1, 2), (3,)], "would come back as list<"),
        ([[1], [2]], "would come back as list<"),
        ([{1}, {2}], "would come back as list<"),
        ([Decimal("1.10"), Decimal("2.333")], r"Decimal\('1.10'\) in 'a' would come back as Decimal\('1.100'\)"),
        ([dt.date(2020, 1, 1), np.nan], "nan in 'a' would come back as None"),
        ([dt.time(9, tzinfo=dt.UTC)], "would come back as datetime.time"),
    ],
)
def test_objects_that_would_come_back_as_others_are_refused(trip: Trip, values: list[Any], message: str) -> None:
    column = pd.Series(values, dtype=object)
    with pytest.raises(InputError, match=message) as caught:
        trip.save(pd.DataFrame({"a": column}))
    assert caught.value.next.startswith(("return a frame of Polars or pyarrow", "convert the column"))
    with pytest.raises(InputError, match="would come back as"):
        trip.save(column)
    with pytest.raises(InputError, match="cannot be kept"):
        trip.save(pd.DataFrame({"a": range(len(values))}, index=pd.Index(values, dtype=object, tupleize_cols=False)))


def test_tables_of_pyarrow_come_back_with_their_metadata(trip: Trip) -> None:
    table = pa.table({"n": pa.chunked_array([[1], [2]]), "d": pa.array(["x", "y"]).dictionary_encode()})
    table = table.replace_schema_metadata({"source": "sensor"})
    assert trip.again(table, pa.Table).equals(table, check_metadata=True)
    assert trip.save(table) == trip.save(table.combine_chunks())
    batch = table.combine_chunks().to_batches()[0]
    assert trip.again(batch, pa.RecordBatch).equals(batch)
    assert trip.again(table.slice(0, 0), pa.RecordBatch).num_rows == 0


def test_a_large_table_of_pyarrow_is_mapped(trip: Trip) -> None:
    table = pa.table({"n": range(SMALL)})
    before = pa.total_allocated_bytes()
    back = trip.again(table, pa.Table)
    assert pa.total_allocated_bytes() - before < SMALL
    assert back.equals(table)


def test_a_table_of_several_columns_is_no_series(trip: Trip) -> None:
    with pytest.raises(InputError, match="a table of 2 columns"):
        trip.again(pl.DataFrame({"a": [1], "b": [2]}), pd.Series)


def test_a_missing_library_is_told(trip: Trip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="pyarrow is not installed") as caught:
        trip.save(pd.DataFrame({"a": [1]}))
    assert caught.value.next == "pip install pandas pyarrow"
