"""Bodies of requests: what is null, empty, encoded twice or unknown, and what cannot be read."""

from __future__ import annotations

import json

import pytest

from tests.protocols.mlflow.conftest import Asker


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"name": null}', b'{"name": ""}', b'{"new": 1}', b'"{}"'])
def test_what_is_null_or_empty_is_missing(ask: Asker, body: bytes) -> None:
    status, told = ask.send("POST", "/api/2.0/mlflow/experiments/create", body, {})
    assert (status, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert told["message"].startswith("Missing value for required parameter 'name'.")


def test_an_empty_text_for_a_number_is_missing(ask: Asker) -> None:
    metric = {"run_id": "r", "key": "m", "value": "", "timestamp": 1}
    assert "Missing value for required parameter 'value'" in ask.refused("POST", "runs/log-metric", metric)


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"name": "\xff"}', b'{"name": "\\ud800"}', b"\xff\xfe"])
def test_a_body_that_cannot_be_read_is_refused(ask: Asker, body: bytes) -> None:
    status, told = ask.send("POST", "/api/2.0/mlflow/experiments/create", body, {})
    assert (status, told["error_code"]) == (400, "BAD_REQUEST") and "no JSON" in told["message"]


def test_a_query_of_too_many_fields_is_refused(ask: Asker) -> None:
    status, told = ask.send("GET", "/api/2.0/mlflow/runs/get", b"", b"run_id=1&" * 10_001)
    assert (status, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE") and "10,000 fields" in told["message"]


def test_a_body_may_be_encoded_twice_and_hold_what_is_unknown(ask: Asker) -> None:
    body = json.dumps(json.dumps({"name": "mine", "unheard of": [1]})).encode()
    assert ask.send("POST", "/api/2.0/mlflow/experiments/create", body, {}) == (200, {"experiment_id": "1"})
