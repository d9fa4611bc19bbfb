"""Valid input of each target, from which a fuzzer goes on."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import polars as pl
import pyarrow as pa

from argosy.serving.rpc import frame
from argosy.serving.rpc.frame import Kind
from argosy.serving.rpc.infer import InferRequest
from argosy.serving.rpc.message import SERVICE, message
from tests.serving.served import TOKEN

ROWS: dict[str, list[Any]] = {
    "depot": ["north", "a depot with a long name"],
    "left_at": ["2026-03-02T17:30:00Z", "2026-03-02T09:00:00+01:00"],
    "weight": [81.5, None],
    "parcels": [9, None],
    "express": [True, False],
}
TYPES = {"depot": "BYTES", "left_at": "BYTES", "weight": "FP64", "parcels": "INT64", "express": "BOOL"}
_WHOLE = {"depot": ["north", "south"], "left_at": ROWS["left_at"], "weight": [1.5, float("nan")], "parcels": [9, 2]}


def arrow() -> list[bytes]:
    """Streams and a file, of views and of offsets, with categories and with batches."""
    table = pl.DataFrame(ROWS).with_columns(pl.col("left_at").str.to_datetime(time_zone="UTC"))
    coded = table.with_columns(pl.col("depot").cast(pl.Categorical))
    found = []
    for each in (table, coded):
        for level in (pl.CompatLevel.newest(), pl.CompatLevel.oldest()):
            stream, file = BytesIO(), BytesIO()
            each.write_ipc_stream(stream, compat_level=level)
            each.write_ipc(file, compat_level=level)
            found += [stream.getvalue(), file.getvalue()]
    sink = pa.BufferOutputStream()
    plain = pa.table({**ROWS, "depot": pa.array(ROWS["depot"]).dictionary_encode()})
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain, max_chunksize=1)
    return [*found, sink.getvalue().to_pybytes()]


def records() -> list[bytes]:
    """A list, and an object with all that may stand beside it."""
    rows = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]
    beside = {"records": rows, "id": "mine", "at": "event", "explain": True}
    return [json.dumps(each).encode() for each in (rows, beside)]


def tensors() -> list[bytes]:
    """Columns one by one, and two of them in one tensor."""
    inputs = [{"name": name, "datatype": TYPES[name], "shape": [2], "data": values} for name, values in ROWS.items()]
    wide = {
        "name": "x",
        "datatype": "FP32",
        "shape": [2, 1],
        "data": [[1.5], [2]],
        "parameters": {"columns": ["weight"]},
    }
    asked = {"id": "r", "inputs": inputs, "parameters": {"at": ["2026-03-02T17:30:00Z"] * 2, "explain": False}}
    some = [{"name": "prediction", "parameters": {"binary_data": True}}]
    return [json.dumps(each).encode() for each in (asked, {"inputs": [*inputs[:2], wide], "outputs": some})]


def _elements(name: str, values: list[Any]) -> bytes:
    if TYPES[name] == "BYTES":
        return b"".join(struct.pack("<I", len(value)) + value.encode() for value in values)
    return struct.pack("<2d", *values) if TYPES[name] == "FP64" else struct.pack("<2q", *values)


def octets() -> list[bytes]:
    """Tensors behind their JSON."""
    parts = {name: _elements(name, values) for name, values in _WHOLE.items()}
    inputs = [
        {"name": name, "datatype": TYPES[name], "shape": [2], "parameters": {"binary_data_size": len(part)}}
        for name, part in parts.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return [len(head).to_bytes(2, "big") + head + b"".join(parts.values())]


def scored() -> list[bytes]:
    """The forms of MLflow's, and CSV."""
    rows = [list(row) for row in zip(*ROWS.values(), strict=True)]
    forms: list[dict[str, Any]] = [
        {"dataframe_split": {"columns": list(ROWS), "data": rows}},
        {"dataframe_records": [dict(zip(ROWS, row, strict=True)) for row in rows], "params": {"at": "event"}},
        {"instances": rows, "params": {"outputs": ["prediction", "route"], "id": "x"}},
        {"inputs": {name: [[value] for value in values] for name, values in ROWS.items()}},
    ]
    lines = b'\x01depot,left_at,weight,parcels,express\n"north, far",2026-03-02T17:30:00Z,1.5,NaN,true\n'
    return [*(b"\0" + json.dumps(each).encode() for each in forms), lines, b"\0" + b'{"instances": [[NaN, 1, 2]]}']


def message_() -> list[bytes]:
    """Typed, and raw."""
    typed, raw = InferRequest(model_name="late", id="r"), InferRequest(model_name="late", model_version="3")
    for name, values in _WHOLE.items():
        one = typed.inputs.add(name=name, datatype=TYPES[name], shape=[2])
        field = {"BYTES": "bytes_contents", "FP64": "fp64_contents", "INT64": "int64_contents"}[TYPES[name]]
        getattr(one.contents, field).extend([each.encode() if isinstance(each, str) else each for each in values])
        raw.inputs.add(name=name, datatype=TYPES[name], shape=[2, 1])
        raw.raw_input_contents.append(_elements(name, values))
    typed.parameters["at"].string_param = "event"
    raw.outputs.add(name="prediction")
    return [typed.SerializeToString(), raw.SerializeToString()]


def _call(id: int, method: str, body: bytes) -> bytes:
    head = {":method": "POST", ":path": f"/{SERVICE}/{method}", "content-type": "application/grpc", "te": "trailers",
            ":authority": "127.0.0.1", "authorization": f"Bearer {TOKEN}", "grpc-timeout": "20S"}  # fmt: skip
    block = frame.literals([(name.encode(), value.encode()) for name, value in head.items()])
    data = b"\0" + len(body).to_bytes(4, "big") + body
    return frame.frame(Kind.HEADERS, frame.END_HEADERS, id, block) + frame.frame(Kind.DATA, frame.END_STREAM, id, data)


def frames() -> list[bytes]:
    """Calls of several methods on one connection, with all that stands between them."""
    begin = b"\0\x40" + frame.settings({frame.INITIAL_WINDOW: 1 << 16})
    methods = ("ServerLive", "ServerReady", "ServerMetadata", "RepositoryIndex")
    some = [_call(2 * place + 1, name, b"") for place, name in enumerate(methods)]
    named = message("ModelMetadataRequest")(name="late").SerializeToString()
    ping = frame.frame(Kind.PING, 0, 0, bytes(8))
    more = frame.frame(Kind.WINDOW_UPDATE, 0, 0, (1 << 16).to_bytes(4, "big"))
    ask = [begin + _call(1, method, each) for method in ("ModelInfer", "ModelStreamInfer") for each in message_()]
    return [begin + b"".join(some), begin + ping + _call(1, "ModelMetadata", named) + more, *ask]


def heads() -> list[bytes]:
    """Requests that follow each other, one of them in chunks."""
    get = b"GET /v2/health/live?a=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    post = b"POST /predict/late HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nX: 1\r\nX: 2\r\n\r\n1234"
    chunked = (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n4\r\nabcd\r\n0\r\nT: x\r\n\r\n"
    )
    odd = b"HEAD http://a/b%20c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    return [b"\0\x20" + get * 2, b"\0\x60" + post + get, b"\0\x50" + chunked + get, b"\0\x10" + odd]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "arrow": arrow, "frames": frames, "heads": heads, "message": message_, "octets": octets, "records": records,
    "scored": scored, "tensors": tensors,
}  # fmt: skip
