"""One-row inference over HTTP against MLflow's and MLServer's servers, on the same LightGBM model.

    python bench/infer.py [--json FILE] [--requests N] [--no-peers]

CPU per request of the server's process tree is the figure, the least of some rounds in which every server has its
turn, so that all meet the same load; latencies stand beside it. Ours routes each row to a member of a fleet of three
and records every answer; the peers do neither. The fleet "timed" derives two of its features from the time in the
request by Polars expressions. The floor is our wire under an application that says only "ok": what receiving the same
request and sending an answer cost on this machine at this time.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from harness import Row, peer, report, tree

if TYPE_CHECKING:
    from sqlalchemy import Connection as Transaction

WIDTH, TREES, ROUNDS = 20, 100, 4
OWN = ("ours", "timed", "wire")
NAMES = tuple(f"x{i}" for i in range(WIDTH))
NOW = datetime(2013, 4, 1, tzinfo=UTC)
MLFLOW = ("mlflow==3.*", "lightgbm", "scikit-learn")
MLSERVER = ("mlserver>=1.7,<1.8", "mlserver-lightgbm>=1.7,<1.8")
WIRE = """
import asyncio, sys, uvloop
from argosy.serving.request import Call, Reply
from argosy.serving.watch import listen
from argosy.serving.wire import serve
class Ok:
    body_limit = 1 << 20
    def open(self, request): return Call(request, 0.0)
    def answer(self, call): return Reply(200, b"ok")
uvloop.run(serve(Ok(), listen("127.0.0.1", int(sys.argv[1])), asyncio.Event(), drain_seconds=1))
"""
Reply = tuple[int, bytes]


@dataclass(frozen=True)
class Target:
    """A running server: its process, and the bytes of one request."""

    pid: int
    port: int
    request: bytes


@dataclass(frozen=True)
class Figure:
    """CPU milliseconds of the server per request, and latencies in milliseconds."""

    cpu: float
    p50: float
    p99: float
    rate: float


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--requests", type=int, default=3000, help="in each round; a quarter of them to the peers")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        root = Path(name)
        text = _model(root)
        _fill(root / "home", text)
        servers = {"ours": argosy(root / "home", "bench"), "timed": argosy(root / "home", "timed"), "wire": wire()}
        if not options.no_peers:
            servers |= {"MLflow models serve": mlflow(root, text), "MLServer": mlserver(root, text)}
        with ExitStack() as stack:
            running = {name: stack.enter_context(server) for name, server in servers.items()}
            found = _measure(running, options.requests)
        ours, timed, floor = found.pop("ours"), found.pop("timed"), found.pop("wire")
        report("infer", [*_rows(ours, found, floor), *_derived(timed, floor)], options.json)


def _rows(
    ours: dict[int, Figure], peers: dict[str, dict[int, Figure]], floor: dict[int, Figure]
) -> Iterator[Row]:  # fmt: skip
    for connections, figure in ours.items():
        where = _case(connections)
        yield Row(f"{where}: CPU", "ms", figure.cpu, floor=floor[connections].cpu)
        for name, theirs in peers.items():
            yield Row(f"{where}: CPU", "ms", figure.cpu, theirs[connections].cpu, name)
            yield Row(f"{where}: p50", "ms", figure.p50, theirs[connections].p50, name)
            yield Row(f"{where}: p99", "ms", figure.p99, theirs[connections].p99, name)


def _derived(timed: dict[int, Figure], floor: dict[int, Figure]) -> Iterator[Row]:
    for connections, figure in timed.items():
        yield Row(f"{_case(connections)}, 2 request features: CPU", "ms", figure.cpu, floor=floor[connections].cpu)


def _case(connections: int) -> str:
    return f"1 row, {connections} connection{'s' if connections > 1 else ''}"


def _model(root: Path) -> bytes:
    from lightgbm import LGBMClassifier

    rng = np.random.default_rng(1)
    rows = rng.normal(size=(4000, WIDTH))
    late = rows[:, 0] + rows[:, 1] * rows[:, 2] + rng.normal(size=4000) > 0
    estimator = LGBMClassifier(n_estimators=TREES, num_leaves=31, verbose=-1, n_jobs=1).fit(rows, late)
    estimator.booster_.save_model(str(root / "model.txt"))
    return (root / "model.txt").read_bytes()


def _row() -> list[float]:
    return [round(float(x), 6) for x in np.random.default_rng(2).normal(size=WIDTH)]


def _http(port: int, path: str, body: object, **headers: str) -> bytes:
    data = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(data)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


@contextmanager
def argosy(home: Path, fleet: str) -> Iterator[Target]:
    """Our server over a store that `_fill` made, recording on; the request is one row of `fleet`."""
    port, token = _port(), secrets.token_urlsafe(24)
    code = (
        "import sys; from pathlib import Path; from argosy.serving.server import Options, run;"
        "run(Options(home=sys.argv[1], token=sys.argv[2], predictions=Path(sys.argv[1]) / 'predictions'),"
        " port=int(sys.argv[3]))"
    )
    tensor: dict[str, object] = {"shape": [1]}
    inputs = [tensor | {"name": "key", "datatype": "BYTES", "data": ["b"]}]
    values = dict(zip(NAMES, _row(), strict=True))
    if fleet == "timed":
        inputs.append(tensor | {"name": "t", "datatype": "BYTES", "data": ["2013-04-01T12:30:00Z"]})
        values = {name: values[name] for name in NAMES[:-2]}
    inputs += [tensor | {"name": name, "datatype": "FP64", "data": [value]} for name, value in values.items()]
    request = _http(port, f"/v2/models/{fleet}/infer", {"inputs": inputs}, Authorization=f"Bearer {token}")
    with _server([sys.executable, "-c", code, str(home), token, str(port)], port, request) as target:
        yield target


@contextmanager
def wire() -> Iterator[Target]:
    """Our server's wire alone: it reads a request of the same size and answers without a look at it."""
    port = _port()
    request = _http(
        port, "/", {"inputs": [{"name": name, "data": [value]} for name, value in zip(NAMES, _row(), strict=True)]}
    )
    with _server([sys.executable, "-c", WIRE, str(port)], port, request) as target:
        yield target


