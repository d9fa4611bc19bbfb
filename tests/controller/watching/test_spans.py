"""Windows of whole days: counted once, never less than was counted, and of one kind of bins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from argosy.controller.watching import spans
from argosy.monitoring.bins import Bins
from argosy.store import datasets
from argosy.store.store import Store
from argosy.testing.sample import ingest

FLEET = "late"
DAY = datetime(2013, 6, 1, tzinfo=UTC)
NOW = DAY + timedelta(days=1, hours=12)


def rows(shift: float = 0.0) -> pl.DataFrame:
    """A row every half an hour from DAY to NOW."""
    moments = pl.datetime_range(DAY, NOW, "30m", closed="left", time_unit="us", time_zone="UTC", eager=True)
    value = pl.Series([i % 7 + shift for i in range(len(moments))])
    return pl.DataFrame({"at": moments, "member": "a", "x": value, "prediction": value / 10, "late": value > 3})


def bins(shift: float = 0.0) -> Bins:
    return Bins.fit(rows(shift), task="binary", prediction="late", features=["x"])


def counted(store: Store, given: pl.DataFrame, number: int) -> list[tuple[datetime, int]]:
    """Count and record as a watch does; what was counted anew."""
    with store.read() as conn:
        found = spans.count(conn, store, FLEET, given, bins(), NOW)
    with store.write() as tx:
        version = datasets.commit(tx, ingest(f"{FLEET}.predictions", f"segment {number}"))
        spans.record(tx, spans.put(store, FLEET, found, version, NOW))
    return [(each.day, each.rows) for each in found]


def within(store: Store, span: str, of: Bins) -> int:
    with store.read() as conn:
        found = spans.within(conn, store, FLEET, of, [], NOW, span)
    return int(found.rows[found.members.index("a")]) if found.members else 0


def test_a_day_is_counted_anew_when_more_of_it_came_in(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        assert counted(store, rows().head(60), 1) == [(DAY, 48), (DAY + timedelta(days=1), 12)]
        assert counted(store, rows(), 2) == [(DAY + timedelta(days=1), 24)]
        assert counted(store, rows(), 3) == []
        assert within(store, "2d", bins()) == 72


def test_a_day_of_which_only_the_end_is_read_keeps_what_was_counted(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        counted(store, rows(), 1)
        assert counted(store, rows().filter(pl.col("at") >= DAY + timedelta(hours=20)), 2) == []
        assert within(store, "2d", bins()) == 72


def test_windows_on_other_bins_neither_count_nor_fill_the_span(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        counted(store, rows(), 1)
        other = bins(shift=100.0)
        assert other.digest != bins().digest and within(store, "2d", other) == 0
        with store.read() as conn:
            fresh = spans.count(conn, store, "another", rows().tail(24), other, NOW)
            assert not spans.within(conn, store, FLEET, other, fresh, NOW, "2d").members
