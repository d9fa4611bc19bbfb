"""Each method as gRPC's own client calls it, over a store as training leaves it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from argosy.serving.rpc.message import SERVICE, message
from argosy.serving.rpc.service import Service
from argosy.serving.rpc.status import Outcome
from tests.serving.rpc.conftest import METADATA, Called
from tests.serving.served import TOKEN

Code = grpc.StatusCode
ROW = {
    "origin": b"JFK",
    "carrier": b"AA",
    "departure": b"2013-04-01T15:30:00Z",
    "distance": 0.25,
    "dest": b"LAX",
}


def inputs(rows: int = 1, **changes: Any) -> list[Any]:
    """Typed tensors of good rows, with some values replaced (None: left out)."""
    found = []
    for name, value in (ROW | changes).items():
        if value is not None:
            kind, field = ("FP64", "fp64_contents") if isinstance(value, float) else ("BYTES", "bytes_contents")
            tensor = message("ModelInferRequest.InferInputTensor")(name=name, datatype=kind, shape=[rows])
            getattr(tensor.contents, field).extend([value] * rows)
            found.append(tensor)
    return found


def infer(called: Called, **more: Any) -> Any:
    given = {"model_name": "late-arrival", "id": "r1", "inputs": inputs()} | more
    return called.call("ModelInfer", **given)


def test_a_row_is_answered_as_over_http(called: Called) -> None:
    answer = infer(called)
    same = called.served.post({"inputs": [
        {"name": name, "shape": [1], "datatype": "FP64" if name == "distance" else "BYTES",
         "data": [value.decode() if isinstance(value, bytes) else value]} for name, value in ROW.items()
    ]}).json()  # fmt: skip
    outputs = {each.name: each for each in answer.outputs}
    assert (answer.model_name, answer.id) == ("late-arrival", "r1")
    assert outputs["prediction"].contents.fp64_contents == same["outputs"][0]["data"]
    assert list(outputs["version"].contents.bytes_contents) == [b"late-arrival/JFK/AA@1"]
    assert list(outputs["route"].contents.bytes_contents) == [b"own"]
    assert list(outputs["stale"].contents.bool_contents) == [False]
    assert [each.shape for each in answer.outputs] == [[1]] * 4
    assert set(called.served.recorded()["request_id"]) >= {"r1"}


def test_many_rows_and_some_outputs_may_be_asked_for(called: Called) -> None:
    wanted = [message("ModelInferRequest.InferRequestedOutputTensor")(name="prediction")]
    answer = infer(called, inputs=inputs(500), outputs=wanted)
    [output] = answer.outputs
    assert output.shape == [500] and len(set(output.contents.fp64_contents)) == 1


def test_a_stream_answers_or_refuses_each_request(called: Called) -> None:
    kind = message("ModelInferRequest")
    ask = called.channel.stream_stream(
        f"/{SERVICE}/ModelStreamInfer", kind.SerializeToString, message("ModelStreamInferResponse").FromString
    )
    good = kind(model_name="late-arrival", id="a", inputs=inputs())
    bad = kind(model_name="nobody", inputs=inputs())
    first, second, third = ask(iter([good, bad, good]), metadata=METADATA, timeout=60)
    assert first.infer_response.id == third.infer_response.id == "a" and not first.error_message
    assert "there is no fleet 'nobody'" in second.error_message and not second.HasField("infer_response")


def test_what_is_asked_of_the_server_and_its_models(called: Called) -> None:
    assert called.call("ServerLive").live and called.call("ServerReady").ready
    assert called.call("ModelReady", name="late-arrival").ready
    assert called.refused("ModelReady", name="late-arrival", version="1")[0] == Code.NOT_FOUND  # several have one
    server, model = called.call("ServerMetadata"), called.call("ModelMetadata", name="late-arrival")
    assert server.name == "argosy" and "model_repository" in server.extensions
    assert model.platform == "argosy_fleet" and [each.name for each in model.inputs][:2] == ["origin", "carrier"]
    assert {each.name: each.datatype for each in model.outputs}["prediction"] == "FP64"
    [one] = called.call("RepositoryIndex", ready=True).models
    assert (one.name, one.state) == ("late-arrival", "READY")


@pytest.mark.parametrize("field", ["model_name", "repository_name"])
def test_a_fleet_is_loaded_and_stays(called: Called, field: str) -> None:
    assert called.call("RepositoryModelLoad", **{field: "late-arrival"}).isLoaded
    code, text = called.refused("RepositoryModelUnload", **{field: "late-arrival"})
    assert code == Code.FAILED_PRECONDITION and "declared" in text


def test_health_is_told_as_other_servers_tell_it(called: Called) -> None:
    request, response = message("HealthCheckRequest"), message("HealthCheckResponse")
    check = called.channel.unary_unary("/grpc.health.v1.Health/Check", request.SerializeToString, response.FromString)
    assert check(request(), timeout=60).status == check(request(service=SERVICE), timeout=60).status == 1
    with pytest.raises(grpc.RpcError) as error:
        check(request(service="another"), timeout=60)
    assert error.value.code() == Code.NOT_FOUND


@pytest.mark.parametrize("metadata", [(), (("authorization", f"Bearer {TOKEN}x"),), (("authorization", TOKEN),)])
@pytest.mark.parametrize(
    "name", ["ModelInfer", "ModelReady", "ServerMetadata", "ModelMetadata", "RepositoryIndex", "RepositoryModelLoad"]
)
def test_without_the_token_there_is_nothing(called: Called, name: str, metadata: Any) -> None:
    assert called.refused(name, metadata=metadata)[0] == Code.UNAUTHENTICATED
    assert called.call("ServerLive", metadata=metadata).live


def test_who_has_no_token_fills_no_memory(called: Called) -> None:
    health = called.channel.unary_unary("/grpc.health.v1.Health/Check")
    with pytest.raises(grpc.RpcError) as error:
        health(bytes(2_000), timeout=60)
    assert error.value.code() == Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({"model_name": "nobody"}, Code.NOT_FOUND, "there is no fleet 'nobody'"),
        ({"model_name": "late-arrival/versions/1"}, Code.NOT_FOUND, "there is no fleet"),
        ({"model_version": "99"}, Code.NOT_FOUND, "99"),
        ({"inputs": []}, Code.INVALID_ARGUMENT, "no inputs"),
        ({"inputs": inputs(origin=None)}, Code.INVALID_ARGUMENT, "lacks the input 'origin'"),
        ({"inputs": inputs(origin=b"\xff")}, Code.INVALID_ARGUMENT, "no UTF-8"),
        ({"inputs": inputs(distance=float("inf"))}, Code.INVALID_ARGUMENT, "wanted a finite number"),
        ({"raw_input_contents": [b""]}, Code.INVALID_ARGUMENT, "raw_input_contents holds 1"),
        ({"inputs": inputs(2_000_000 // 10)}, Code.RESOURCE_EXHAUSTED, "above the limit"),
    ],
    ids=["fleet", "path", "version", "nothing", "lacks", "text", "infinite", "raw", "large"],
)  # fmt: skip
def test_what_does_not_fit_is_told(called: Called, more: dict[str, Any], code: Code, said: str) -> None:
    with pytest.raises(grpc.RpcError) as error:
        infer(called, **more)
    assert error.value.code() == code and said in error.value.details()


def test_an_unknown_method_and_a_message_that_is_none_are_refused(called: Called) -> None:
    assert called.refused("TraceSetting", kind="ServerLive")[0] == Code.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as error:
        called.channel.unary_unary(f"/{SERVICE}/ModelInfer")(b"\xff\xff", metadata=METADATA, timeout=60)
    assert error.value.code() == Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("timeout", "status"),
    [("20S", 0), ("999n", 0), ("1H", 0), ("soon", 3), ("1000000000S", 3), ("-1S", 3), ("", 3)],
)
def test_the_time_that_a_call_has_is_read(called: Called, timeout: str, status: int) -> None:
    head = {
        b":path": f"/{SERVICE}/ServerMetadata".encode(),
        b":authority": b"localhost",
        b"authorization": METADATA[0][1].encode(),
        b"grpc-timeout": timeout.encode(),
    }
    outcome = Service(called.served.app).answer(head, b"")
    assert isinstance(outcome, Outcome) and outcome.status == status


TENSORS = st.builds(
    message("ModelInferRequest.InferInputTensor"),
    name=st.sampled_from([*ROW, "other"]),
    datatype=st.sampled_from(["BOOL", "INT8", "INT64", "UINT64", "FP16", "FP32", "FP64", "BF16", "BYTES", "", "X"]),
    shape=st.lists(st.sampled_from([-1, 0, 1, 2, 2**31, 2**62]), max_size=3),
    contents=st.builds(
        message("InferTensorContents"),
        int64_contents=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=2),
        fp64_contents=st.lists(st.floats(), max_size=2),
        bytes_contents=st.lists(st.binary(max_size=4), max_size=2),
    ),
)
REQUESTS = st.builds(
    message("ModelInferRequest"),
    model_name=st.sampled_from(["late-arrival", "late-arrival", "", "../x"]),
    model_version=st.sampled_from(["", "", "1", "\U0001f600"]),
    inputs=st.lists(TENSORS, max_size=6),
    raw_input_contents=st.lists(st.binary(max_size=9), max_size=3),
).map(lambda each: each.SerializeToString())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | REQUESTS)
@example(message("ModelInferRequest")(model_name="late-arrival", inputs=inputs(shape=None)).SerializeToString())
def test_whatever_comes_is_answered_or_is_the_fault_of_its_client(called: Called, body: bytes) -> None:
    ask = called.channel.unary_unary(f"/{SERVICE}/ModelInfer")
    try:
        ask(body, metadata=METADATA, timeout=60)
    except grpc.RpcError as error:
        assert error.code() in (Code.INVALID_ARGUMENT, Code.NOT_FOUND), error.details()
