"""Frames: equal ones are equal bytes, streams stay small, and each kind is loaded as any other."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from argosy.errors import InputError
from argosy.pipelines.format import find
from argosy.pipelines.formats.sink import SMALL
from argosy.spec.annotation import Table
from tests.pipelines.trip import Trip

MIXED = pl.DataFrame(
    {
        "n": [1, None, 3],
        "s": ["a", None, "c" * 40],
        "at": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * 3,
        "span": [dt.timedelta(seconds=1), None, None],
        "list": [[1.0], None, []],
        "struct": [{"a": 1}, None, {"a": 2}],
        "category": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
        "enum": pl.Series(["x", "y", None], dtype=pl.Enum(["y", "x"])),
        "price": pl.Series(["1.20", "3", None]).str.to_decimal(scale=2),
    }
)


@given(dataframes(allowed_dtypes=[pl.Int64, pl.Float64, pl.String, pl.Boolean, pl.Date, pl.List(pl.Int8), pl.Binary]))
def test_frames_come_back(frame: pl.DataFrame) -> None:
    assert_frame_equal(Trip(Path("unused")).again(frame), frame)


@given(
    st.lists(st.none() | st.integers(0, 9), min_size=4, max_size=30), st.integers(0, 3), st.integers(0, 30), st.data()
)
def test_bytes_do_not_depend_on_how_a_frame_was_made(
    numbers: list[int | None], start: int, length: int, data: st.DataObject
) -> None:
    whole = pl.DataFrame({"n": numbers}, schema={"n": pl.Int64}).with_columns(
        s=pl.col("n").cast(pl.String), l=pl.concat_list("n", "n"), o=pl.struct("n"),
        m=pl.when(pl.col("n") != 5).then(pl.col("n")),
    )  # fmt: skip
    made = whole.slice(start, length).filter(pl.col("n") > 2)
    fresh = pl.DataFrame(made.rows(), schema=made.schema, orient="row")
    cut = data.draw(st.integers(0, made.height))
    chunks = pl.concat([made[:cut], made[cut:]], rechunk=False)
    trip = Trip(Path("unused"))
    assert trip.save(made) == trip.save(fresh) == trip.save(chunks)


def test_a_stream_and_a_frame_become_the_same_bytes(trip: Trip) -> None:
    rows = pl.select(n=pl.int_range(600_000)).with_columns(half=pl.when(pl.col("n") % 2 == 0).then(pl.col("n")))
    kept = rows.lazy().filter(pl.col("n") % 3 > 0)
    name, saved = trip.save(kept)
    assert (name, saved.data) == ("table", None)
    assert saved.bytes > SMALL
    assert saved.digest == hashlib.sha256(trip.blobs.path(saved.digest).read_bytes()).hexdigest()
    assert trip.save(kept.collect()) == (name, saved)
    assert_frame_equal(trip.load(name, saved, pl.LazyFrame).collect(), kept.collect())
    assert trip.blobs.drafts() == []


def test_bytes_are_the_same_in_every_process(trip: Trip) -> None:
    program = (
        "import polars as pl; from pathlib import Path; from tests.pipelines.trip import Trip\n"
        "pl.Series({first}, dtype=pl.Categorical)\n"
        "frame = pl.DataFrame({{'c': pl.Series(['b', 'a', 'b'], dtype=pl.Categorical), 'n': [1.5, None, 2]}})\n"
        "print(Trip(Path('unused')).save(frame)[1].digest)"
    )
    told = {
        subprocess.run([sys.executable, "-c", program.format(first=first)], check=True, capture_output=True, text=True,
                       env={**os.environ, "POLARS_MAX_THREADS": threads}).stdout
        for first, threads in ((["a", "b"], "1"), (["z", "b", "a"], "4"))
    }  # fmt: skip
    assert len(told) == 1


def test_other_libraries_read_the_bytes(trip: Trip) -> None:
    small, large = MIXED.lazy().select("n").collect(), pl.select(n=pl.int_range(SMALL))
    data = trip.save(small)[1].data
    assert data is not None
    assert pa.ipc.open_stream(data).read_all().to_pydict() == {"n": [1, None, 3]}
    assert pa.ipc.open_file(trip.blobs.path(trip.save(large)[1].digest)).read_all().num_rows == SMALL


@pytest.mark.slow
def test_a_large_stream_needs_little_memory(trip: Trip) -> None:
    """Of 480 MB, what a process holds at most grows by less than half."""
    program = f"""
