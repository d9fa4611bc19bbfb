"""What Argosy did is absorbed once, in steps, by whoever looks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from argosy.store import Store, executions
from argosy.store.executions import NewExecution
from argosy.store.tracking import absorb, experiments, naming, runs
from argosy.store.tracking.changes import Hand
from argosy.testing import sample
from argosy.testing.sample import moment
from tests.store.tracking import deeds
from tests.store.tracking.deeds import NOW, look, names, told


def _work(store: Store, count: int) -> None:
    made = [
        NewExecution(key=f"{n}", kind="ingest", subject=f"s{n}", started_at=moment(), ended_at=moment())
        for n in range(count)
    ]
    with store.write() as tx:
        executions.record(tx, made)


def test_nothing_is_behind_where_nothing_happened(store: Store) -> None:
    assert not absorb.behind(store)
    with store.write() as tx:
        assert not absorb.absorb(tx, NOW)
    assert names(store) == []


def test_each_is_absorbed_once_the_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absorb, "MOST", 2)
    _work(store, 5)
    with store.write() as tx:
        assert absorb.absorb(tx, NOW)
    assert names(store) == [naming.of_execution(id) for id in (1, 2)]
    assert look(store) == 2 and not absorb.behind(store)
    assert names(store) == [naming.of_execution(id) for id in range(1, 6)]


def test_several_who_look_at_once_absorb_each_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absorb, "MOST", 3)
    with store.write() as tx:
        sample.train(tx, "late", [f"{n}" for n in range(20)])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: look(store), range(4)))
    assert len(names(store)) == 21
    assert told(store, names(store)[-1]).metrics["members"] == 20


def test_an_absorption_that_does_not_land_is_done_again(store: Store) -> None:
    _work(store, 2)
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        absorb.absorb(tx, NOW)
        raise ZeroDivisionError
    assert absorb.behind(store) and names(store) == []
    look(store)
    assert len(names(store)) == 2


def test_an_experiment_that_a_client_made_is_used(store: Store) -> None:
    with store.write() as tx:
        mine = experiments.create(tx, "late", Hand("ann", NOW), location="s3://elsewhere")
        sample.train(tx, "late", ["a"])
    look(store)
    found = told(store, naming.of_execution(1))
    assert (found.run.experiment_id, found.files) == (mine, [])


def test_a_run_that_somebody_deleted_stays_deleted(store: Store) -> None:
    run = deeds.begin(store)
    look(store, moment(1))
    with store.write() as tx:
        runs.delete(tx, naming.of_pipeline(run.id), Hand("ann", NOW))
    deeds.end(store, run, "succeeded")
    look(store)
    found = told(store, naming.of_pipeline(run.id)).run
    assert (found.status, found.deleted_at) == ("succeeded", NOW)


def test_no_more_is_asked_for_many_executions_than_for_few(home: Path) -> None:
    with Store.open(home) as store:
        counts = [_asked(store, f"late{number}", number) for number in (3, 300)]
    assert counts[0] == counts[1] > 0


def _asked(store: Store, fleet: str, number: int) -> int:
    """How many queries it takes to absorb the training of so many members."""
    seen: list[str] = []
    with store.write() as tx:
        sample.train(tx, fleet, [f"{n}" for n in range(number)])
    with store.write() as tx:
        raw = tx.connection.dbapi_connection
        assert raw is not None
        raw.set_trace_callback(seen.append)
        absorb.absorb(tx, NOW)
        raw.set_trace_callback(None)
    return sum(text.startswith("SELECT") for text in seen)
