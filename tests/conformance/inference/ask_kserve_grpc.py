"""KServe's own client over gRPC. Prints what it was told."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import grpc
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

PORT, TOKEN = sys.argv[1:]
MODEL = "late-arrival"
HEADERS = (("authorization", f"Bearer {TOKEN}"),)
ROWS = {
    "flight": np.array(["f0", "f1"], object),
    "origin": np.array(["JFK", "LGA"], object),
    "carrier": np.array(["AA", "UA"], object),
    "departure": np.array(["2013-04-01T15:30:00Z"] * 2, object),
    "distance": np.array([0.25, -1.5], np.float64),
    "dest": np.array(["LAX", "MIA"], object),
    "temp": np.array([3.0, 5.0], np.float64),
    "wind": np.array([0.5, 2.0], np.float64),
    "hour": np.array([15.0, 15.0], np.float64),
}


def request(*, binary: bool, model: str = MODEL) -> InferRequest:
    inputs = []
    for name, values in ROWS.items():
        each = InferInput(name, list(values.shape), "BYTES" if values.dtype == object else "FP64")
        each.set_data_from_numpy(values, binary_data=binary)
        inputs.append(each)
    return InferRequest(model_name=model, infer_inputs=inputs, request_id="from-kserve")


def text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


async def main() -> None:
    client = InferenceGRPCClient(f"127.0.0.1:{PORT}", retries=0)

    async def infer(*, binary: bool) -> dict[str, Any]:
        answer = await client.infer(request(binary=binary), headers=HEADERS)
        return {
            "id": answer.id,
            **{each.name: [text(value) for value in each.as_numpy().tolist()] for each in answer.outputs},
        }

    try:
        await client.infer(request(binary=False, model="other"), headers=HEADERS)
    except grpc.RpcError as error:
        other = [error.code().name, error.details().splitlines()[0]]
    found = {
        "live": await client.is_server_live(),
        "ready": await client.is_server_ready(),
        "model_ready": await client.is_model_ready(MODEL, headers=HEADERS),
        "typed": await infer(binary=False),
        "raw": await infer(binary=True),
        "other": other,
    }
    await client.close()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{PORT}") as channel:
        load = messages.RepositoryModelLoadRequest(model_name=MODEL)
        loaded = await GRPCInferenceServiceStub(channel).RepositoryModelLoad(load, metadata=HEADERS)
        found["loaded"] = [loaded.model_name, loaded.isLoaded]
    sys.stdout.write(json.dumps(found))


asyncio.run(main())
