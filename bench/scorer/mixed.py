"""Mixed load: good requests at every door, for members that are loaded and for others, and bad ones."""

from __future__ import annotations

import json
import random
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import grpc
import polars as pl

from argosy.serving.rpc.message import SERVICE, message
from scorer import ours
from scorer.load import Connection

MARK = "m?????"
"""Stands in a request where the name of a member is to be, which is as long."""
_SOME, _MANY, _EACH = 3, 100, 200
"""Rows of a small and of a large request; requests on one connection."""
_REFUSED = range(400, 500)
_BUSY = 429
_CODES = {grpc.StatusCode.OK: 200, grpc.StatusCode.RESOURCE_EXHAUSTED: _BUSY, grpc.StatusCode.INVALID_ARGUMENT: 400}


@dataclass(frozen=True)
class Door:
    """A kind of request: its bytes, in which `MARK` stands for a member, and whether it is `good`."""

    name: str
    data: bytes
    good: bool = True


@dataclass
class Tally:
    """What came of the requests: how many by door and status, and those that were answered as they should not be."""

    seen: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def take(self, door: Door, status: int, said: object) -> None:
        """Count one answer."""
        self.seen[door.name, status] += 1
        if status not in ((200, _BUSY) if door.good else _REFUSED):
            self.wrong.append(f"{door.name}: {status} {said!r}"[:500])


def doors(token: str) -> list[Door]:
    """Every door of HTTP, and bad requests at each."""
    rows = [dict(zip(("key", *ours.NAMES), (MARK, *row), strict=True)) for row in ours.rows(_MANY)]
    infer, records, scored = "/v2/models/bench/infer", "/predict/bench", json.dumps({"dataframe_records": rows[:_SOME]})
    tensors = json.dumps({"inputs": _tensors(rows[:1])}).encode()
    good = {
        "tensors": (infer, "application/json", tensors),
        "tensors, many": (infer, "application/json", json.dumps({"inputs": _tensors(rows)}).encode()),
        "explained": (infer, "application/json", json.dumps(_explained(rows)).encode()),
        "records": (records, "application/json", json.dumps(rows[:_SOME]).encode()),
        "arrow": (records, "application/vnd.apache.arrow.stream", _arrow(rows[:_SOME])),
        "arrow, many": (records, "application/vnd.apache.arrow.stream", _arrow(rows)),
        "invocations": ("/invocations/bench", "application/json", scored.encode()),
    }  # fmt: skip
    found = [Door(name, _http(path, token, kind, body)) for name, (path, kind, body) in good.items()]
    head, elements = _octets(rows[:_SOME])
    octets = {"Inference-Header-Content-Length": str(len(head))}
    found.append(Door("octets", _http(infer, token, "application/octet-stream", head + elements, **octets)))
    bad = {
        "cut JSON": (infer, "application/json", tensors[:-9]),
        "no body": (infer, "application/json", b""),
        "wrong types": (records, "application/json", json.dumps([rows[0] | {"x1": "much"}]).encode()),
        "no key": (records, "application/json", json.dumps([rows[0] | {"key": None}]).encode()),
        "no such fleet": ("/predict/none", "application/json", b"[]"),
        "cut Arrow": (records, "application/vnd.apache.arrow.stream", _arrow(rows[:1])[:-400]),
        "other kind": (records, "text/html", b"<p>"),
    }
    found += [Door(name, _http(path, token, kind, body), good=False) for name, (path, kind, body) in bad.items()]
    found.append(
        Door("cut octets", _http(infer, token, "application/octet-stream", head + elements[:-1], **octets), good=False)
    )
    return [*found, Door("stranger", _http(infer, "nobody knows this token", "application/json", tensors), good=False)]


def ask(
    port: int, doors: Sequence[Door], keys: Sequence[str], pause: float, stop: threading.Event, tally: Tally
) -> None:
    """Ask at one door after another, for members drawn by lot, on connections that are made anew at times."""
    chance = random.Random(threading.get_ident())
    while not stop.is_set():
        with Connection(port) as connection:
            for _ in range(_EACH):
                if stop.wait(pause):
                    return
                door = chance.choice(doors)
                try:
                    status, said = connection.ask(door.data.replace(MARK.encode(), chance.choice(keys).encode()))
                except OSError as error:
                    tally.wrong.append(f"{door.name}: {error!r}")
                    break
                tally.take(door, status, said)


def call(port: int, token: str, keys: Sequence[str], pause: float, stop: threading.Event, tally: Tally) -> None:
    """Call by gRPC, typed and raw, every eighth time with what does not fit."""
    chance, metadata = random.Random(5), [("authorization", f"Bearer {token}")]
    row = dict(zip(("key", *ours.NAMES), (MARK, *ours.rows(1)[0]), strict=True))
    kinds = (_message([row], raw=False), _message([row] * _SOME, raw=True))
    good, bad = Door("calls", b""), Door("bad calls", b"", good=False)
    while not stop.is_set():
        with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            infer: Callable[..., bytes] = channel.unary_unary(f"/{SERVICE}/ModelInfer")
            for turn in range(_EACH):
                if stop.wait(pause):
                    return
                data = kinds[turn % len(kinds)].replace(MARK.encode(), chance.choice(keys).encode())
                door = bad if turn % 8 == 0 else good
                try:
                    infer(data[:-3] if door is bad else data, metadata=metadata, timeout=30)
                    tally.take(door, 200, "")
                except grpc.RpcError as error:
                    tally.take(door, _CODES.get(error.code(), 500), error.details())


def _tensors(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    return [
        {"name": name, "datatype": "BYTES" if name == "key" else "FP64", "shape": [len(rows)],
         "data": [row[name] for row in rows]}
        for name in rows[0]
    ]  # fmt: skip


def _explained(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    return {"inputs": _tensors(rows[:_SOME]), "parameters": {"explain": True}}


def _arrow(rows: Sequence[dict[str, object]]) -> bytes:
    written = BytesIO()
    pl.DataFrame(rows).write_ipc_stream(written)
    return written.getvalue()


def _octets(rows: Sequence[dict[str, object]]) -> tuple[bytes, bytes]:
    parts = [_elements([row[name] for row in rows]) for name in rows[0]]
    inputs = [
        {name: value for name, value in each.items() if name != "data"}
        | {"parameters": {"binary_data_size": len(part)}}
        for each, part in zip(_tensors(rows), parts, strict=True)
    ]
    return json.dumps({"inputs": inputs}).encode(), b"".join(parts)


def _elements(values: Sequence[object]) -> bytes:
    if isinstance(values[0], str):
        return b"".join(struct.pack("<I", len(str(each))) + str(each).encode() for each in values)
    return struct.pack(f"<{len(values)}d", *values)


def _message(rows: Sequence[dict[str, object]], *, raw: bool) -> bytes:
    found = message("ModelInferRequest")(model_name="bench")
    for each in _tensors(rows):
        tensor, values = (
            found.inputs.add(name=each["name"], datatype=each["datatype"], shape=each["shape"]),
            each["data"],
        )
        assert isinstance(values, list)
        if raw:
            found.raw_input_contents.append(_elements(values))
        elif each["name"] == "key":
            tensor.contents.bytes_contents.extend(value.encode() for value in values)
        else:
            tensor.contents.fp64_contents.extend(values)
    return bytes(found.SerializeToString())


def _http(path: str, token: str, kind: str, body: bytes, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}", f"Content-Type: {kind}"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
