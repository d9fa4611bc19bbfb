"""Windows of whole days: each row is counted once, what is counted is not read again, and of one kind of bins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from argosy.controller.watching import spans
from argosy.controller.watching.answered import answers
from argosy.controller.watching.kept import Kept
from argosy.controller.watching.unknown import pool
from argosy.data.read import append
from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count
from argosy.monitoring.window import Windows
from argosy.store import datasets, windows
from argosy.store.store import Store

FLEET = "late"
DAY = datetime(2013, 6, 1, tzinfo=UTC)
NOW = DAY + timedelta(days=1, hours=12)


def rows(shift: float = 0.0) -> pl.DataFrame:
    """A row every half an hour from DAY to NOW."""
    moments = pl.datetime_range(DAY, NOW, "30m", closed="left", time_unit="us", time_zone="UTC", eager=True)
    value = pl.Series([i % 7 + shift for i in range(len(moments))])
    found = {"at": moments, "member": "a", "x": value, "prediction": value / 10, "route": "own", "late": value > 3}
    return pl.DataFrame(found)


def bins(shift: float = 0.0) -> Bins:
    return Bins.fit(rows(shift), task="binary", prediction="late", features=["x"])


def record(store: Store, given: pl.DataFrame, segment: int) -> None:
    """Answered rows, as segments bring them."""
    frame = given.with_columns(row_key=pl.format("{}", "at"), version=pl.lit("late/a@1"))
    append(store, f"{FLEET}.predictions", frame, time="at", sources=[f"{segment}"], now=NOW, cause="answered")


def counted(store: Store, kept: Kept, on: Bins | None = None, since: datetime = DAY) -> list[tuple[datetime, int, int]]:
    """Count and record as a watch does; what was counted anew: the day, its rows, and the rows in its window."""
    with store.read() as conn:
        version = datasets.version(conn, f"{FLEET}.predictions")
        assert version is not None
        seen = answers(conn, store, FLEET, since, NOW, kept=kept)
        found = spans.days(conn, store, kept, FLEET, version, seen, on or bins())
    with store.write() as tx:
        windows.add(tx, spans.put(store, FLEET, found, version, NOW))
    return [(day, each.rows, of(each.table)) for day, each in sorted(found.items()) if each.fresh]


def of(table: Windows) -> int:
    return int(table.rows[table.members.index("a")]) if table.members else 0


def within(store: Store, span: str, on: Bins, kept: Kept) -> int:
    with store.read() as conn:
        version = datasets.version(conn, f"{FLEET}.predictions")
        assert version is not None
        seen = answers(conn, store, FLEET, DAY, NOW, kept=kept)
        return of(spans.within(spans.days(conn, store, kept, FLEET, version, seen, on), on, NOW, span))


def test_a_window_that_is_not_half_full_says_nothing_but_since_when_there_are_rows(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        record(store, rows(), 1)
    with Store.open(tmp_path) as store, store.read() as conn:
        version = datasets.version(conn, f"{FLEET}.predictions")
        assert version is not None
        seen = answers(conn, store, FLEET, DAY, NOW, kept=Kept())
        found = spans.days(conn, store, Kept(), FLEET, version, seen, bins())
    assert spans.short(found, bins(), NOW, "4d") == DAY and of(spans.within(found, bins(), NOW, "4d")) == 0
    assert spans.short(found, bins(), NOW, "3d") is None and of(spans.within(found, bins(), NOW, "3d")) == 72
    assert spans.short({}, bins(), NOW, "3d") is None


def test_what_came_in_since_is_counted_on_top(tmp_path: Path) -> None:
    kept, tomorrow = Kept(), DAY + timedelta(days=1)
    with Store.open(tmp_path) as store:
        record(store, rows().head(60), 1)
        assert counted(store, kept) == [(DAY, 48, 48), (tomorrow, 12, 12)]
        record(store, rows().tail(12), 2)
        assert counted(store, kept) == [(tomorrow, 24, 24)]
        assert counted(store, kept) == [] == counted(store, Kept())
        assert within(store, "2d", bins(), Kept()) == 72
        with store.read() as conn:
            (_, last) = windows.between(conn, FLEET, spans.LIVE)
            table = Windows.from_bytes(store.blobs.get(last.digest))
        whole = rows().tail(24)
        expected = count(whole, ["a"], [0] * 24, bins(), prediction="prediction")
        assert table.slice(["a"]).to_bytes() == expected.to_bytes()


def test_only_what_versions_since_have_added_is_read(tmp_path: Path) -> None:
    kept = Kept()
    with Store.open(tmp_path) as store:
        record(store, rows().head(60), 1)
        counted(store, kept)
        with store.read() as conn:
            (first,) = datasets.parts(conn, f"{FLEET}.predictions", 1)
        record(store, rows().tail(12), 2)
        store.blobs.path(first.digest).unlink()
        assert [rows for _, rows, _ in counted(store, kept)] == [24]


def test_a_row_that_was_asked_for_again_counts_once(tmp_path: Path) -> None:
    kept = Kept()
    with Store.open(tmp_path) as store:
        record(store, rows().head(10), 1)
        counted(store, kept)
        record(store, rows().slice(5, 10), 2)
        assert counted(store, kept) == [(DAY, 15, 15)]
        record(store, pl.concat([rows().slice(15, 5)] * 2), 3)
        assert counted(store, kept) == [(DAY, 20, 20)]


def test_rows_of_keys_that_are_no_members_count_as_the_pooled_models(tmp_path: Path) -> None:
    row = pl.int_range(pl.len())
    keys = pl.when(row % 2 == 0).then(pl.lit("a")).otherwise(pl.format("x{}", row))
    with Store.open(tmp_path) as store:
        record(store, rows().head(10).with_columns(member=keys), 1)
        with store.read() as conn:
            version = datasets.version(conn, f"{FLEET}.predictions")
            assert version is not None
            seen = pool(answers(conn, store, FLEET, DAY, NOW), ["a", "b"])
            (day,) = spans.days(conn, store, Kept(), FLEET, version, seen, bins()).values()
    assert (day.table.members, day.table.rows.tolist(), day.rows) == (("*", "a"), [10, 5], 10)


def test_rows_that_failed_are_in_no_window(tmp_path: Path) -> None:
    kept, failed = Kept(), rows().head(4).drop("x").with_columns(prediction=pl.lit(None, pl.Float64))
    with Store.open(tmp_path) as store:
        record(store, failed, 1)
        assert counted(store, kept) == []
        record(store, rows().head(10), 2)
        record(store, failed.with_columns(at=pl.col("at") + timedelta(minutes=1)), 3)
        assert counted(store, kept) == [(DAY, 10, 10)]


def test_a_day_is_counted_anew_on_new_bins_once_rows_are_added(tmp_path: Path) -> None:
    kept, other = Kept(), bins(shift=100.0)
    with Store.open(tmp_path) as store:
        record(store, rows().head(10), 1)
        counted(store, kept)
        assert counted(store, kept, other) == []
        record(store, rows().slice(10, 10), 2)
        assert counted(store, kept, other) == [(DAY, 20, 20)]


def test_windows_on_other_bins_neither_count_nor_fill_the_span(tmp_path: Path) -> None:
    kept, other = Kept(), bins(shift=100.0)
    with Store.open(tmp_path) as store:
        record(store, rows().head(60), 1)
        counted(store, kept)
        assert other.digest != bins().digest and within(store, "2d", other, kept) == 0
        record(store, rows().tail(12), 2)
        assert within(store, "2d", other, kept) == 0
        assert within(store, "1d", other, kept) == 24


def test_rows_that_were_drawn_by_lot_count_for_those_that_were_not_kept(tmp_path: Path) -> None:
    drawn = rows().with_columns(one_in=pl.when(pl.col("at") < DAY + timedelta(hours=12)).then(4).otherwise(1))
    with Store.open(tmp_path) as store:
        record(store, rows().tail(6), 1)
        record(store, drawn.head(66).with_columns(pl.col("one_in").cast(pl.UInt32)), 2)
        assert counted(store, Kept()) == [(DAY, 48, 24 + 4 * 24), (DAY + timedelta(days=1), 24, 24)]
        assert counted(store, Kept()) == []
