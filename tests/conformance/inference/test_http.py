"""Real clients of the inference server over HTTP, each in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.serving.conftest import Fixture

Ask = Callable[[str, str], dict[str, Any]]
pytestmark = pytest.mark.slow


def test_the_client_of_triton_has_all_it_asks_for(fleet: Fixture, ask: Ask) -> None:
    address = fleet.add_version("JFK/AA", 7, champion=False, share=0.0)
    found = ask("inference", "ask_triton")
    assert found["live"] and found["ready"] and found["model_ready"] and found["version_ready"]
    assert {"binary_tensor_data", "model_repository", "statistics"} <= set(found["server"]["extensions"])
    assert found["metadata"]["versions"] == found["version_metadata"] == ["2"]
    assert {each["name"] for each in found["config"]["input"]} == {each["name"] for each in found["metadata"]["inputs"]}
    assert found["index"] == [{"name": "late-arrival", "state": "READY", "reason": ""}]
    assert found["load"] is None and found["unload"][0] == "409" and found["id"] == "a-request"
    told = found["binary"]
    assert told["version"] == ["late-arrival/JFK/AA@1", "late-arrival/JFK/B6@1", "late-arrival/*@1"]
    assert told["route"] == ["own", "own", "pooled"] and all(0 < chance < 1 for chance in told["prediction"])
    assert found["json"] == found["mixed"] and list(found["json"]) == ["prediction", "route"]
    for same in ("wide", "gzip", "deflate", "parameters"):
        assert found[same] == told, same
    assert found["waiting"] == [told] * 8
    assert found["version"]["version"] == [address]
    statuses = {"several": "404", "other": "404", "shape": "400", "type": "400", "output": "400", "classes": "400"}
    assert {name: found[name][0] for name in statuses} == statuses and found["token"][0] == "401"
    assert "'distance' has shape [3, 2]" in found["shape"][1] and "no fleet 'other'" in found["other"][1]
    assert found["statistics"]["execution_count"] == 17 and found["statistics"]["inference_count"] == 49
    assert found["all"] == 1


def test_the_client_of_kserve_is_answered_in_json_and_in_bytes(ask: Ask) -> None:
    found = ask("inference", "ask_kserve")
    assert found["live"] and found["ready"] and found["model_ready"]
    assert found["json"] == found["binary"] and found["json"]["id"] == "from-kserve"
    assert found["json"]["version"] == ["late-arrival/JFK/AA@1", "late-arrival/*@1"]
    assert found["other"][0] == 404 and "no fleet 'other'" in found["other"][1]


def test_the_clients_of_mlflow_score_frames_and_columns(ask: Ask) -> None:
    found = ask("mlflow318", "ask_mlflow")
    assert len(found["frame"]) == len(found["columns"]) == 2 and found["version"]
    assert found["deployment"]["predictions"] == found["frame"]
    assert found["columns"][0] == found["frame"][0]
