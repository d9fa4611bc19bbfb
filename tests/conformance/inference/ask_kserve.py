"""KServe's own client over REST. Prints what it was told."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

PORT, TOKEN = sys.argv[1:]
URL, MODEL = f"http://127.0.0.1:{PORT}", "late-arrival"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
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


def request(*, binary: bool) -> InferRequest:
    inputs = []
    for name, values in ROWS.items():
        each = InferInput(name, list(values.shape), "BYTES" if values.dtype == object else "FP64")
        each.set_data_from_numpy(values, binary_data=binary)
        inputs.append(each)
    return InferRequest(model_name=MODEL, infer_inputs=inputs, request_id="from-kserve")


async def main() -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))

    async def infer(*, binary: bool) -> dict[str, Any]:
        answer = await client.infer(URL, request(binary=binary), model_name=MODEL, headers=dict(HEADERS))
        return {
            "id": answer.id,
            **{each.name: [str(v) if isinstance(v, str) else v for v in each.data] for each in answer.outputs},
        }

    try:
        await client.infer(URL, request(binary=False), model_name="other", headers=dict(HEADERS))
    except httpx.HTTPStatusError as error:
        other = [error.response.status_code, str(error).splitlines()[0]]
    found = {
        "live": await client.is_server_live(URL),
        "ready": await client.is_server_ready(URL),
        "model_ready": await client.is_model_ready(URL, MODEL, headers=dict(HEADERS)),
        "json": await infer(binary=False),
        "binary": await infer(binary=True),
        "other": other,
    }
    await client.close()
    sys.stdout.write(json.dumps(found))


asyncio.run(main())
