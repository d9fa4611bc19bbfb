"""What Argosy did itself is there for whoever reads runs, and is looked for once a second at most."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from argosy.store import Store
from argosy.store.batch import Batch
from argosy.store.tracking import absorb, naming
from argosy.testing import sample
from tests.protocols.mlflow.conftest import Asker


class Seconds:
    """A clock that stands until it is moved on."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def ask(home: Path, clock: Seconds) -> Iterator[Asker]:
    with Store.open(home) as store, closing(Batch(store)) as batch:
        yield Asker(store, batch, clock=clock)


def _train(ask: Asker, *keys: str, hours: float = 0) -> None:
    with ask.store.write() as tx:
        sample.train(tx, "late", keys, hours=hours)


def _runs(ask: Asker) -> list[str]:
    home = ask.good("GET", "experiments/get-by-name", experiment_name="late")["experiment"]["experiment_id"]
    found = ask.good("POST", "runs/search", {"experiment_ids": [home]})
    return sorted(each["info"]["run_name"] for each in found.get("runs", []))


def test_a_members_training_is_a_run_below_that_of_its_fleet(ask: Asker) -> None:
    _train(ask, "JFK/AA", "JFK/DL")
    assert _runs(ask) == ["JFK/AA", "JFK/DL", "training 2013-01-01 00:00:00"]
    run = ask.good("GET", "runs/get", run_id=naming.of_execution(1))["run"]
    tags = {each["key"]: each["value"] for each in run["data"]["tags"]}
    parent = ask.good("GET", "runs/get", run_id=tags["mlflow.parentRunId"])["run"]
    assert parent["info"]["run_name"] == "training 2013-01-01 00:00:00"
    assert run["info"]["status"] == "FINISHED"
    assert [each["dataset"]["name"] for each in run["inputs"]["dataset_inputs"]] == ["flights", "weather"]
    files = ask.good("GET", "artifacts/list", run_id=naming.of_execution(1))
    assert files["files"] == [{"path": "model.txt", "is_dir": False, "file_size": 5}]


def test_what_came_since_is_looked_for_after_a_second(ask: Asker, clock: Seconds) -> None:
    _train(ask, "a")
    assert len(_runs(ask)) == 2
    _train(ask, "a", hours=1)
    assert len(_runs(ask)) == 2
    clock.at = 1.0
    assert len(_runs(ask)) == 4


def test_runs_are_read_though_absorption_fails(
    ask: Asker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _train(ask, "a")
    monkeypatch.setattr(absorb, "MOST", None)  # nothing can be compared with it
    with caplog.at_level(logging.ERROR):
        ask.good("GET", "experiments/get-by-name", experiment_name="Default")
    assert "could not be absorbed" in caplog.text


def test_what_argosy_did_is_not_changed_by_clients(ask: Asker) -> None:
    _train(ask, "a")
    own = naming.of_execution(1)
    assert len(_runs(ask)) == 2
    said = ask.refused("POST", "runs/update", {"run_id": own, "status": "FAILED"})
    assert "tells of what Argosy did itself" in said
    point, name, model = {"key": "auc", "value": 1.0, "timestamp": 1}, {"key": "a", "value": "b"}, {"model_id": "m-1"}
    for path, body in {
        "log-metric": point, "log-parameter": name, "log-inputs": {"models": [model]}, "outputs": {"models": [model]},
        "log-batch": {"metrics": [point]},
    }.items():  # fmt: skip
        assert "tells of what Argosy did itself" in ask.refused("POST", f"runs/{path}", {"run_id": own, **body})
    assert "tells of what Argosy did itself" in ask.refused("POST", "runs/log-batch", {"run_id": own, "params": [name]})
    ask.good("POST", "runs/log-batch", {"run_id": own, "tags": [name]})
    ask.good("POST", "runs/set-tag", {"run_id": own, "key": "checked", "value": "by ann"})
    assert ask.good("GET", "runs/get", run_id=own)["run"]["info"]["status"] == "FINISHED"
