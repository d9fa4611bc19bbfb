"""Triton's own client over gRPC: all that it can ask of a server without shared memory. Prints what it was told."""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

PORT, TOKEN = sys.argv[1:]
HEADERS = {"authorization": f"Bearer {TOKEN}"}
MODEL = "late-arrival"
ROWS = {
    "flight": np.array(["f0", "f1", "f2"], object),
    "origin": np.array(["JFK", "JFK", "LGA"], object),
    "carrier": np.array(["AA", "B6", "UA"], object),
    "departure": np.array(["2013-04-01T15:30:00Z"] * 3, object),
    "distance": np.array([0.25, np.nan, -1.5], np.float32),
    "dest": np.array(["LAX", "BOS", "MIA"], object),
    "temp": np.array([3, 4, 5], np.int16),
    "wind": np.array([0.5, 0.25, 2], np.float16),
    "hour": np.array([15, 15, 15], np.uint8),
}


def inputs(rows: int = 3, **changes: np.ndarray) -> list[triton.InferInput]:
    found = []
    for name, values in {**ROWS, **changes}.items():
        part = values[:rows]
        each = triton.InferInput(
            name, list(part.shape), "BYTES" if part.dtype == object else np_to_triton_dtype(part.dtype)
        )
        each.set_data_from_numpy(part)
        found.append(each)
    return found


def told(result: triton.InferResult) -> dict[str, Any]:
    names = [each.name for each in result.get_response().outputs]
    return {
        name: [each.decode() if isinstance(each, bytes) else each for each in result.as_numpy(name).tolist()]
        for name in names
    }


def refused(call: Any) -> list[str]:
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message().splitlines()[0]]
    raise AssertionError("it was not refused")


def streamed(client: triton.InferenceServerClient) -> list[Any]:
    """What a stream answers to three requests, of which the second names no fleet."""
    came: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: came.put(error.message() if error else told(result)), headers=HEADERS)
    for name in (MODEL, "other", MODEL):
        client.async_stream_infer(name, inputs())
    found = [came.get(timeout=60) for _ in range(3)]
    client.stop_stream()
    return found


def waiting(client: triton.InferenceServerClient, calls: int) -> list[Any]:
    """What calls are answered that do not wait for one another."""
    came: queue.Queue[Any] = queue.Queue()
    for _ in range(calls):
        client.async_infer(
            MODEL, inputs(), lambda result, error: came.put(error.message() if error else told(result)), headers=HEADERS
        )
    return [came.get(timeout=60) for _ in range(calls)]


def main() -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{PORT}")

    def infer(given: list[triton.InferInput] | None = None, **more: Any) -> triton.InferResult:
        return client.infer(MODEL, given or inputs(), headers=HEADERS, **more)

    outputs = [triton.InferRequestedOutput("prediction"), triton.InferRequestedOutput("route")]
    wide = {name: values.reshape(3, 1) for name, values in ROWS.items()}
    found = {
        "live": client.is_server_live(headers=HEADERS),
        "ready": client.is_server_ready(headers=HEADERS),
        "server": client.get_server_metadata(HEADERS, as_json=True),
        "model_ready": client.is_model_ready(MODEL, headers=HEADERS),
        "metadata": client.get_model_metadata(MODEL, headers=HEADERS, as_json=True),
        "config": client.get_model_config(MODEL, headers=HEADERS, as_json=True),
        "index": client.get_model_repository_index(HEADERS, as_json=True),
        "load": client.load_model(MODEL, headers=HEADERS),
        "unload": refused(lambda: client.unload_model(MODEL, headers=HEADERS)),
        "plain": told(infer(request_id="a-request")),
        "id": infer(request_id="a-request").get_response().id,
        "some": told(infer(outputs=outputs)),
        "wide": told(infer(inputs(**wide))),
        "gzip": told(infer(compression_algorithm="gzip")),
        "deflate": told(infer(compression_algorithm="deflate")),
        "parameters": told(infer(priority=3, timeout=5_000_000, parameters={"at": "2013-04-01T12:00:00Z"})),
        "waiting": waiting(client, 8),
        "streamed": streamed(client),
        "version": told(infer(inputs(1), model_version="2")),
        "version_ready": client.is_model_ready(MODEL, "2", headers=HEADERS),
        "several": refused(lambda: infer(model_version="1")),
        "other": refused(lambda: client.infer("other", inputs(), headers=HEADERS)),
        "shape": refused(lambda: infer(inputs(distance=np.zeros((3, 2), np.float32)))),
        "type": refused(lambda: infer(inputs(distance=np.array(["a", "b", "c"], object)))),
        "output": refused(lambda: infer(outputs=[triton.InferRequestedOutput("label")])),
        "classes": refused(lambda: infer(outputs=[triton.InferRequestedOutput("prediction", class_count=2)])),
        "token": refused(lambda: client.infer(MODEL, inputs())),
        "memory": refused(lambda: client.get_system_shared_memory_status(headers=HEADERS)),
        "statistics": client.get_inference_statistics(MODEL, headers=HEADERS, as_json=True)["model_stats"][0],
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
