"""Eight writers for a while: nothing fails, nothing is said of locks, and what was acknowledged is there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException

from tracker.client import Client, Refused
from tracker.load import Figure
from tracker.server import Server
from tracker.size import Size

WRITERS, POINTS, ROUNDS = 8, 10, 90
START_MS = 1_700_000_000_000


@dataclass
class Written:
    """What was acknowledged of one run: its points, and its parameters and tags, which are set in pairs."""

    run: str
    points: int = 0
    params: int = 0
    tags: int = 0


@dataclass
class Diary:
    """What one writer did and what went wrong."""

    runs: list[Written] = field(default_factory=list)
    calls: int = 0
    errors: list[str] = field(default_factory=list)


def soak(server: Server, size: Size) -> Iterator[Figure]:
    """Each writer has runs of its own; then all of them are read back."""
    case = f"{WRITERS} writers, {size.soak:g} s"
    begun, before = time.monotonic(), len(server.trouble())
    with ThreadPoolExecutor(WRITERS) as pool:
        diaries = list(pool.map(lambda _: _write(server, begun + size.soak), range(WRITERS)))
        took = time.monotonic() - begun
        lost = sum(pool.map(lambda diary: _lost(server, diary), diaries))
    errors = [error for diary in diaries for error in diary.errors]
    trouble = server.trouble()[before:]
    for line in [*errors[:3], *trouble[:3]]:
        print(f"{server.name}: {line[:300]}", flush=True)
    yield Figure(case, "calls/s", sum(diary.calls for diary in diaries) / took, more=True)
    yield Figure(case, "errors", len(errors))
    yield Figure(case, "lines in the log", len(trouble))
    yield Figure(case, "acknowledged and lost", lost)


def _write(server: Server, until: float) -> Diary:
    diary = Diary()
    while time.monotonic() < until:
        try:
            with Client(server) as client:
                _one(client, diary, until)
        except (Refused, HTTPException, OSError) as error:
            diary.errors.append(f"{type(error).__name__}: {error}")
    return diary


def _one(client: Client, diary: Diary, until: float) -> None:
    """One run: in every round a point, a batch of points, a parameter and a tag."""
    written = Written(client.run())
    diary.runs.append(written)
    diary.calls += 1
    for number in range(ROUNDS):
        if time.monotonic() >= until:
            return
        run, step = written.run, number * (POINTS + 1)
        points = [
            {"key": "loss", "value": 1.0 / each, "timestamp": START_MS + each, "step": each}
            for each in range(step + 1, step + POINTS + 2)
        ]  # fmt: skip
        client.post("runs/log-metric", run_id=run, **points[0])
        written.points += 1
        client.post("runs/log-batch", run_id=run, metrics=points[1:])
        written.points += POINTS
        client.post("runs/log-parameter", run_id=run, key=f"p{number}", value=str(number))
        written.params += 1
        client.post("runs/set-tag", run_id=run, key=f"t{number}", value=str(number))
        written.tags += 1
        diary.calls += 4


def _lost(server: Server, diary: Diary) -> int:
    """How much of what was acknowledged is not there."""
    lost = 0
    with Client(server) as client:
        for written in diary.runs:
            data = client.get("runs/get", run_id=written.run)["run"].get("data", {})
            asked = {"run_id": written.run, "metric_key": "loss", "max_results": 25_000}
            points = len(client.get("metrics/get-history", **asked).get("metrics", ()))
            tags = sum(tag["key"].startswith("t") and tag["key"][1:].isdigit() for tag in data.get("tags", ()))
            found = (points, len(data.get("params", ())), tags)
            wanted = (written.points, written.params, written.tags)
            lost += sum(max(0, want - have) for want, have in zip(wanted, found, strict=True))
    return lost
