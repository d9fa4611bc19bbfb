"""A run that a client ends is an execution, and another where it ends again."""

from __future__ import annotations

from argosy.store import executions, resources
from tests.protocols.mlflow.conftest import Asker


def _executions(ask: Asker) -> list[tuple[str, str]]:
    with ask.store.read() as conn:
        return [(each["subject"], each["outcome"]) for each in resources.every(conn, "executions")]


def test_a_run_that_ends_is_an_execution(ask: Asker) -> None:
    home = ask.good("POST", "experiments/create", {"name": "wine"})["experiment_id"]
    given = {"experiment_id": home, "run_name": "try 1", "start_time": 1000}
    run = ask.good("POST", "runs/create", given)["run"]["info"]["run_id"]
    ask.good("POST", "runs/log-metric", {"run_id": run, "key": "auc", "value": 0.7, "timestamp": 1})
    ask.good("POST", "runs/update", {"run_id": run, "run_name": "try one"})
    assert _executions(ask) == []
    ended = {"run_id": run, "status": "FINISHED", "end_time": 3500}
    ask.good("POST", "runs/update", ended)
    ask.good("POST", "runs/update", ended)  # as a client does that had no answer
    assert _executions(ask) == [("wine/try one", "succeeded")]
    with ask.store.read() as conn:
        (found,) = executions.of_subject(conn, "wine/try one")
        item = resources.get(conn, "tracked", run)
    assert (found.wall_s, found.metrics) == (2.5, {"auc": 0.7})
    assert (item["execution_id"], item["experiment"], item["status"]) == (found.id, "wine", "succeeded")


def test_a_run_that_is_continued_ends_again(ask: Asker) -> None:
    run = ask.good("POST", "runs/create", {"experiment_id": "0", "run_name": "r"})["run"]["info"]["run_id"]
    for status in ("KILLED", "RUNNING", "FAILED"):
        ask.good("POST", "runs/update", {"run_id": run, "status": status})
    assert _executions(ask) == [("Default/r", "failed"), ("Default/r", "cancelled")]
