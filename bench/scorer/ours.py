"""Argosy's inference server over a store as training leaves it, and what an answer costs without it: the floors."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from scorer.target import Target, free_port, http, started

if TYPE_CHECKING:
    from sqlalchemy import Connection as Transaction

    from argosy.store.blobs import Slot

WIDTH, TREES = 20, 100
NAMES = tuple(f"x{i}" for i in range(WIDTH))
NOW = datetime(2013, 4, 1, tzinfo=UTC)
_RUN = """
import sys
from pathlib import Path
from argosy.serving.server import Options, run
home, token, port, workers, cache = sys.argv[1:]
options = Options(home=home, token=token, predictions=Path(home) / "predictions", cache_mb=int(cache))
run(options, port=int(port), workers=int(workers))
"""
_FLOOR = """
import asyncio, sys, msgspec, numpy, uvloop
from argosy.model.format import load
from argosy.serving.request import Call, Reply
from argosy.serving.watch import listen
from argosy.serving.wire import serve
port, kind, text = sys.argv[1:]
model = load("lightgbm", open(text, "rb").read(), known=True) if text else None
names, encode = [f"x{i}" for i in range(20)], msgspec.json.Encoder().encode
class Tensor(msgspec.Struct):
    name: str
    data: list
class Body(msgspec.Struct):
    inputs: list[Tensor]
numbers, columns = msgspec.json.Decoder(list[list[float]]).decode, msgspec.json.Decoder(Body).decode
def plain(body):
    return model.predict(numpy.array(numbers(body))).tolist()
def named(body):
    found = {each.name: each.data for each in columns(body).inputs}
    answers = model.predict(numpy.array([found[name] for name in names]).T).tolist()
    return {"outputs": [{"name": "prediction", "datatype": "FP64", "shape": [len(answers)], "data": answers}]}
def nothing(body):
    return "ok"
score = {"nothing": nothing, "plain": plain, "named": named}[kind]
class Bare:
    body_limit = 1 << 24
    def open(self, request): return Call(request, 0.0)
    def answer(self, call): return Reply(200, encode(score(call.request.body)))