def _fill(home: Path, text: bytes) -> None:
    """A store as training leaves it: two fleets of three members with one version each."""
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
        [slot] = store.blobs.pack([text])
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
            artifacts.add(tx, artifacts.of_slots([slot], "model", NOW))
            for fleet, signature in signatures.items():
                store.blobs.put(signature.to_json())
                _crown(tx, fleet, slot.digest, signature.digest)


def _crown(tx: Transaction, fleet: str, artifact: str, signature: str) -> None:
    """Three members whose champions share one model."""
    from argosy.store import aliases, executions, members, versions

    for key, member in members.ensure(tx, fleet, ["a", "b", "c"], NOW).items():
        run = executions.NewExecution(
            key=f"{fleet}/{key}", kind="train", subject=key, started_at=NOW, ended_at=NOW, member_id=member
        )
        [execution] = executions.record(tx, [run])
        new = versions.NewVersion(
            fleet=fleet, member_id=member, key=key, artifact=artifact, format="lightgbm",
            execution_id=execution, at=NOW, rows=4000, signature=signature,
        )  # fmt: skip
        [version] = versions.add(tx, [new])
        move = aliases.Move(
            fleet=fleet, member_id=member, alias="champion", target="own", at=NOW, actor="bench",
            version_id=version.id,
        )  # fmt: skip
        aliases.move(tx, [move])


@contextmanager
def mlflow(root: Path, text: bytes) -> Iterator[Target]:
    """`mlflow models serve` of the same booster, one worker."""
    python = peer("mlflow-serve", MLFLOW)
    save = (
        "import sys, lightgbm, mlflow.lightgbm;"
        "booster = lightgbm.Booster(model_file=sys.argv[1]);"
        "mlflow.lightgbm.save_model(booster, sys.argv[2], pip_requirements=['lightgbm'])"
    )
    subprocess.run([python, "-c", save, root / "model.txt", root / "mlflow"], check=True, stdout=subprocess.DEVNULL)
    port = _port()
    command = [str(python), "-m", "mlflow", "models", "serve", "-m", str(root / "mlflow"), "-h", "127.0.0.1"]
    command += ["-p", str(port), "--env-manager", "local", "--workers", "1"]
    columns = [f"Column_{i}" for i in range(WIDTH)]
    request = _http(port, "/invocations", {"dataframe_split": {"columns": columns, "data": [_row()]}})
    with _server(command, port, request, path=str(python.parent)) as target:
        yield target


