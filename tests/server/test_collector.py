"""The collector purges what was deleted while the server serves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with store.read() as conn:
                found = search.page(conn, [0], view=search.ALL).ids
            if found == [kept.id]:
                break
            time.sleep(0.02)
        collector.close()
        assert found == [kept.id]


def test_it_ends_at_once_and_outlives_what_it_cannot_do(home: Path) -> None:
    with Store.open(home) as store:
        collector = Collector(store, timedelta(days=1), lambda: datetime.now(UTC))
        started = time.monotonic()
        collector.close()
        assert time.monotonic() - started < 5