import resource, sys
import polars as pl
from pathlib import Path
from tests.pipelines.trip import Trip
trip = Trip(Path({str(trip.root)!r}))
rows = pl.scan_ipc(Path({str(trip.root)!r}, "source")).with_columns(half=pl.col("n") / 2, twice=pl.col("n") * 2)
trip.save(pl.LazyFrame({{"n": [1]}}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
name, saved = trip.save(rows)
print(saved.bytes, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    pl.select(n=pl.int_range(20_000_000)).write_ipc(trip.root / "source", record_batch_size=1 << 18)
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    size, grown = map(int, told.split())
    assert size > 400_000_000
    assert grown < size / 2


KINDS: list[Any] = [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.Table, pa.RecordBatch]


def as_frame(value: Any) -> pl.DataFrame:
    frame = value.lazy().collect() if isinstance(value, (pl.DataFrame, pl.LazyFrame)) else pl.from_dataframe(value)
    return frame.select(pl.col("n").cast(pl.Int64), pl.col("s").cast(pl.String))


@pytest.mark.parametrize("rows", [0, 3, 100_000])
def test_any_kind_is_loaded_as_any_other(trip: Trip, rows: int) -> None:
    frame = pl.select(n=pl.int_range(rows), s=pl.int_range(rows).cast(pl.String) + "y" * 20)
    table = frame.to_arrow()
    given = [frame, frame.lazy(), table.to_pandas(), table, table.combine_chunks().to_batches()[0] if rows else table]
    for value in given:
        name, saved = trip.save(value)
        for kind in KINDS:
            back = trip.load(name, saved, kind)
            assert isinstance(back, kind)
            assert_frame_equal(as_frame(back), frame.cast({"n": pl.Int64, "s": pl.String}))


def test_what_a_step_wants_decides(trip: Trip) -> None:
    name, saved = trip.save(MIXED)
    for wanted in (Any, Table, pl.DataFrame, pl.DataFrame | None, Annotated[Table, "train"]):
        assert_frame_equal(trip.load(name, saved, wanted), MIXED)
    series = MIXED["n"]
    assert trip.again(series, pl.Series).equals(series)
    assert_frame_equal(trip.again(series), series.to_frame())
    assert trip.again(pl.DataFrame()).shape == (0, 0)
    for wanted in (dict, list[int], int):
        with pytest.raises(InputError, match="a table is no"):
            trip.load(name, saved, wanted)
    with pytest.raises(InputError, match="a table of 9 columns"):
        trip.load(name, saved, pl.Series)


def test_objects_of_python_are_refused(trip: Trip) -> None:
    with pytest.raises(InputError, match="column 'o' holds Python objects"):
        trip.save(pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}))


@pytest.mark.parametrize(
    "frame", [MIXED, pl.DataFrame({f"{'long name ' * 9}{i}": ["long text " * 9] * 50 for i in range(200)})]
)
def test_previews_are_short(frame: pl.DataFrame) -> None:
    for value in (frame, frame.to_arrow(), frame.to_arrow().to_pandas()):
        shown = find(value).preview(value)
        assert shown is not None
        assert (shown["kind"], shown["rows"], len(shown["head"])) == ("table", len(frame), min(10, len(frame)))
        assert len(json.dumps(shown, ensure_ascii=False)) <= 5000
    lazy = find(frame.lazy()).preview(frame.lazy())
    assert lazy is not None
    assert sorted(lazy) == ["columns", "kind"]


def test_a_preview_shows_columns_and_rows() -> None:
    frame = pl.DataFrame({"n": [1, None], "x": [1.23456789, 1e-9], "s": ["a", "b" * 30]})
    assert find(frame).preview(frame) == {
        "kind": "table",
        "rows": 2,
        "columns": {"n": "Int64", "x": "Float64", "s": "String"},
        "head": [[1, "1.23457", "a"], [None, "1e-09", "b" * 19 + "…"]],
    }
    assert find(frame["n"]).preview(frame["n"]) == {
        "kind": "table", "rows": 2, "columns": {"n": "Int64"}, "head": [[1], [None]],
    }  # fmt: skip
