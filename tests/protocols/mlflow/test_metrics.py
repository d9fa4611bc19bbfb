"""Metrics and parameters over the protocol: numbers and what is none, histories, batches that are whole or not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocols.mlflow.conftest import Asker


@pytest.fixture
def run(ask: Asker) -> str:
    return str(ask.good("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])


def test_what_is_no_number_comes_back_as_it_went(ask: Asker, run: str) -> None:
    for step, value in enumerate(("NaN", "Infinity", "-Infinity", "1.5", 2)):
        ask.good("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": value, "timestamp": "7", "step": step})
    found = ask.good("GET", "metrics/get-history", run_id=run, metric_key="m")["metrics"]
    assert [each["value"] for each in found] == ["NaN", "Infinity", "-Infinity", 1.5, 2.0]
    assert ask.good("GET", "runs/get", run_id=run)["run"]["data"]["metrics"] == [
        {"key": "m", "value": 2.0, "timestamp": 7, "step": 4}
    ]


def test_a_history_is_read_by_pages_to_its_end(ask: Asker, run: str) -> None:
    points = [{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(7)]
    ask.good("POST", "runs/log-batch", {"run_id": run, "metrics": points})
    steps, token = list[int](), ""
    while True:
        page = ask.good("GET", "metrics/get-history", run_id=run, metric_key="m", max_results=3, page_token=token)
        steps += [each["step"] for each in page["metrics"]]
        token = page.get("next_page_token")
        if token is None:
            break
    assert steps == list(range(7))
    query = {"run_ids": [run], "metric_key": "m"}
    some = ask.good("GET", "metrics/get-history-bulk-interval", **query, max_results=3, start_step=1, end_step=5)
    assert [(each["run_id"], each["step"]) for each in some["metrics"]] == [(run, 1), (run, 3), (run, 5)]


def test_a_batch_with_something_wrong_leaves_nothing(ask: Asker, run: str) -> None:
    good: dict[str, Any] = {
        "metrics": [{"key": "m", "value": 1, "timestamp": 1}], "params": [{"key": "p", "value": "1"}],
        "tags": [{"key": "t", "value": "1"}],
    }  # fmt: skip
    for wrong, told in (
        ({"metrics": [{"key": "m", "timestamp": 1}]}, "required parameter 'metrics[0].value'"),
        ({"metrics": [{"key": "m", "value": None, "timestamp": 1}]}, "required parameter 'metrics[0].value'"),
        ({"metrics": [{"key": "m", "value": 1, "timestamp": 2**63}]}, "parameter 'metrics[0].timestamp'"),
        ({"metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 2**63}]}, "parameter 'metrics[0].step'"),
        ({"params": [{"key": "p", "value": "1"}] * 2}, "Duplicate parameter keys"),
        ({"tags": [{"key": "t", "value": "1"}, {"key": None}]}, "required parameter 'tags[1].key'"),
        ({"metrics": good["metrics"] * 1001}, "at most 1000 metrics"),
    ):
        assert told in ask.refused("POST", "runs/log-batch", {"run_id": run, **good, **wrong})
    data = ask.good("GET", "runs/get", run_id=run)["run"]["data"]
    assert set(data) == {"tags"} and [each["key"] for each in data["tags"]] == ["mlflow.runName"]


def test_a_parameter_is_written_once(ask: Asker, run: str) -> None:
    for _ in range(2):
        ask.good("POST", "runs/log-parameter", {"run_id": run, "key": "p", "value": "1"})
    assert "INVALID" in ask.refused("POST", "runs/log-parameter", {"run_id": run, "key": "p", "value": "2"})
    ask.good("POST", "runs/log-parameter", {"run_id": run, "key": "none", "value": None})
    found = ask.good("GET", "runs/get", run_id=run)["run"]["data"]["params"]
    assert {each["key"]: each["value"] for each in found} == {"p": "1", "none": ""}
