"""What Argosy did itself is there for whoever reads runs, and is looked for once a second at most."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.store import Store
from argosy.store.tracking import absorb, naming
from argosy.testing import sample
from tests.protocols.mlflow.asked import Asker, opened


class Seconds:
    """A clock that stands until it is moved on."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as store:
        yield store


def _train(store: Store, *keys: str, hours: float = 0) -> None:
    with store.write() as tx:
        sample.train(tx, "late", keys, hours=hours)


def _runs(ask: Asker) -> list[str]:
    home = ask("GET", "experiments/get-by-name", experiment_name="late").json["experiment"]["experiment_id"]
    found = ask("POST", "runs/search", experiment_ids=[home]).json
    return sorted(each["info"]["run_name"] for each in found.get("runs", []))


def test_a_members_training_is_a_run_below_that_of_its_fleet(store: Store) -> None:
    _train(store, "JFK/AA", "JFK/DL")
    with opened(store) as ask:
        assert _runs(ask) == ["JFK/AA", "JFK/DL", "training 2013-01-01 00:00:00"]
        run = ask("GET", "runs/get", run_id=naming.of_execution(1)).json["run"]
        tags = {each["key"]: each["value"] for each in run["data"]["tags"]}
        parent = ask("GET", "runs/get", run_id=tags["mlflow.parentRunId"]).json["run"]
        assert parent["info"]["run_name"] == "training 2013-01-01 00:00:00"
        assert run["info"]["status"] == "FINISHED"
        assert [each["dataset"]["name"] for each in run["inputs"]["dataset_inputs"]] == ["flights", "weather"]
        files = ask("GET", "artifacts/list", run_id=naming.of_execution(1)).json
        assert files["files"] == [{"path": "model.txt", "is_dir": False, "file_size": 5}]


def test_what_came_since_is_looked_for_after_a_second(store: Store) -> None:
    clock = Seconds()
    _train(store, "a")
    with opened(store, clock=clock) as ask:
        assert len(_runs(ask)) == 2
        _train(store, "a", hours=1)
        assert len(_runs(ask)) == 2
        clock.at = 1.0
        assert len(_runs(ask)) == 4


def test_who_asks_while_it_is_absorbed_waits_for_it(store: Store) -> None:
    _train(store, "a")

    with opened(store) as ask:
        asked = [("GET", "runs/get", {"run_id": naming.of_execution(1)})] * 3
        assert [each.status for each in ask.together(asked)] == [200, 200, 200]


def test_runs_are_read_though_absorption_fails(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _train(store, "a")
    monkeypatch.setattr(absorb, "MOST", None)  # nothing can be compared with it
    with opened(store) as ask, caplog.at_level(logging.ERROR):
        assert ask("GET", "experiments/get-by-name", experiment_name="Default").status == 200
    assert "could not be absorbed" in caplog.text
