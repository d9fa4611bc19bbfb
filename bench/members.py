"""Ten thousand members on one inference server: memory, cold loads, and warm answers while others load.

    python bench/members.py [--json FILE] [--members N] [--hot N]

Each member has a version of its own, of 50 trees, in one pack. A cold answer is that to the first request for a member:
a load and a score. Memory is what the worker grew by while it loaded, for each model, over the bytes of its text.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import Limit, Row, processes, report
from scorer import ours
from scorer.load import Connection
from scorer.target import Target

TREES, TEXTS, ANSWERS, SWAPS = 50, 500, 4_000, 5
_PAUSE_SECONDS = 0.01
"""Between two cold requests beside warm ones: a hundred new members a second."""


@dataclass(frozen=True)
class Figures:
    """Latencies in milliseconds, and memory in KB a model."""

    cold: list[float]
    warm: list[float]
    beside: list[float]
    memory: float


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--hot", type=int, default=1_000)
    options = parser.parse_args()
    keys = [f"m{number:05d}" for number in range(options.members)]
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        root = Path(name)
        text = ours.model(root, TREES)
        ours.fill(root / "home", text, {"bench": keys}, [text + f"\n{place}\n".encode() for place in range(TEXTS)])
        first, swap = _pictures(root / "home", keys)
        begun = time.perf_counter()
        asked = {place: [key] for place, key in enumerate(keys[: 2 * options.hot])}
        with ours.argosy(root / "home", "bench", asked, cache_mb=4_096) as target:
            ready = time.perf_counter() - begun
            found = _serve(target, options.hot, len(text))
    rows = [Row("first picture", "ms", first), Row("changed picture", "ms", swap), Row("start", "ms", ready * 1000)]
    for case, times in (("cold", found.cold), ("warm", found.warm), ("warm, others load", found.beside)):
        rows += [Row(f"{case}: p{share:g}", "ms", _quantile(times, share)) for share in (50, 99)]
    report("members", [*rows, Row("memory of a model over its text", "KB", found.memory)], options.json)
    for limit in (
        Limit("memory of a loaded model over its text, KB", found.memory, 100),
        Limit("cold answer p99, ms", _quantile(found.cold, 99), 10),
        Limit("warm answers p99, others loading, over none loading", _over(found), 2),
        Limit("a changed picture of all members, ms", swap, 50),
        Limit("start to the first answer, s", ready, 1),
    ):
        print(limit)


def _quantile(times: list[float], share: float) -> float:
    return float(np.quantile(times, share / 100))


def _over(found: Figures) -> float:
    return _quantile(found.beside, 99) / _quantile(found.warm, 99)


def _pictures(home: Path, keys: Sequence[str]) -> tuple[float, float]:
    """Milliseconds to the first routing picture, and, the least of some, to one with another champion of one member."""
    from argosy.serving.snapshot import Source
    from argosy.store import Store, routes

    with Store.open(home) as store:
        source = Source(store)
        first, swaps = _timed(source), []
        with store.read() as conn:
            route = routes.table(conn, "bench")[0]
        assert route.slot is not None and route.signature is not None
        for number in range(SWAPS):
            with store.write() as tx:
                ours.crown(tx, "bench", keys[-1:], [route.slot], route.signature, f"#{number}")
            swaps.append(_timed(source))
    return first, min(swaps)


def _timed(source: object) -> float:
    begun = time.perf_counter()
    assert callable(source) and source() is not None
    return (time.perf_counter() - begun) * 1000


def _serve(target: Target, hot: int, text: int) -> Figures:
    worker = max(processes(target.pid), key=_resident)
    requests = target.requests
    with Connection(target.port) as connection:
        before = _resident(worker)
        cold = [_ask(connection, requests[place]) for place in range(1, hot)]
        memory = (_resident(worker) - before) / (hot - 1) - text
        warm = [_ask(connection, requests[place % hot]) for place in range(ANSWERS)]
        stop = threading.Event()
        other = threading.Thread(target=_load, args=(target, range(hot, 2 * hot), stop))
        other.start()
        beside = [_ask(connection, requests[place % hot]) for place in range(ANSWERS)]
        stop.set()
        other.join()
    return Figures(cold, warm, beside, memory / 1024)


def _load(target: Target, places: Sequence[int], stop: threading.Event) -> None:
    """Ask for members that nobody has asked for, one after another, until stopped."""
    with Connection(target.port) as connection:
        for place in places:
            if stop.wait(_PAUSE_SECONDS):
                return
            _ask(connection, target.requests[place])


def _ask(connection: Connection, request: bytes) -> float:
    begun = time.perf_counter()
    status, body = connection.ask(request)
    if status != 200:
        raise RuntimeError(f"a request failed: {body[:300]!r}")
    return (time.perf_counter() - begun) * 1000


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
