"""One large artifact, up and down through the server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tracker.client import CHUNK, Client
from tracker.load import Figure, Meter
from tracker.memory import growth, rest
from tracker.server import Server
from tracker.size import Size

PART = Random(1).randbytes(CHUNK)


def artifacts(server: Server, size: Size) -> Iterator[Figure]:
    """Up, then down; what comes back is what was sent."""
    count = size.artifact // CHUNK
    with Client(server) as client:
        uri = client.get("runs/get", run_id=client.run())["run"]["info"]["artifact_uri"]
        path = f"{uri.removeprefix('mlflow-artifacts:/')}/large.bin"
        client.put(path.replace("large", "small"), [PART], CHUNK)  # what is loaded late is loaded now
    meter, memory = Meter(server), rest(server.pid)
    with Client(server) as client:
        begun = time.perf_counter()
        client.put(path, (PART for _ in range(count)), count * CHUNK)
        took = time.perf_counter() - begun
    yield from _figures(server, f"artifact of {count:,} MiB up", count, took, meter, memory)
    meter, memory = Meter(server), rest(server.pid)
    with Client(server) as client:
        begun = time.perf_counter()
        _compare(server, client.fetch(path), count)
        took = time.perf_counter() - begun
    yield from _figures(server, f"artifact of {count:,} MiB down", count, took, meter, memory)


def disk(folder: Path, size: Size) -> float:
    """MB a second of writing such an artifact to a file and having it on the disk."""
    place, count = folder / "disk.bin", size.artifact // CHUNK
    begun = time.perf_counter()
    with place.open("wb") as file:
        for _ in range(count):
            file.write(PART)
        file.flush()
        os.fsync(file.fileno())
    took = time.perf_counter() - begun
    place.unlink()
    return count * CHUNK / 1e6 / took


def _figures(
    server: Server, case: str, count: int, took: float, meter: Meter, memory: dict[int, float]
) -> Iterator[Figure]:  # fmt: skip
    yield Figure(case, "MB/s", count * CHUNK / 1e6 / took, more=True)
    yield Figure(case, "MiB above rest", growth(server.pid, memory))
    yield Figure(case, "CPU ms", meter.read()[0] * 1e3)


def _compare(server: Server, parts: Iterator[memoryview], count: int) -> None:
    place, whole = 0, memoryview(PART + PART)
    for part in parts:
        begin = place % CHUNK
        if part != whole[begin : begin + len(part)]:
            raise SystemExit(f"{server.name}: the artifact differs from what was sent after byte {place:,}")
        place += len(part)
    if place != count * CHUNK:
        raise SystemExit(f"{server.name}: {place:,} bytes of an artifact of {count * CHUNK:,} came back")
