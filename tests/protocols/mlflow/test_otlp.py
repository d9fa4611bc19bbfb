"""Spans over OpenTelemetry's protocol: kept as they came, and what is none is refused."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from argosy.protocols.mlflow import body
from tests.protocols.mlflow.conftest import Asker

KIND = "application/x-protobuf"
TRACE = bytes(range(16))
NAME = f"tr-{TRACE.hex()}"
START = 1_700_000_000_123_456_789


def _span(**more: Any) -> Span:
    given = {"trace_id": TRACE, "span_id": b"12345678", "name": "ask", "start_time_unix_nano": START}
    span = Span(**{**given, "end_time_unix_nano": START + 5_000_000, **more})
    span.status.code = Status.STATUS_CODE_OK
    for key, text in {"mlflow.spanType": "LLM", "mlflow.spanOutputs": "größe"}.items():
        span.attributes.add(key=key).value.string_value = text
    pair = span.attributes.add(key="mlflow.spanInputs").value.kvlist_value.values.add(key="a")
    pair.value.array_value.values.add().int_value = 1 << 60
    return span


def _request(*spans: Span) -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def _send(ask: Asker, sent: bytes, **headers: str) -> tuple[int, Any]:
    given = {"content-type": KIND, "x-mlflow-experiment-id": "0"}
    return ask.send("POST", "/v1/traces", sent, {}, {**given, **{k.replace("_", "-"): v for k, v in headers.items()}})


def _back(ask: Asker) -> dict[str, Any]:
    return dict(ask.good("GET", "/api/3.0/mlflow/traces/get", trace_id=NAME)["trace"])


@pytest.mark.parametrize("packed", [False, True])
def test_spans_come_back_as_they_came_and_make_up_a_trace(ask: Asker, packed: bool) -> None:
    child = _span(span_id=b"abcdefgh", parent_span_id=b"12345678", name="call", start_time_unix_nano=START + 1)
    sent = _request(child, _span())
    encoded = {"content_encoding": "gzip"} if packed else {}
    assert _send(ask, gzip.compress(sent) if packed else sent, **encoded) == (200, b"")
    found = _back(ask)
    assert [ParseDict(each, Span()) for each in found["spans"]] == [_span(), child]
    info = found["trace_info"]
    assert (info["request_time"], info["execution_duration"], info["state"]) == (
        "2023-11-14T22:13:20.123Z",
        "0.005s",
        "OK",
    )
    assert (info["request_preview"], info["response_preview"]) == ('{"a":[1152921504606846976]}', "größe")
    assert info["tags"] == {
        "mlflow.traceName": "ask", "mlflow.trace.spansLocation": "TRACKING_STORE",
        "mlflow.artifactLocation": f"mlflow-artifacts:/0/traces/{NAME}/artifacts",
    }  # fmt: skip


def test_a_trace_of_which_more_spans_are_told_is_not_whole(ask: Asker) -> None:
    info = {
        "trace_id": NAME, "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-01-01T00:00:00Z", "trace_metadata": {"mlflow.trace.sizeStats": '{"num_spans": 2}'},
    }  # fmt: skip
    ask.good("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": info}})
    _send(ask, _request(_span()))
    assert "not fully exported" in ask.refused("GET", "/api/3.0/mlflow/traces/get", trace_id=NAME)
    _send(ask, _request(_span(span_id=b"abcdefgh")))
    assert len(_back(ask)["spans"]) == 2


def test_zero_bytes_are_left_out_of_what_is_searched_for(ask: Asker) -> None:
    assert _send(ask, _request(_span(name="a\0sk"))) == (200, b"")
    found = _back(ask)
    assert (found["trace_info"]["tags"]["mlflow.traceName"], found["spans"][0]["name"]) == ("ask", "a\0sk")


def test_spans_are_searched(ask: Asker) -> None:
    _send(ask, _request(_span()))
    here = [{"mlflow_experiment": {"experiment_id": "0"}}]
    for text in ("span.type = 'LLM'", "span.name = 'ask'", "span.status = 'OK'", "text LIKE '%größe%'"):
        found = ask.good("POST", "/api/3.0/mlflow/traces/search", {"locations": here, "filter": text})
        assert [each["trace_id"] for each in found["traces"]] == [NAME], text


def test_traces_of_spans_belong_to_the_run_that_is_named(ask: Asker) -> None:
    run = ask.good("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    assert _send(ask, _request(_span()), x_mlflow_run_id=run) == (200, b"")
    body = {"locations": [{"mlflow_experiment": {"experiment_id": "0"}}], "filter": f"run_id = '{run}'"}
    assert len(ask.good("POST", "/api/3.0/mlflow/traces/search", body)["traces"]) == 1
    assert _send(ask, _request(_span()), x_mlflow_run_id="nothing")[0] == 404


@pytest.mark.parametrize(("sent", "headers", "word"), [
    (b"\xff\xff", {}, "no request to export"), (b"", {}, "no spans found"),
    (_request(_span(trace_id=b"x")), {}, "16 bytes"),
    (_request(_span(span_id=b"")), {}, "one of 8"), (_request(_span(end_time_unix_nano=2**64 - 1)), {}, "2262"),
    (gzip.compress(_request(_span()))[:-9], {"content_encoding": "gzip"}, "cut off"),
    (_request(_span()), {"content_type": "application/json"}, KIND), (b"x\0", {"content_encoding": "gzip"}, "no gzip"),
    (b"x", {"content_encoding": "br"}, "Content-Encoding"),
    (_request(_span()), {"x_mlflow_experiment_id": ""}, "experiment-id"),
    (_request(_span()), {"x_mlflow_experiment_id": "x"}, "experiment ID"),
])  # fmt: skip
def test_what_is_no_span_is_refused(ask: Asker, sent: bytes, headers: dict[str, str], word: str) -> None:
    status, told = _send(ask, sent, **headers)
    assert (status, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert word in told["message"]


def test_what_is_too_large_once_unpacked_is_refused(ask: Asker) -> None:
    status, told = _send(ask, gzip.compress(b"\0" * (body.LIMIT + 1)), content_encoding="gzip")
    assert (status, "unpacked" in told["message"]) == (400, True)


def test_an_experiment_that_is_not_and_another_method_are_refused(ask: Asker) -> None:
    status, told = _send(ask, _request(_span()), x_mlflow_experiment_id="9")
    assert (status, told["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert ask.refused("GET", "/v1/traces").startswith("ENDPOINT_NOT_FOUND")
