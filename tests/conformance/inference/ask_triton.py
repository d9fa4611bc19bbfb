"""Triton's own client over HTTP: all that it can ask of a server without shared memory. Prints what it was told."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

PORT, TOKEN = sys.argv[1:]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
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


def inputs(rows: int = 3, *, binary: bool = True, **changes: np.ndarray) -> list[triton.InferInput]:
    found = []
    for name, values in {**ROWS, **changes}.items():
        part = values[:rows]
        datatype = "BYTES" if part.dtype == object else np_to_triton_dtype(part.dtype)
        each = triton.InferInput(name, list(part.shape), datatype)
        each.set_data_from_numpy(part, binary_data=binary)
        found.append(each)
    return found


def told(result: triton.InferResult) -> dict[str, Any]:
    names = [each["name"] for each in result.get_response()["outputs"]]
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


def main() -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{PORT}", concurrency=4)

    def infer(given: list[triton.InferInput] | None = None, **more: Any) -> triton.InferResult:
        return client.infer(MODEL, given or inputs(), headers=dict(HEADERS), **more)

    outputs = [triton.InferRequestedOutput("prediction"), triton.InferRequestedOutput("route", binary_data=False)]
    wide = {name: values.reshape(3, 1) for name, values in ROWS.items()}
    waiting = [client.async_infer(MODEL, inputs(), headers=dict(HEADERS)) for _ in range(8)]
    found = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "server": client.get_server_metadata(dict(HEADERS)),
        "model_ready": client.is_model_ready(MODEL, headers=dict(HEADERS)),
        "metadata": client.get_model_metadata(MODEL, headers=dict(HEADERS)),
        "config": client.get_model_config(MODEL, headers=dict(HEADERS)),
        "index": client.get_model_repository_index(dict(HEADERS)),
        "load": client.load_model(MODEL, headers=dict(HEADERS)),
        "unload": refused(lambda: client.unload_model(MODEL, headers=dict(HEADERS))),
        "binary": told(infer(request_id="a-request")),
        "id": infer(request_id="a-request").get_response()["id"],
        "json": told(infer(inputs(binary=False, distance=np.array([0.25, 0, -1.5], np.float32)), outputs=outputs)),
        "mixed": told(infer(inputs(distance=np.array([0.25, 0, -1.5], np.float32)), outputs=outputs)),
        "wide": told(infer(inputs(**wide))),
        "gzip": told(infer(request_compression_algorithm="gzip", response_compression_algorithm="gzip")),
        "deflate": told(infer(request_compression_algorithm="deflate", response_compression_algorithm="deflate")),
        "parameters": told(infer(priority=3, timeout=5_000_000, parameters={"at": "2013-04-01T12:00:00Z"})),
        "waiting": [told(each.get_result()) for each in waiting],
        "version": told(infer(inputs(1), model_version="2")),
        "version_ready": client.is_model_ready(MODEL, "2", headers=dict(HEADERS)),
        "version_metadata": client.get_model_metadata(MODEL, "2", headers=dict(HEADERS))["versions"],
        "several": refused(lambda: infer(model_version="1")),
        "other": refused(lambda: client.infer("other", inputs(), headers=dict(HEADERS))),
        "shape": refused(lambda: infer(inputs(distance=np.zeros((3, 2), np.float32)))),
        "type": refused(lambda: infer(inputs(distance=np.array(["a", "b", "c"], object)))),
        "output": refused(lambda: infer(outputs=[triton.InferRequestedOutput("label")])),
        "classes": refused(lambda: infer(outputs=[triton.InferRequestedOutput("prediction", class_count=2)])),
        "token": refused(lambda: client.infer(MODEL, inputs())),
        "statistics": client.get_inference_statistics(MODEL, headers=dict(HEADERS))["model_stats"][0],
        "all": len(client.get_inference_statistics(headers=dict(HEADERS))["model_stats"]),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
