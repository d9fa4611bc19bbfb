"""Traces over the protocol: what is told of them, found, tagged, linked and deleted, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocols.mlflow.conftest import Asker

NEW = "/api/3.0/mlflow/traces"
TOLD = {
    "trace_id": "tr-1", "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
    "request_time": "2026-01-02T03:04:05.678Z", "execution_duration": "0.362s", "state": "OK",
    "trace_metadata": {"mlflow.user": "ann"}, "tags": {"mlflow.traceName": "ask", "a": "1"},
    "request_preview": "in", "response_preview": "out", "client_request_id": "c1",
}  # fmt: skip
HERE = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}]


def _start(ask: Asker, name: str = "tr-1", **more: Any) -> dict[str, Any]:
    given = {**TOLD, "trace_id": name, **more}
    made = ask.good("POST", NEW, {"trace": {"trace_info": given}})
    return dict(made["trace"]["trace_info"])


def _names(ask: Asker, **body: Any) -> list[str]:
    found = ask.good("POST", f"{NEW}/search", {"locations": HERE, **body})
    return [each["trace_id"] for each in found.get("traces", [])]


def test_a_trace_comes_back_as_it_was_told(ask: Asker) -> None:
    where = "mlflow-artifacts:/0/traces/tr-1/artifacts"
    wanted = {**TOLD, "tags": {**TOLD["tags"], "mlflow.artifactLocation": where}}  # type: ignore[dict-item]
    assert _start(ask) == wanted
    assert ask.good("GET", f"{NEW}/tr-1", trace_id="tr-1") == {"trace": {"trace_info": wanted}}
    assert ask.good("POST", f"{NEW}/search", {"locations": HERE}) == {"traces": [wanted]}


def test_tags_that_tell_where_a_trace_lies_are_not_taken_from_clients(ask: Asker) -> None:
    made = _start(ask, tags={"mlflow.artifactLocation": "file:///etc", "mlflow.trace.spansLocation": "TRACKING_STORE"})
    assert made["tags"] == {"mlflow.artifactLocation": "mlflow-artifacts:/0/traces/tr-1/artifacts"}
    body = {"key": "mlflow.artifactLocation", "value": "file:///etc"}
    assert "is not set" in ask.refused("PATCH", f"{NEW}/tr-1/tags", body)


def test_a_trace_whose_spans_lie_elsewhere_is_not_read_whole(ask: Asker) -> None:
    _start(ask)
    assert "not fully exported" in ask.refused("GET", f"{NEW}/get", trace_id="tr-1")
    assert ask.good("GET", f"{NEW}/get", trace_id="tr-1", allow_partial="True")["trace"]["spans"] == []
    _start(ask, "tr-2")
    found = ask.good("GET", f"{NEW}/batchGet", trace_ids=["tr-2", "tr-9", "tr-1"])["traces"]
    assert [each["trace_info"]["trace_id"] for each in found] == ["tr-2", "tr-1"]
    body = {"trace_ids": ["tr-1", "tr-9", "tr-2"]}
    told = ask.good("POST", f"{NEW}/batchGetInfos", {**body, "experiment_ids": ["0"]})["trace_infos"]
    assert [each["trace_id"] for each in told] == ["tr-1", "tr-2"]
    assert ask.good("POST", f"{NEW}/batchGetInfos", {**body, "experiment_ids": ["7"]}) == {}


@pytest.mark.parametrize("root", ["/api/2.0/mlflow/traces", NEW])
def test_tags_are_set_and_removed(ask: Asker, root: str) -> None:
    _start(ask)
    ask.good("PATCH", f"{root}/tr-1/tags", {"key": "b", "value": "ü"})
    ask.good("PATCH", f"{root}/tr-1/tags", {"key": "mlflow.traceName", "value": "other"})
    ask.good("DELETE", f"{root}/tr-1/tags", {"key": "a"})
    tags = ask.good("GET", f"{NEW}/tr-1")["trace"]["trace_info"]["tags"]
    assert {key: tags.get(key) for key in ("a", "b", "mlflow.traceName")} == {
        "a": None, "b": "ü", "mlflow.traceName": "other",
    }  # fmt: skip
    assert ask.refused("DELETE", f"{root}/tr-1/tags", {"key": "a"}).startswith("RESOURCE_DOES_NOT_EXIST")
    assert ask.refused("PATCH", f"{root}/tr-9/tags", {"key": "a"}).startswith("RESOURCE_DOES_NOT_EXIST")


def test_traces_are_found_by_pages_in_order(ask: Asker) -> None:
    for number in range(3):
        _start(ask, f"tr-{number}", request_time=f"2026-01-0{number + 1}T00:00:00Z", tags={"odd": str(number % 2)})
    assert _names(ask) == ["tr-2", "tr-1", "tr-0"]
    assert _names(ask, filter="tags.odd = '0'", order_by=["timestamp_ms ASC"]) == ["tr-0", "tr-2"]
    body = {"locations": HERE, "max_results": 2}
    first = ask.good("POST", f"{NEW}/search", body)
    rest = ask.good("POST", f"{NEW}/search", {**body, "page_token": first["next_page_token"]})
    assert [each["trace_id"] for each in rest["traces"]] == ["tr-0"]
    assert "next_page_token" not in rest


def test_traces_belong_to_runs(ask: Asker) -> None:
    run = ask.good("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    _start(ask, trace_metadata={"mlflow.sourceRun": run})
    _start(ask, "tr-2")
    assert _names(ask, filter=f"run_id = '{run}'") == ["tr-1"]
    ask.good("POST", "traces/link-to-run", {"trace_ids": ["tr-2"], "run_id": run})
    assert sorted(_names(ask, filter=f"attribute.run_id = '{run}'")) == ["tr-1", "tr-2"]
    many = {"trace_ids": ["tr-1"] * 101, "run_id": run}
    assert "more than 100" in ask.refused("POST", "traces/link-to-run", many)


def test_traces_are_deleted(ask: Asker) -> None:
    for number in range(4):
        _start(ask, f"tr-{number}", request_time=f"1970-01-01T00:00:0{number}Z")
    one = {"experiment_id": "0", "request_ids": ["tr-3", "tr-9"]}
    assert ask.good("POST", "traces/delete-traces", one) == {"traces_deleted": 1}
    old = {"experiment_id": "0", "max_timestamp_millis": 1000, "max_traces": 5}
    assert ask.good("POST", "traces/delete-traces", old) == {"traces_deleted": 2}
    assert _names(ask) == ["tr-2"]
    for body in (
        {},
        {**one, **old},
        {**one, "max_traces": 1},
        {**old, "max_traces": 0},
        {"max_timestamp_millis": 1 << 63},
    ):
        answer = ask.refused("POST", "traces/delete-traces", {"experiment_id": "0", **body})
        assert answer.startswith("INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(("more", "word"), [
    ({"trace_id": None}, "'trace_id'"), ({"trace_id": "../x"}, "'trace_id'"),
    ({"trace_location": None}, "trace_location"), ({"state": "FINE"}, "'state'"),
    ({"request_time": None}, "'request_time'"), ({"execution_duration": "1h"}, "duration"),
    ({"request_time": "2026-01-02T03:04:05"}, "'request_time'"),
    ({"request_time": "1969-01-02T03:04:05Z"}, "since 1970"), ({"tags": {"k" * 251: "v"}}, "tags.key"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused(ask: Asker, more: dict[str, Any], word: str) -> None:
    answer = ask.refused("POST", NEW, {"trace": {"trace_info": {**TOLD, **more}}})
    assert answer.startswith("INVALID_PARAMETER_VALUE") and word in answer


def test_a_trace_of_an_experiment_that_is_not_is_refused(ask: Asker) -> None:
    elsewhere = {**TOLD, "trace_location": {"mlflow_experiment": {"experiment_id": "9"}}}
    assert ask.refused("POST", NEW, {"trace": {"trace_info": elsewhere}}).startswith("RESOURCE_DOES_NOT_EXIST")
    assert "required parameter 'trace'" in ask.refused("POST", NEW, {})
    assert "Trace with ID 'tr-9' not found" in ask.refused("GET", f"{NEW}/tr-9")
    assert "max_results" in ask.refused("POST", f"{NEW}/search", {"locations": HERE, "max_results": 501})
