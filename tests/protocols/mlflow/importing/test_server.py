"""A server as a source: here another home of Argosy, whose REST API is MLflow's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from argosy.errors import DeniedError
from argosy.protocols.mlflow.importing import job
from argosy.protocols.mlflow.importing.client import Client
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.report import FILE, LOGGED, POINT, RUN, Report
from argosy.protocols.mlflow.importing.server import Server
from argosy.store import Store
from argosy.store.models import logged, readings, registered, versions
from argosy.store.models.readings import Reading
from argosy.store.rows import execute
from argosy.store.tracking import experiments, files, inputs, labels, metrics, runs
from argosy.store.tracking.changes import LOGGED as KIND
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.inputs import Input, Source
from argosy.store.tracking.metrics import Point
from tests.server.harbour import Harbour, open_harbour

HAND = Hand("bob", datetime(2025, 1, 2, tzinfo=UTC))
RUNS, POINTS = 230, 26_000


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    home = tmp_path_factory.mktemp("there") / "home"
    with Store.open(home) as store:
        _fill(store)
    with open_harbour(home, lambda: datetime.now(UTC)) as harbour:
        yield harbour


def _fill(store: Store) -> None:
    """More runs than a page, one with more points than a page, a logged model, and a version of it."""
    with store.write() as tx:
        experiments.ensure_default(tx)
        id = experiments.create(tx, "large", HAND, tags={"team": "ops"})
        made = [runs.create(tx, id, f"run {n}", HAND.at + timedelta(seconds=n), HAND, owner="bob") for n in range(RUNS)]
        first = made[0]
        odd = [Point("odd", math.nan, 1, 5), Point("odd", math.inf, 2, 6)]
        metrics.log(tx, first.id, id, [*(Point("loss", n / 7, n, n) for n in range(POINTS)), *odd])
        inputs.log(tx, first.id, id, [Input(Source("rows", "1f", "local", "x.csv", "s", "p"), {"context": "training"})])
        model = logged.create(tx, id, "tree", HAND, run=first.run, parameters={"depth": "6"}, tags={"a": "b"})
        logged.finish(tx, model.model, logged.READY, HAND)
        readings.log(tx, [Reading(model.model, first.run, "rows", "1f", Point("auc", 0.5, 1, 5))])
        logged.flow(tx, first.id, logged.OUT, [(model.model, 3)])
        for place in (f"{first.run}/artifacts/a b+1.txt", f"models/{model.model}/artifacts/MLmodel"):
            files.put(tx, f"{id}/{place}", "a" * 64, 5, HAND, b"hello")
        versions.create(tx, registered.create(tx, "late", HAND), f"models:/{model.model}", HAND, logged=model.model)


def bring(store: Store, harbour: Harbour, token: str | None = None) -> Report:
    report = Report()
    client = Client(harbour.url, token=harbour.token if token is None else token)
    job.bring(store, Server(client, Disk([])), "ann", lambda: HAND.at, report)
    return report


def test_pages_of_everything_are_read_to_their_end(there: Harbour, home: Path) -> None:
    with Store.open(home) as store:
        report = bring(store, there)
        assert report.failures == []
        assert [report.tallies[kind].brought for kind in (RUN, POINT, FILE, LOGGED)] == [RUNS, POINTS + 2, 2, 1]
        with store.read() as conn, there.store.read() as other:
            for name in ("run 0", f"run {RUNS - 1}"):
                (run,), (same,) = (_named(each, name) for each in (conn, other))
                assert run._replace(id=0, experiment_id=0) == same._replace(id=0, experiment_id=0)
            (run,), (same,) = _named(conn, "run 0"), _named(other, "run 0")
            assert metrics.history(conn, run.id, "loss") == metrics.history(other, same.id, "loss")
            assert repr(metrics.history(conn, run.id, "odd")) == repr(metrics.history(other, same.id, "odd"))
            assert inputs.of(conn, [run.id])[run.id] == inputs.of(other, [same.id])[same.id]
            ((_, name, step),) = logged.flows(conn, [run.id])[run.id]
            here, old = logged.get(conn, name), logged.get(other, name)
            assert step == 3 and here._replace(id=0, experiment_id=0) == old._replace(id=0, experiment_id=0)
            assert labels.of(conn, KIND, [name]) == {name: {"a": "b"}}
            assert readings.of(conn, [here.id])[here.id] == readings.of(other, [old.id])[old.id]
            made = versions.get(conn, registered.get(conn, "late"), 1)
            home_id = here.experiment_id
            assert made.source == f"models:/{name}"
            assert made.location == f"mlflow-artifacts:/{home_id}/models/{name}/artifacts"
            assert files.get(conn, f"{home_id}/models/{name}/artifacts/MLmodel").data == b"hello"
            assert files.get(conn, f"{home_id}/{run.run}/artifacts/a b+1.txt").data == b"hello"
        again = bring(store, there)
        assert again.failures == [] and {each.brought for each in again.tallies.values()} == {0}


def test_a_token_that_is_none_ends_it_at_once(there: Harbour, home: Path) -> None:
    with Store.open(home) as store, pytest.raises(DeniedError, match="401"):
        bring(store, there, token="wrong")


def _named(conn: Connection, name: str) -> list[runs.Run]:
    found = execute(conn, f"SELECT {runs.FIELDS} FROM tracked WHERE name = ?", (name,))
    return [runs.made(row) for row in found]