@contextmanager
def mlserver(root: Path, text: bytes) -> Iterator[Target]:
    """MLServer's LightGBM runtime in process (its quicker way: no worker pool)."""
    python = peer("mlserver", MLSERVER)
    folder = root / "mlserver"
    folder.mkdir()
    port, grpc, metrics = _port(), _port(), _port()
    (folder / "model.bst").write_bytes(text)
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": grpc, "metrics_port": metrics}
    (folder / "settings.json").write_text(json.dumps(settings | {"parallel_workers": 0, "debug": False}))
    model = {"name": "bench", "implementation": "mlserver_lightgbm.LightGBMModel", "parameters": {"uri": "./model.bst"}}
    (folder / "model-settings.json").write_text(json.dumps(model))
    tensor = {"name": "x", "shape": [1, WIDTH], "datatype": "FP64", "data": _row()}
    request = _http(port, "/v2/models/bench/infer", {"inputs": [tensor]})
    with _server([str(python.parent / "mlserver"), "start", str(folder)], port, request) as target:
        yield target


@contextmanager
def _server(command: list[str], port: int, request: bytes, path: str = "") -> Iterator[Target]:
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=environment)
        try:
            _wait(process, port, request, log.fileno())
            yield Target(process.pid, port, request)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, request: bytes, log: int) -> None:
    end, last = time.monotonic() + 120, b""
    while time.monotonic() < end and process.poll() is None:
        try:
            with Connection(port) as connection:
                status, last = connection.ask(request)
                if status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.2)
    os.lseek(log, 0, os.SEEK_SET)
    raise SystemExit(f"the server did not answer: {last[:500]!r}\n{os.read(log, 4000).decode(errors='replace')}")


class Connection:
    """A kept-alive HTTP connection that costs the client little."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def ask(self, request: bytes) -> Reply:
        """Send one request; status and body of the answer."""
        self._socket.sendall(request)
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(data) < end + 4 + length:
            data += self._more()
        self._rest = data[end + 4 + length :]
        return int(head.split(b" ", 2)[1]), data[end + 4 : end + 4 + length]

    def _more(self) -> bytes:
        if not (data := self._socket.recv(65536)):
            raise ConnectionError("closed")
        return data

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()


def _measure(targets: Mapping[str, Target], requests: int) -> dict[str, dict[int, Figure]]:
    """By server and number of connections, the round that cost the least CPU."""
    share = {name: requests if name in OWN else requests // 4 for name in targets}
    for name, target in targets.items():
        _drive(target, 4, share[name])
    best: dict[str, dict[int, Figure]] = {name: {} for name in targets}
    for _ in range(ROUNDS):
        for connections in (1, 16):
            for name, target in targets.items():
                figure = _drive(target, connections, share[name])
                before = best[name].get(connections, figure)
                best[name][connections] = min(before, figure, key=lambda each: each.cpu)
    return best


def _drive(target: Target, connections: int, requests: int) -> Figure:
    latencies: list[float] = []
    share = requests // connections

    def work() -> None:
        own = []
        with Connection(target.port) as connection:
            for _ in range(share):
                begun = time.perf_counter()
                status, body = connection.ask(target.request)
                own.append(time.perf_counter() - begun)
                if status != 200:
                    raise SystemExit(f"a request failed: {body[:300]!r}")
        latencies.extend(own)

    cpu, wall = tree(target.pid), time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - wall
    if len(latencies) != share * connections:
        raise SystemExit("some requests were not answered")
    cpu = tree(target.pid) - cpu
    p50, p99 = np.quantile(latencies, [0.5, 0.99]) * 1000
    return Figure(cpu / len(latencies) * 1000, float(p50), float(p99), len(latencies) / wall)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
