"""Writes of many callers land in few transactions, each whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from argosy.errors import CapacityError, ConflictError, InputError
from argosy.store import Store, events
from argosy.store.batch import Batch
from argosy.testing.sample import event as sample


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        yield store


def messages(store: Store) -> set[str]:
    with store.read() as conn:
        return {each.subject for each in events.since(conn)}


def test_what_waits_together_lands_together(store: Store) -> None:
    commits: list[int] = []
    event.listen(store._writer, "commit", lambda connection: commits.append(1))
    batch, begun, turn = Batch(store), threading.Event(), threading.Event()
    first = batch.submit(lambda tx: (begun.set(), turn.wait(60)))
    assert begun.wait(60)
    rest = [batch.submit(lambda tx, n=n: events.add(tx, [sample("", f"s{n}")])) for n in range(50)]
    turn.set()
    assert first.result(10) and [each.result(10) for each in rest] == [[n + 1] for n in range(50)]
    batch.close()
    assert len(commits) == 2 and len(messages(store)) == 50


def test_one_that_raises_is_undone_alone(store: Store) -> None:
    def wrong(tx: Connection) -> None:
        events.add(tx, [sample("", "wrong")])
        raise InputError("no")

    def broken(tx: Connection) -> None:
        events.add(tx, [sample("", "broken")])
        tx.exec_driver_sql("SELECT * FROM no_such_table")

    batch, turn = Batch(store), threading.Event()
    batch.submit(lambda tx: turn.wait(60))
    each = [batch.submit(work) for work in (wrong, lambda tx: events.add(tx, [sample("", "right")]), broken)]
    last = batch.submit(lambda tx: events.add(tx, [sample("", "last")]))
    turn.set()
    with pytest.raises(InputError, match="no"):
        each[0].result(10)
    with pytest.raises(Exception, match="no_such_table"):
        each[2].result(10)
    assert each[1].result(10) and last.result(10)
    batch.close()
    assert messages(store) == {"right", "last"}


def test_many_threads_lose_nothing(store: Store) -> None:
    batch = Batch(store)

    def write(n: int) -> None:
        batch.submit(lambda tx: events.add(tx, [sample("", f"s{n}")])).result(30)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(200)))
    batch.close()
    assert messages(store) == {f"s{n}" for n in range(200)}


def test_what_waits_is_written_before_it_ends_and_nothing_is_taken_after(store: Store) -> None:
    batch = Batch(store)
    waiting = [batch.submit(lambda tx, n=n: events.add(tx, [sample("", f"s{n}")])) for n in range(20)]
    batch.close()
    assert all(each.done() for each in waiting) and len(messages(store)) == 20
    with pytest.raises(ConflictError, match="is stopping"):
        batch.submit(lambda tx: None)


def test_a_transaction_that_does_not_land_is_told_to_all_of_it(store: Store) -> None:
    def fail(connection: Connection) -> None:
        raise OSError("the disk is gone")

    batch = Batch(store)
    event.listen(store._writer, "commit", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        batch.submit(lambda tx: events.add(tx, [sample("", "lost")])).result(10)
    event.remove(store._writer, "commit", fail)
    assert batch.submit(lambda tx: events.add(tx, [sample("", "kept")])).result(10)
    batch.close()
    assert messages(store) == {"kept"}


def test_a_caller_who_left_costs_nobody_else_anything(store: Store) -> None:
    batch, begun, turn = Batch(store), threading.Event(), threading.Event()
    batch.submit(lambda tx: (begun.set(), turn.wait(60)))
    assert begun.wait(60)
    left = batch.submit(lambda tx: events.add(tx, [sample("", "left")]))
    assert left.cancel()
    turn.set()
    assert batch.submit(lambda tx: events.add(tx, [sample("", "stays")])).result(10)
    batch.close()
    assert messages(store) == {"stays"}


def test_a_work_with_which_the_transaction_is_undone_takes_the_others_along(store: Store) -> None:
    def undone(tx: Connection) -> None:  # as SQLite does by itself where a disk is full
        tx.exec_driver_sql("ROLLBACK")
        raise CapacityError("the store has no room left")

    batch, begun, turn = Batch(store), threading.Event(), threading.Event()
    batch.submit(lambda tx: (begun.set(), turn.wait(60)))
    assert begun.wait(60)
    works = (
        lambda tx: events.add(tx, [sample("", "before")]),
        undone,
        lambda tx: events.add(tx, [sample("", "after")]),
    )
    each = [batch.submit(work) for work in works]
    turn.set()
    for future in each:
        with pytest.raises(CapacityError, match="no room"):
            future.result(10)
    assert batch.submit(lambda tx: events.add(tx, [sample("", "later")])).result(10)
    batch.close()
    assert messages(store) == {"later"}


def test_what_a_database_refuses_is_told_in_our_words(store: Store) -> None:
    def twice(tx: Connection) -> None:
        for _ in range(2):
            tx.exec_driver_sql("INSERT INTO absorbed (source, last) VALUES ('x', 1)")

    batch = Batch(store)
    with pytest.raises(ConflictError, match="refused a row"):
        batch.submit(twice).result(10)
    batch.close()
