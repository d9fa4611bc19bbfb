"""Traces of clients before 3: begun, ended, found."""

from __future__ import annotations

from tests.protocols.mlflow.conftest import NOW, Asker

MS = int(NOW.timestamp() * 1000)


def _pairs(**values: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def test_a_trace_begins_and_ends(ask: Asker) -> None:
    body = {"experiment_id": "0", "timestamp_ms": 1000, "request_metadata": _pairs(v="2"), "tags": _pairs(a="1")}
    begun = ask.good("POST", "traces", body)["trace_info"]
    name = begun["request_id"]
    where = {"key": "mlflow.artifactLocation", "value": f"mlflow-artifacts:/0/traces/{name}/artifacts"}
    assert begun == {
        "request_id": name, "experiment_id": "0", "timestamp_ms": 1000, "execution_time_ms": 0,
        "status": "IN_PROGRESS", "request_metadata": _pairs(v="2"), "tags": [*_pairs(a="1"), where],
    }  # fmt: skip
    more = [*_pairs(b="2"), {"key": "mlflow.traceName", "value": "ask"}]
    ended = {"timestamp_ms": 1500, "status": "ERROR", "request_metadata": _pairs(w="3"), "tags": more}
    told = ask.good("PATCH", f"traces/{name}", {"request_id": name, **ended})["trace_info"]
    assert told == {
        **begun, "execution_time_ms": 500, "status": "ERROR", "request_metadata": _pairs(v="2", w="3"),
        "tags": [*_pairs(a="1", b="2"), where, more[1]],
    }  # fmt: skip
    assert ask.good("GET", f"traces/{name}/info", request_id=name) == {"trace_info": told}
    assert ask.good("GET", "traces", experiment_ids=["0"], filter="status = 'ERROR'") == {"traces": [told]}
    assert ask.good("GET", "traces", experiment_ids=["0"], filter="status = 'OK'") == {}


def test_a_trace_that_does_not_say_when_begins_and_ends_now(ask: Asker) -> None:
    name = ask.good("POST", "traces", {"experiment_id": "0"})["trace_info"]["request_id"]
    told = ask.good("PATCH", f"traces/{name}", {})["trace_info"]
    assert (told["timestamp_ms"], told["execution_time_ms"]) == (MS, 1000)
    assert told["status"] == "TRACE_STATUS_UNSPECIFIED"


def test_what_cannot_be_is_refused(ask: Asker) -> None:
    assert "'experiment_id'" in ask.refused("POST", "traces", {})
    assert ask.refused("POST", "traces", {"experiment_id": "9"}).startswith("RESOURCE_DOES_NOT_EXIST")
    assert ask.refused("PATCH", "traces/nothing", {"status": "OK"}).startswith("RESOURCE_DOES_NOT_EXIST")
    name = ask.good("POST", "traces", {"experiment_id": "0"})["trace_info"]["request_id"]
    assert "'status'" in ask.refused("PATCH", f"traces/{name}", {"status": "FINE"})
    assert "'timestamp_ms'" in ask.refused("PATCH", f"traces/{name}", {"timestamp_ms": -1})
