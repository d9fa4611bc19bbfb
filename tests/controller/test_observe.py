"""Observing: the table of members, and that it costs the same number of statements however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine, event

from argosy.controller import signal
from argosy.controller.action import Train
from argosy.controller.house import House
from argosy.controller.observe import Snapshot, table
from argosy.controller.plan import plan
from argosy.controller.survey import member_row, observe
from argosy.data.dtype import INSTANT
from argosy.store import executions, members
from argosy.store.store import Store
from argosy.testing.sample import attempt, moment, train
from tests.controller.world import FLEET, NOW, populate, rows_arrive, watched


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every SQL statement of this process."""
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def home(folder: Path, count: int) -> Iterator[House]:
    """A home whose fleet has so many members."""
    with Store.open(folder / "home") as store:
        populate(store, folder / "project", count)
        with House(store) as house:
            watched(house)
            yield house


def test_the_table_of_members(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        with store.write() as tx:
            (made,) = train(tx, FLEET, ["a"], hours=5)
            ids = members.ensure(tx, FLEET, ["*", "b"], moment())
            executions.record(tx, [attempt(ids["b"], "x", outcome="failed", hours=2)])
        with store.read() as conn:
            found = table(conn, FLEET)
            nobody = table(conn, "nobody")
    assert found["key"].to_list() == ["*", "a", "b"]
    assert found["pooled"].to_list() == [True, False, False]
    assert found["version_at"].to_list() == [None, moment(5), None]
    assert found["execution_at"].to_list() == [None, moment(6), moment(3)]
    assert found["failures"].to_list() == [0, 0, 1]
    assert found["trained_at"].null_count() == found["new_rows"].null_count() == 3
    assert found.schema["trained_at"] == INSTANT
    assert all(found.schema[name] == pl.Float64 for name in signal.ALL)
    assert nobody.schema == found.schema
    assert nobody.is_empty()
    assert made.id in found["version_id"]


def test_what_follows_from_signals(tmp_path: Path) -> None:
    with home(tmp_path, 2) as house, house.store.read() as conn:
        found = table(conn, FLEET)
        assert found["trained_at"].to_list() == [NOW - timedelta(days=3)] * 3
        assert found["new_rows"].to_list() == [100.0] * 3
        snapshot = observe(house, NOW)
    row = member_row(snapshot, FLEET, "s00001")
    assert row is not None
    assert (row["key"], row["target"], row[signal.DRIFT]) == ("s00001", "own", 0.5)
    assert member_row(snapshot, FLEET, "nobody") is None


def _pass(house: House) -> tuple[Snapshot, list[str], tuple[object, ...]]:
    with statements() as seen:
        snapshot = observe(house, NOW)
        actions = plan(snapshot, NOW).actions
    return snapshot, seen, actions


@pytest.mark.slow
def test_ten_thousand_members_cost_as_many_statements_as_ten(tmp_path: Path) -> None:
    costs = {}
    for count in (10, 10_000):
        with home(tmp_path / str(count), count) as house:
            snapshot, seen, actions = _pass(house)
            assert snapshot.fleets[FLEET].table.height == count + 1
            assert actions == ()
            rows_arrive(house.store)
            _, again, actions = _pass(house)
            (train,) = actions
            assert isinstance(train, Train)
            assert (len(train.members), train.pooled) == (count, True)
            assert [group.cause for group in train.groups] == ["drifted() and new_rows(500)"]
            costs[count] = seen, again
    assert costs[10] == costs[10_000]
    assert len(costs[10][0]) <= 16