uvloop.run(serve(Bare(), listen("127.0.0.1", int(port)), asyncio.Event(), drain_seconds=1))
"""


def model(root: Path, trees: int = TREES) -> bytes:
    """A LightGBM classifier as its text, which is at `root/model.txt` as well."""
    from lightgbm import LGBMClassifier

    rng = np.random.default_rng(1)
    rows = rng.normal(size=(4000, WIDTH))
    late = rows[:, 0] + rows[:, 1] * rows[:, 2] + rng.normal(size=4000) > 0
    estimator = LGBMClassifier(n_estimators=trees, num_leaves=31, verbose=-1, n_jobs=1).fit(rows, late)
    estimator.booster_.save_model(str(root / "model.txt"))
    return (root / "model.txt").read_bytes()


def rows(count: int) -> list[list[float]]:
    """Rows of numbers, always the same."""
    return [[round(float(x), 6) for x in row] for row in np.random.default_rng(2).normal(size=(count, WIDTH))]


def request(port: int, token: str, fleet: str, keys: Sequence[str]) -> bytes:
    """The bytes of a request for one row of each of some members."""
    count = len(keys)
    tensor: dict[str, object] = {"shape": [count]}
    inputs = [tensor | {"name": "key", "datatype": "BYTES", "data": list(keys)}]
    names = NAMES
    if fleet == "timed":
        inputs.append(tensor | {"name": "t", "datatype": "BYTES", "data": ["2013-04-01T12:30:00Z"] * count})
        names = NAMES[:-2]
    columns = zip(*rows(count), strict=True)
    inputs += [
        tensor | {"name": name, "datatype": "FP64", "data": list(column)}
        for name, column in zip(names, columns, strict=False)
    ]
    return http(port, f"/v2/models/{fleet}/infer", {"inputs": inputs}, Authorization=f"Bearer {token}")


@contextmanager
def argosy(
    home: Path, fleet: str, batches: Mapping[int, Sequence[str]], *, workers: int = 1, cache_mb: int = 512
) -> Iterator[Target]:
    """Our server over a store that `fill` made, recording on; each request is for a row of each of some members."""
    port, token = free_port(), secrets.token_urlsafe(24)
    requests = {name: request(port, token, fleet, keys) for name, keys in batches.items()}
    command: list[str | Path] = [sys.executable, "-c", _RUN, home, token, str(port), str(workers), str(cache_mb)]
    with started(command, port, requests) as target:
        yield target


@contextmanager
def floor(
    counts: Sequence[int], kind: Literal["nothing", "plain", "named"], text: Path | None = None
) -> Iterator[Target]:
    """Our wire under an application that does little: it says "ok", or reads rows and asks the model of `text`.

    The rows of `plain` are bare lists of numbers; those of `named` are the tensors that our server reads, in the same
    request.
    """
    port = free_port()
    requests = {
        count: request(port, secrets.token_urlsafe(24), "bench", ["b"] * count) if kind == "named"
        else http(port, "/", rows(count))
        for count in counts
    }  # fmt: skip
    command: list[str | Path] = [sys.executable, "-c", _FLOOR, str(port), kind, text or ""]
    with started(command, port, requests) as target:
        yield target


def fill(home: Path, text: bytes, keys: Mapping[str, Sequence[str]], texts: Sequence[bytes] = ()) -> None:
    """A store as training leaves it: fleets ("bench", "timed") of members with one version each.

    All share the model of `text`, unless there are `texts`, which they have in turn.
    """
    import polars as pl
    from sklearn.linear_model import LogisticRegression

    from argosy.model.signature import Feature, Signature
    from argosy.spec import document
    from argosy.spec.dataset import Dataset
    from argosy.spec.feature import request_features
    from argosy.spec.fleet import Fleet, Label
    from argosy.spec.search import Candidate
    from argosy.spec.source import Parquet
    from argosy.store import Store, artifacts, datasets, declarations

    local = pl.col("t").dt.convert_time_zone("America/New_York")
    derived = request_features(hour=local.dt.hour(), weekday=local.dt.weekday())
    candidates, columns = (Candidate(LogisticRegression()),), [Feature(name, "number") for name in NAMES]
    plain = Fleet("bench", spine="rows", label=Label("late"), features=NAMES, candidates=candidates, by=("key",))
    timed = Fleet(
        "timed", spine="rows", label=Label("late"), features=(*NAMES[:-2], derived), candidates=candidates, by=("key",)
    )
    made = [Feature(name, "number", origin="request") for name in ("hour", "weekday")]
    signatures = {
        "bench": Signature(tuple(columns), "binary", "late"),
        "timed": Signature((*columns[:-2], *made), "binary", "late"),
    }
    spine = Dataset("rows", time="t", source=Parquet("rows.parquet"))
    types = {"t": "Datetime(time_unit='us', time_zone='UTC')", "key": "String"} | dict.fromkeys(NAMES, "Float64")
    with Store.open(home) as store:
        slots = store.blobs.pack(list(texts) or [text])
        with store.write() as tx:
            declared = [
                declarations.NewDeclaration(
                    kind=document.kind(each), name=each.name, fingerprint=document.fingerprint(each),
                    body=json.loads(document.encode(each)), at=NOW, actor="bench",
                )
                for each in (spine, plain, timed)
            ]  # fmt: skip
            declarations.add(tx, declared)
            datasets.commit(tx, datasets.NewVersion(dataset="rows", at=NOW, parts=[], columns=types))
            artifacts.add(tx, artifacts.of_slots(slots, "model", NOW))
            for fleet, members in keys.items():
                store.blobs.put(signatures[fleet].to_json())
                crown(tx, fleet, members, slots, signatures[fleet].digest)


def crown(
    tx: Transaction, fleet: str, keys: Sequence[str], slots: Sequence[Slot], signature: str, mark: str = ""
) -> None:
    """Members whose champions are the models of `slots`, in turn; `mark` tells this time from others."""
    from argosy.store import aliases, executions, members, versions

    ids = members.ensure(tx, fleet, keys, NOW)
    runs = [
        executions.NewExecution(
            key=f"{fleet}/{key}{mark}", kind="train", subject=key, started_at=NOW, ended_at=NOW, member_id=ids[key]
        )
        for key in keys
    ]
    new = [
        versions.NewVersion(
            fleet=fleet, member_id=ids[key], key=f"{key}{mark}", artifact=slots[place % len(slots)].digest,
            format="lightgbm", execution_id=execution, at=NOW, rows=4000, signature=signature,
        )
        for place, (key, execution) in enumerate(zip(keys, executions.record(tx, runs), strict=True))
    ]  # fmt: skip
    moves = [
        aliases.Move(
            fleet=fleet, member_id=ids[key], alias="champion", target="own", at=NOW, actor="bench",
            version_id=version.id,
        )
        for key, version in zip(keys, versions.add(tx, new), strict=True)
    ]  # fmt: skip
    aliases.move(tx, moves)
