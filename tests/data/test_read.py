from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import Connection

from argosy.data import dtype
from argosy.data.read import append, scan
from argosy.errors import ConflictError, CorruptError, InputError, UnknownError
from argosy.store import Store, datasets, edges, executions
from argosy.store.datasets import Version
from tests.data.table import DAY, START, everything, rows


def test_appended_rows_are_read_as_they_were_given(store: Store) -> None:
    run = executions.NewExecution(key="k", kind="record", subject="p", started_at=START, ended_at=START)
    seen: list[Version] = []

    def work(tx: Connection, version: Version) -> None:
        seen.append(version)

    append(
        store, "p", rows(0, 3), time="t", sources=["one"], now=START, cause="segments", execution=run,
        inputs=[("segment", "one")], work=work,
    )  # fmt: skip
    second = append(
        store, "p", rows(3, 2, at=START + DAY, note=["a", "b"]), time="t", sources=["two"], now=START, cause="x"
    )
    assert (seen[0].number, second.number, second.rows) == (1, 2, 5)
    assert_frame_equal(everything(store, "p", number=1), rows(0, 3))
    assert everything(store, "p")["note"].to_list() == [None, None, None, "a", "b"]
    with store.read() as conn:
        assert {(edge.direction, edge.reference) for edge in edges.of(conn, [1])} == {("in", "one"), ("out", "p@1")}


def test_a_source_is_appended_once_and_work_that_fails_takes_all_back(store: Store) -> None:
    def fail(tx: Connection, version: Version) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        append(store, "p", rows(0, 3), time="t", sources=["one"], now=START, cause="", work=fail)
    append(store, "p", rows(0, 3), time="t", sources=["one"], now=START, cause="")
    with pytest.raises(ConflictError, match="one"):
        append(store, "p", rows(0, 3), time="t", sources=["one"], now=START, cause="")
    assert everything(store, "p").height == 3


def test_rows_that_do_not_fit_are_refused(store: Store) -> None:
    append(store, "p", rows(0, 3), time="t", sources=["one"], now=START, cause="")
    with pytest.raises(InputError, match="column 'x' is String, but Float64"):
        append(store, "p", rows(0, 1, x=["a"]), time="t", sources=["two"], now=START, cause="")
    with pytest.raises(InputError, match="'t' is Datetime"):
        naive = rows(0, 1).with_columns(pl.col("t").dt.replace_time_zone(None))
        append(store, "p", naive, time="t", sources=["two"], now=START, cause="")
    with store.read() as conn:
        assert (datasets.version(conn, "p") or pytest.fail("gone")).number == 1


def test_a_span_holds_both_its_ends(store: Store) -> None:
    append(store, "p", rows(0, 24), time="t", sources=["one"], now=START, cause="")
    append(store, "p", rows(24, 24, at=START + DAY), time="t", sources=["two"], now=START, cause="")
    found = everything(store, "p", low=START + timedelta(hours=22), high=START + timedelta(hours=25))
    assert found["id"].to_list() == [22, 23, 24, 25]
    assert everything(store, "p", low=START + 9 * DAY).height == 0


def test_the_latest_of_a_moved_row_is_not_found_where_it_was(store: Store) -> None:
    append(store, "p", rows(0, 2), time="t", key=["id"], sources=["one"], now=START, cause="")
    append(store, "p", rows(1, 1, at=START + DAY), time="t", key=["id"], sources=["two"], now=START, cause="")
    assert everything(store, "p", latest=True, high=START + timedelta(hours=5))["id"].to_list() == [0]
    assert everything(store, "p", high=START + timedelta(hours=5))["id"].to_list() == [0, 1]


def test_an_unknown_version_is_named(store: Store) -> None:
    with store.read() as conn, pytest.raises(UnknownError, match="p@3"):
        scan(conn, store, "p", 3)


@pytest.mark.parametrize(
    "kind",
    [
        pl.Int64(), dtype.INSTANT, pl.List(pl.Int64()), pl.Struct({"a": pl.Int64(), "b": pl.List(pl.String())}),
        pl.Decimal(10, 2), pl.Array(pl.Float32(), 2), pl.Duration("ms"), pl.Null(),
    ],
)  # fmt: skip
def test_types_survive_as_text(kind: pl.DataType) -> None:
    assert dtype.parse(repr(kind)) == kind


@pytest.mark.parametrize("text", ["__import__('os')", "Int64.__class__", "print", "[", "Datetime(1)"])
def test_text_that_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(CorruptError):
        dtype.parse(text)


def test_wider_is_symmetric_and_holds_both() -> None:
    kinds = [
        pl.Int8(),
        pl.Int32(),
        pl.Int64(),
        pl.UInt8(),
        pl.UInt32(),
        pl.Float32(),
        pl.Float64(),
        pl.String(),
        pl.Null(),
        pl.Float16(),
        pl.Int128(),
        pl.UInt128(),
        pl.UInt64(),
    ]
    for one in kinds:
        for other in kinds:
            wide = dtype.wider(one, other)
            assert wide == dtype.wider(other, one)
            if wide is not None:
                assert dtype.wider(wide, one) == wide
    assert dtype.wider(pl.Int64(), pl.String()) is None
    assert dtype.wider(pl.Int32(), pl.UInt32()) == pl.Int64()


@pytest.mark.parametrize(
    ("kind", "back"),
    [
        (pl.Categorical(), pl.String()),
        (pl.Enum(["a", "b"]), pl.String()),
        (pl.List(pl.Enum(["a", "b"])), pl.List(pl.String())),
        (pl.Struct({"n": pl.Int8(), "c": pl.Categorical()}), pl.Struct({"n": pl.Int8(), "c": pl.String()})),
        (pl.Float16(), pl.Float16()),
        (pl.UInt128(), pl.UInt128()),
    ],
)
def test_a_column_of_any_type_comes_back_and_categories_as_their_texts(
    store: Store, kind: pl.DataType, back: pl.DataType
) -> None:
    values = {pl.List: ["a"], pl.Struct: {"n": 1, "c": "a"}, pl.Float16: 1.5, pl.UInt128: 1}
    column = pl.Series([values.get(type(kind), "a"), None], dtype=kind)
    for source in ("one", "two"):
        append(store, "p", rows(0, 2, c=column), time="t", sources=[source], now=START, cause="")
    found = everything(store, "p")["c"]
    assert found.dtype == back and found.null_count() == 2
    assert found.to_list()[0] == column.to_list()[0]


def test_a_column_that_no_file_holds_is_refused(store: Store) -> None:
    odd = rows(0, 1).with_columns(pl.Series("odd", [object()], dtype=pl.Object))
    with pytest.raises(InputError, match="p: column 'odd' is Object, which cannot be stored") as raised:
        append(store, "p", odd, time="t", sources=["one"], now=START, cause="")
    assert raised.value.next
