"""The collector purges what was deleted while the server serves."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argosy.controller import leftover
from argosy.server.collector import Collector
from argosy.store import Store
from argosy.store.tracking import experiments, runs, search
from argosy.store.tracking.changes import Hand


def test_what_was_deleted_is_purged_after_a_while_and_the_rest_stays(home: Path) -> None:
    now = datetime.now(UTC)
    hand = Hand("ann", now - timedelta(days=2))
    with Store.open(home) as store:
        with store.write() as tx:
            experiments.ensure_default(tx)
            gone, kept = (runs.create(tx, 0, name, now, hand) for name in ("gone", "kept"))
            runs.delete(tx, gone.run, hand)
        collector = Collector(store, timedelta(days=1), lambda: now, first=0.01, every=0.01)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with store.read() as conn:
                found = search.page(conn, [0], view=search.ALL).ids
            if found == [kept.id]:
                break
            time.sleep(0.02)
        collector.close()
        assert found == [kept.id]


def test_what_a_killed_server_had_begun_to_write_goes_though_no_controller_runs(home: Path) -> None:
    now = datetime.now(UTC)
    with Store.open(home) as store:
        begun, old = store.blobs.draft(), (now - 2 * leftover.AGE).timestamp()
        begun.write_bytes(b"half of a file")
        os.utime(begun, (old, old))
        lately = store.blobs.draft()
        lately.write_bytes(b"half of another")
        collector = Collector(store, timedelta(days=1), lambda: now, first=0.01, every=0.01)
        deadline = time.monotonic() + 60
        while begun.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        collector.close()
        assert store.blobs.drafts() == [lately]


def test_it_outlives_a_database_that_goes_away(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    looks: list[datetime] = []

    def now() -> datetime:
        looks.append(datetime.now(UTC))
        return looks[-1]

    with Store.open(home) as store, caplog.at_level(logging.WARNING):
        with store.write() as tx:
            tx.exec_driver_sql("ALTER TABLE orphan RENAME TO away")
        collector = Collector(store, timedelta(days=1), now, first=0.01, every=0.01)
        deadline = time.monotonic() + 60
        while len(looks) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        collector.close()
    assert len(looks) >= 3 and "the trash could not be purged" in caplog.text


def test_it_ends_at_once(home: Path) -> None:
    with Store.open(home) as store:
        collector = Collector(store, timedelta(days=1), lambda: datetime.now(UTC))
        started = time.monotonic()
        collector.close()
        assert time.monotonic() - started < 5
