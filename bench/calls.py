"""gRPC: CPU and latency of a call for one row, beside grpcio's own servers over the same scorer.

    ./dev bench calls [--json FILE] [--calls N]

Server: one worker, one LightGBM model of 100 trees, 20 features, routing and recording on; the request holds typed
tensors and a token. The peers are `grpc.server` on threads and `grpc.aio` on uvloop: each reads the same messages, and
asks the same scorer. They check no limits and count nothing. The floor is our wire with a service that says back what
it is told. Client: grpcio, one channel or 16.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from harness import Limit, Row, report, tree
from scorer import ours
from scorer.load import Figure
from scorer.target import free_port

from argosy.serving.rpc.message import SERVICE, message

OURS, FLOOR, ROUNDS = "ours", "floor", 5
_OURS = """
import sys
from pathlib import Path
from argosy.serving.server import Options, run
home, token, port, http = sys.argv[1:]
run(Options(home=home, token=token, predictions=Path(home) / "calls"), port=int(http), grpc_port=int(port))
"""
_FLOOR = """
import asyncio, sys, uvloop
from argosy.serving.rpc.status import Outcome
from argosy.serving.rpc.wire import serve
from argosy.serving.watch import listen
class Echo:
    def limit(self, head): return 1 << 24
    def many(self, head): return False
    def refusal(self, head): return None
    def knows(self, head): return True
    def answer(self, head, message): return Outcome(message)
uvloop.run(serve(Echo(), listen("127.0.0.1", int(sys.argv[3])), asyncio.Event(), drain_seconds=1))
"""
_PEER = """
import asyncio, hmac, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
import grpc, grpc.aio, uvloop
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.recorder import Recorder
from argosy.serving.rpc.infer import InferRequest, parse, reply
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from argosy.store import Store
kind, home, token, port = sys.argv[1:]
store, now = Store.open(home, create=False), lambda: datetime.now(UTC)
scorer = Scorer(ModelCache(blob_loader(store.blobs)), now, None, Recorder(Path(home) / kind, now))
endpoint, bearer = Source(store)().endpoint("bench"), "Bearer " + token
def answer(body):
    batch, wanted = parse(body, endpoint)
    return reply(endpoint, scorer.answer(scorer.plan(batch)), wanted).body
async def later(body, context): return answer(body)
def at_once(body, context): return answer(body)
class Handler(grpc.GenericRpcHandler):
    def __init__(self, work): self.found = grpc.unary_unary_rpc_method_handler(work)
    def service(self, details):
        for name, value in details.invocation_metadata:
            if name == "authorization" and hmac.compare_digest(value, bearer): return self.found
async def aio():
    server = grpc.aio.server(handlers=[Handler(later)])
    server.add_insecure_port("127.0.0.1:" + port)
    await server.start()
    await server.wait_for_termination()
if kind == "aio":
    uvloop.run(aio())
else:
    server = grpc.server(ThreadPoolExecutor(4), handlers=[Handler(at_once)])
    server.add_insecure_port("127.0.0.1:" + port)
    server.start()
    server.wait_for_termination()
"""
SERVERS = {
    OURS: ("-c", _OURS),
    FLOOR: ("-c", _FLOOR),
    "grpcio, threads": ("-c", _PEER, "threads"),
    "grpcio, asyncio": ("-c", _PEER, "aio"),
}


@dataclass(frozen=True)
class Server:
    """A running server: its process, and where it listens."""

    pid: int
    port: int


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--calls", type=int, default=2000, help="in each round")
    options = parser.parse_args()
    token = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name, ExitStack() as stack:
        root = Path(name)
        ours.fill(root / "home", ours.model(root), {"bench": ("a", "b", "c")})
        running = {
            each: stack.enter_context(started(list(code), root / "home", token)) for each, code in SERVERS.items()
        }
        found = measure(running, token, options.calls)
    rows = []
    for (each, channels), figure in found.items():
        if each == OURS:
            where, floor = f"1 row, {channels} channel{'s' * (channels > 1)}", found[FLOOR, channels].cpu
            rows.append(Row(f"{where}: CPU", "ms", figure.cpu, floor=floor))
            for peer in [peer for peer in SERVERS if peer not in (OURS, FLOOR)]:
                theirs = found[peer, channels]
                rows.append(Row(f"{where}: CPU", "ms", figure.cpu, theirs.cpu, peer))
                rows.append(Row(f"{where}: p50", "ms", figure.p50, theirs.p50, peer))
                rows.append(Row(f"{where}: p99", "ms", figure.p99, theirs.p99, peer))
    report("calls", rows, options.json)
    print(Limit("CPU of a call for one row, ms", min(found[OURS, 1].cpu, found[OURS, 16].cpu), most=0.2))


@contextmanager
def started(code: list[str], home: Path, token: str) -> Iterator[Server]:
    """A server as a process of its own, once it takes connections."""
    port, http = free_port(), [str(free_port())] if code[1] == _OURS else []
    process = subprocess.Popen([sys.executable, *code, str(home), token, str(port), *http])
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(120)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(20)


def measure(running: Mapping[str, Server], token: str, calls: int) -> dict[tuple[str, int], Figure]:
    """By server and number of channels, the round that cost the least CPU."""
    best: dict[tuple[str, int], Figure] = {}
    for turn in range(ROUNDS + 1):
        for channels in (1, 16):
            for name, server in running.items():
                figure = drive(server, token, channels, calls)
                if turn:  # the first round warms up
                    known = best.get((name, channels), figure)
                    best[name, channels] = min(known, figure, key=lambda each: each.cpu)
    return best


def drive(server: Server, token: str, channels: int, calls: int) -> Figure:
    """The same call again and again, on each of some channels."""
    body, metadata, latencies = request(), [("authorization", f"Bearer {token}")], list[float]()
    share = calls // channels

    def work() -> None:
        own = []
        with grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            infer = channel.unary_unary(f"/{SERVICE}/ModelInfer")
            for _ in range(share):
                begun = time.perf_counter()
                infer(body, metadata=metadata, timeout=30)
                own.append(time.perf_counter() - begun)
        latencies.extend(own)

    threads = [threading.Thread(target=work) for _ in range(channels)]
    cpu, wall = tree(server.pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu, wall = tree(server.pid) - cpu, time.perf_counter() - wall
    if len(latencies) != share * channels:
        raise RuntimeError("some calls were not answered")
    p50, p99 = np.quantile(latencies, [0.5, 0.99]) * 1000
    return Figure(cpu / len(latencies) * 1000, float(p50), float(p99), len(latencies) / wall)


def request() -> bytes:
    """One row of typed tensors."""
    found = message("ModelInferRequest")(model_name="bench")
    found.inputs.add(name="key", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"b")
    for name, value in zip(ours.NAMES, ours.rows(1)[0], strict=True):
        found.inputs.add(name=name, datatype="FP64", shape=[1]).contents.fp64_contents.append(value)
    return bytes(found.SerializeToString())


if __name__ == "__main__":
    main()
