"""Traces, received as a collector receives them: from the client's span to the model, and none where they are off."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from argosy.serving.rpc.infer import InferRequest
from argosy.serving.rpc.message import SERVICE, message
from tests.serving.conftest import Fixture
from tests.serving.served import TOKEN, URL, body, tensor
from tests.serving.test_caller import GIVEN

_CODE = """
import sys
from pathlib import Path
from argosy.serving.server import Options, run
home = Path(sys.argv[1])
options = Options(home=str(home), token=sys.argv[2], predictions=home / "segments", traces=True)
run(options, port=int(sys.argv[3]), grpc_port=int(sys.argv[4]))
"""
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
pytestmark = pytest.mark.slow


class Collector(ThreadingHTTPServer):
    """Takes spans over OTLP/HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.spans: list[tuple[str, Span]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        data = self.rfile.read(int(self.headers["content-length"]))
        for part in ExportTraceServiceRequest.FromString(data).resource_spans:
            [name] = [each.value.string_value for each in part.resource.attributes if each.key == "service.name"]
            self.server.spans += [(name, span) for scope in part.scope_spans for span in scope.spans]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@contextmanager
def traced(home: str) -> Iterator[tuple[httpx.Client, grpc.Channel]]:
    """Clients of a server that traces; it has ended cleanly in the end."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        port, calls = one.getsockname()[1], other.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", _CODE, home, TOKEN, str(port), str(calls)])
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client,
            grpc.insecure_channel(f"127.0.0.1:{calls}") as channel,
        ):
            end = time.monotonic() + 60
            while not _answers(client):
                assert time.monotonic() < end and process.poll() is None, "the server did not start"
                time.sleep(0.05)
            yield client, channel
    finally:
        process.terminate()
        assert process.wait(60) == 0


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/v2/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_a_request_is_traced_from_its_client_to_the_model(
    fleet: Fixture, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    with traced(fleet.store.home) as (client, _):
        parent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        cold = client.post(URL, json=body(**GIVEN), headers=parent)  # on a thread, since nothing is loaded
        many = {name: tensor(name, "FP64", [1.0] * 2) for name in GIVEN}
        warm = client.post(URL, json=body(2, **many))
        assert (cold.status_code, warm.status_code) == (200, 200)
        assert client.post(URL, content=b"{").status_code == 400
        assert client.get("/metrics", headers={"Authorization": ""}).status_code == 401
    spans = [span for name, span in collector.spans if name == "argosy-inference"]
    of = {each.span_id: each for each in spans}
    requests = [each for each in spans if each.kind == Span.SPAN_KIND_SERVER and attributes(each)["argosy.fleet"]]
    assert len(of) == len(spans) == len(collector.spans) and len(requests) == 3
    first = next(each for each in requests if each.parent_span_id)
    assert first.trace_id.hex() == TRACE and first.parent_span_id.hex() == PARENT
    assert attributes(first)["argosy.caller"] == "argosy serve" and first.name == "POST late-arrival"
    inside = [each for each in spans if each.trace_id == first.trace_id and each is not first]
    names = {each.name: of[each.parent_span_id].name for each in inside}
    assert names == {"score": first.name, "features": "score", "predict": "score", "record": "score"}
    assert all(of[each.parent_span_id].start_time_unix_nano <= each.start_time_unix_nano for each in inside)
    assert abs(first.start_time_unix_nano / 1e9 - time.time()) < 120
    [score] = [each for each in inside if each.name == "score"]
    assert attributes(score)["argosy.rows"] == 1 and score.end_time_unix_nano <= first.end_time_unix_nano
    statuses = sorted(attributes(each)["http.response.status_code"] for each in spans if each.kind == 2)
    assert statuses.count(200) >= 2 and 400 in statuses and 401 in statuses


def test_a_call_of_grpc_is_traced_from_its_client_to_the_model(
    fleet: Fixture, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    asked = InferRequest(model_name="late-arrival")
    for each in body(**GIVEN)["inputs"]:
        contents = asked.inputs.add(name=each["name"], datatype=each["datatype"], shape=[1]).contents
        if each["datatype"] == "BYTES":
            contents.bytes_contents.extend(text.encode() for text in each["data"])
        else:
            contents.fp64_contents.extend(each["data"])
    token, parent = ("authorization", f"Bearer {TOKEN}"), ("traceparent", f"00-{TRACE}-{PARENT}-01")
    with traced(fleet.store.home) as (_, channel):
        infer = channel.unary_unary(f"/{SERVICE}/ModelInfer", InferRequest.SerializeToString, bytes)
        infer(asked, metadata=(token, parent), timeout=60)  # on a thread, since nothing is loaded
        infer(asked, metadata=(token,), timeout=60)
        many = channel.stream_stream(f"/{SERVICE}/ModelStreamInfer", InferRequest.SerializeToString, bytes)
        assert len(list(many(iter([asked, asked]), metadata=(token,), timeout=60))) == 2
        live = channel.unary_unary(f"/{SERVICE}/ServerLive", message("ServerLiveRequest").SerializeToString, bytes)
        live(message("ServerLiveRequest")(), timeout=60)
        with pytest.raises(grpc.RpcError):
            infer(asked, timeout=60)  # without a token
        with pytest.raises(grpc.RpcError):
            infer(InferRequest(model_name="nobody"), metadata=(token,), timeout=60)
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(f"/{SERVICE}/Nothing", bytes, bytes)(b"", metadata=(token,), timeout=60)
    spans = [span for _, span in collector.spans]
    calls = [each for each in spans if attributes(each).get("rpc.system") == "grpc"]
    told = sorted((attributes(each)["rpc.method"], attributes(each)["rpc.grpc.status_code"]) for each in calls)
    ok = [("ModelInfer", 0)] * 2
    assert told == [*ok, ("ModelInfer", 5), ("ModelInfer", 16), *[("ModelStreamInfer", 0)] * 2, ("Nothing", 12),
                    ("ServerLive", 0)]  # fmt: skip
    faulty = [each.name for each in calls if each.status.code == each.status.STATUS_CODE_ERROR]
    assert faulty == [f"{SERVICE}/Nothing"] and {each.kind for each in calls} == {Span.SPAN_KIND_SERVER}
    first = next(each for each in calls if each.parent_span_id)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    of = {each.span_id: each for each in spans}
    inside = [each for each in spans if each.trace_id == first.trace_id and each is not first]
    names = {each.name: of[each.parent_span_id].name for each in inside}
    assert names == {"score": first.name, "features": "score", "predict": "score", "record": "score"}
    assert sum(each.name == "score" and of[each.parent_span_id] in calls for each in spans) == 4


def test_a_collector_that_is_not_there_costs_no_answer_and_no_clean_end(
    fleet: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    with traced(fleet.store.home) as (client, _):
        assert client.post(URL, json=body(**GIVEN)).status_code == 200


def test_nothing_of_it_is_loaded_where_it_is_off() -> None:
    code = (
        "import sys; from argosy.serving.server import Options; from argosy.serving.worker import application;"
        "from argosy.store import Store;"
        "import tempfile; home = tempfile.mkdtemp(); Store.open(home).close();"
        f"application(Options(home=home, token={TOKEN!r}));"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
