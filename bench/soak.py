"""Mixed load for half an hour while a version is swapped each second: no error, and memory that stays as it is.

    ./dev bench soak [--json FILE] [--seconds N] [--members N]

Two workers, and models for which a worker's memory has a sixth of the room. Asked are all doors of HTTP and gRPC: for
members that are loaded and for others, by a caller above its limit, and with requests that are to be refused. Memory is
what the workers hold, each second from a quarter of the time on; its growth is the slope of a line through that.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
from harness import Limit, Row, processes, report
from scorer import mixed, ours
from scorer.load import Connection
from scorer.mixed import Tally
from scorer.target import free_port

TREES, TEXTS, THREADS, CACHE_MB, RATE = 50, 300, 6, 16, 20
_RUN = """
import sys
from pathlib import Path
from argosy.serving.limits import Limits
from argosy.serving.server import Options, run
if __name__ == "__main__":
    home, token, port, grpc_port, cache, rate = sys.argv[1:]
    options = Options(home=home, token=token, predictions=Path(home) / "predictions", cache_mb=int(cache),
                      limits=Limits(rows={"small": float(rate)}))
    run(options, port=int(port), workers=2, grpc_port=int(grpc_port))
"""
_PAUSE_SECONDS, _START_SECONDS, _END_SECONDS = 0.01, 60, 60
_KEPT = 20


@dataclass(frozen=True)
class Server:
    """A running server: its process, where it listens, and tokens of an admin and of a caller who has a limit."""

    pid: int
    port: int
    grpc_port: int
    token: str
    small: str


def main() -> int:
    """Run and report; 1 where an answer was not what it should be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--members", type=int, default=1000)
    options = parser.parse_args()
    keys = [f"m{number:05d}" for number in range(options.members)]
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        root, tally = Path(name), Tally()
        text = ours.model(root, TREES)
        ours.fill(root / "home", text, {"bench": keys}, [text + f"\n{place}\n".encode() for place in range(TEXTS)])
        with _started(root / "home") as server:
            held = _soak(server, root / "home", keys, options.seconds, tally)
    growth = float(np.polyfit(np.arange(len(held)), held, 1)[0]) * 60 / 1024
    good, bad, busy = (_count(tally.seen, kind) for kind in ("good", "bad", "busy"))
    rows = [
        Row("answered", "requests", good),
        Row("refused as bad", "requests", bad),
        Row("told to wait", "requests", busy),
    ]
    rows += [Row("memory, in the beginning", "MB", held[0] / 1024), Row("memory, in the end", "MB", held[-1] / 1024)]
    report("soak", [*rows, Row("growth of memory", "MB/min", growth)], options.json)
    for each in tally.wrong[:_KEPT]:
        print(f"wrong   {each}")
    print(Limit("answers that were not what they should be", len(tally.wrong), most=0))
    print(Limit("growth of the memory of both workers, MB a minute", growth, most=0.5))
    return 1 if tally.wrong or not good else 0


def _count(seen: Counter[tuple[str, int]], kind: str) -> int:
    of = {200: "good", 429: "busy"}
    return sum(count for (_, status), count in seen.items() if of.get(status, "bad") == kind)


@contextmanager
def _started(home: Path) -> Iterator[Server]:
    """The server, once it answers; it must end by itself when it is told to."""
    from argosy.store import Store, tokens

    found = Server(0, free_port(), free_port(), secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    with Store.open(home) as store, store.write() as tx:
        digest = sha256(found.small.encode()).hexdigest()
        expires = ours.NOW + timedelta(days=36_500)
        tokens.add(tx, tokens.Token(digest=digest, name="small", role="caller", at=ours.NOW, expires_at=expires))
    given = (home, found.token, found.port, found.grpc_port, CACHE_MB, RATE)
    process = subprocess.Popen([sys.executable, "-c", _RUN, *map(str, given)])
    try:
        _ready(found.port)
        yield Server(process.pid, found.port, found.grpc_port, found.token, found.small)
        process.terminate()
        if process.wait(_END_SECONDS) != 0:
            raise RuntimeError(f"the server ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()


def _ready(port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            with Connection(port) as connection:
                if connection.ask(b"GET /v2/health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")[0] == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


def _soak(server: Server, home: Path, keys: Sequence[str], seconds: float, tally: Tally) -> list[float]:
    """Ask, swap and look at the memory, in KB, until the time is over."""
    from argosy.store import Store, routes

    stop, doors, few = (
        threading.Event(),
        mixed.doors(server.token),
        [each for each in mixed.doors(server.small) if each.good],
    )
    rest: tuple[object, ...] = (_PAUSE_SECONDS, stop, tally)
    threads = [threading.Thread(target=mixed.ask, args=(server.port, doors, keys, *rest)) for _ in range(THREADS)]
    threads.append(threading.Thread(target=mixed.ask, args=(server.port, few, keys, *rest)))
    threads.append(threading.Thread(target=mixed.call, args=(server.grpc_port, server.token, keys, *rest)))
    held, begun = list[float](), time.monotonic()
    try:
        for each in threads:
            each.start()
        with Store.open(home) as store:
            with store.read() as conn:
                route = routes.table(conn, "bench")[0]
            assert route.slot is not None and route.signature is not None
            for number in range(int(seconds)):
                with store.write() as tx:
                    ours.crown(tx, "bench", [keys[number % len(keys)]], [route.slot], route.signature, f"#{number}")
                if number % 60 == 0:
                    shutil.rmtree(home / "predictions" / "bench", ignore_errors=True)  # as the controller takes them in
                if number >= seconds / 4:
                    held.append(sum(map(_resident, processes(server.pid))))
                time.sleep(max(0.0, begun + number + 1 - time.monotonic()))
    finally:
        stop.set()
        for each in threads:
            each.join()
    return held


def _resident(pid: int) -> float:
    """KB of memory that a process holds; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0.0)


if __name__ == "__main__":
    sys.exit(main())
