"""Real clients of the inference server over gRPC, each in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from argosy.serving.rpc.message import message
from tests.serving.conftest import Fixture

Ask = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.slow
OF_OTHERS = {"HealthCheckRequest", "HealthCheckResponse", "RepositoryModelLoadResponse"}


def fields(kind: Any) -> dict[str, list[Any]]:
    """As the client's script tells them."""
    found = {
        each.name: [each.number, each.type, each.is_repeated, each.message_type and each.message_type.name]
        for each in kind.fields
    }
    nested = [(each.name, fields(each)) for each in kind.nested_types]
    return found | {f"{name}.{field}": told for name, inner in nested for field, told in inner.items()}


def test_the_client_of_triton_has_all_it_asks_for(fleet: Fixture, ask: Ask) -> None:
    address = fleet.add_version("JFK/AA", 7, champion=False, share=0.0)
    found = ask("inference", "ask_triton_grpc", grpc=True)
    assert found["live"] and found["ready"] and found["model_ready"] and found["version_ready"]
    assert "model_repository" in found["server"]["extensions"]
    assert found["metadata"]["versions"] == ["2"] and found["metadata"]["platform"] == "argosy_fleet"
    config = found["config"]["config"]
    assert {each["name"] for each in config["input"]} == {each["name"] for each in found["metadata"]["inputs"]}
    assert {each["data_type"] for each in config["output"]} == {"TYPE_FP64", "TYPE_STRING", "TYPE_BOOL"}
    assert found["index"] == {"models": [{"name": "late-arrival", "state": "READY"}]}
    assert found["load"] is None and found["unload"][0] == "StatusCode.FAILED_PRECONDITION"
    told = found["plain"]
    assert found["id"] == "a-request"
    assert told["version"] == ["late-arrival/JFK/AA@1", "late-arrival/JFK/B6@1", "late-arrival/*@1"]
    assert told["route"] == ["own", "own", "pooled"] and all(0 < chance < 1 for chance in told["prediction"])
    assert found["some"] == {name: told[name] for name in ("prediction", "route")}
    for same in ("wide", "gzip", "deflate", "parameters"):
        assert found[same] == told, same
    assert found["waiting"] == [told] * 8
    assert found["streamed"][0] == found["streamed"][2] == told and "no fleet 'other'" in found["streamed"][1]
    assert found["version"]["version"] == [address]
    codes = {
        "several": "NOT_FOUND",
        "other": "NOT_FOUND",
        "shape": "INVALID_ARGUMENT",
        "type": "INVALID_ARGUMENT",
        "output": "INVALID_ARGUMENT",
        "classes": "INVALID_ARGUMENT",
        "token": "UNAUTHENTICATED",
        "memory": "UNIMPLEMENTED",
    }
    assert {name: found[name][0] for name in codes} == {name: f"StatusCode.{code}" for name, code in codes.items()}
    assert "'distance' has shape [3, 2]" in found["shape"][1]
    assert found["statistics"]["inference_count"] == str(3 * (8 + 7 + 2) + 1)


def test_every_field_is_that_of_tritons_messages(ask: Ask) -> None:
    found = ask("inference", "ask_triton_messages", grpc=True)
    file = message("ModelInferRequest").DESCRIPTOR.file
    for name, kind in file.message_types_by_name.items():
        if name not in OF_OTHERS:
            theirs = found["messages"][name]
            for field, told in fields(kind).items():
                assert theirs[field] == told, f"{name}.{field}"
    assert found["types"] == {each.name: each.number for each in file.enum_types_by_name["DataType"].values}


def test_the_client_of_kserve_is_answered_typed_and_raw(ask: Ask) -> None:
    found = ask("inference", "ask_kserve_grpc", grpc=True)
    assert found["live"] and found["ready"] and found["model_ready"]
    assert found["typed"] == found["raw"] and found["typed"]["id"] == "from-kserve"
    assert found["typed"]["version"] == ["late-arrival/JFK/AA@1", "late-arrival/*@1"]
    assert found["other"][0] == "NOT_FOUND" and "no fleet 'other'" in found["other"][1]
    assert found["loaded"] == ["late-arrival", True]
