"""Streams: messages of one row each through Redis, scored together and one by one.

    ./dev bench stream [--json FILE] [--messages N]

Ours: `argosy stream` over one LightGBM model of 100 trees, 20 features, 3 members; each message is routed, recorded on
disk and settled. The peer is the same that takes one message at a time. The floor is a consumer without routing, record
and check: it reads the same batches, asks the booster for all rows at once, and adds and acknowledges in one pipeline.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT, Limit, Row, report
from redis import Redis
from scorer import ours

sys.path.insert(0, str(ROOT))
from tests.redis import Server

BATCH, ROUNDS, ONES = 1_000, 3, 20
_OURS = """
import json, sys, time
from pathlib import Path
from argosy.serving.stream.address import parse
from argosy.serving.stream.flow import Pace
from argosy.serving.stream.service import Options, run
home, url, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
def all(name):
    run(Options(
        home=home, fleet="bench", source=parse(f"{url}/{name}", "--from"), to="out", dead="dead", group=f"by-{batch}",
        predictions=Path(home) / "stream", pace=Pace(once=True, most=batch, wait_seconds=0.0),
    ), lambda measures: None)
all("warm")
began = time.process_time(), time.perf_counter()
all("in")
print(json.dumps([time.process_time() - began[0], time.perf_counter() - began[1]]))
"""
_FLOOR = """
import json, sys, time
from pathlib import Path
import lightgbm, msgspec, numpy
from redis import Redis
home, port, batch = Path(sys.argv[1]), int(sys.argv[2].rpartition(":")[2]), int(sys.argv[3])
booster, client = lightgbm.Booster(model_file=str(home.parent / "model.txt")), Redis(port=port, protocol=2)
decode, names = msgspec.json.Decoder().decode, booster.feature_name()
client.xgroup_create("in", "floor", id="0")
began = time.process_time(), time.perf_counter()
while found := client.xreadgroup("floor", "one", {"in": ">"}, count=batch):
    entries = found[0][1]
    rows = [decode(fields[b"data"]) for _, fields in entries]
    told = booster.predict(numpy.array([[row[f"x{i}"] for i in range(20)] for row in rows]), num_threads=1)
    with client.pipeline() as pipe:
        for (id, _), each in zip(entries, told.tolist()):
            pipe.xadd("floor", {"id": id, "data": json.dumps({"prediction": each})})
            pipe.xack("in", "floor", id)
        pipe.execute()
print(json.dumps([time.process_time() - began[0], time.perf_counter() - began[1]]))
"""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--messages", type=int, default=20_000, help="that are scored together; a twentieth one by one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        root = Path(name)
        ours.fill(root / "home", ours.model(root), {"bench": ("a", "b", "c")})
        (root / "redis").mkdir()
        server = Server(root / "redis")
        try:
            together = least(server, root / "home", _OURS, BATCH, options.messages)
            alone = least(server, root / "home", _OURS, 1, options.messages // ONES)
            floor = least(server, root / "home", _FLOOR, BATCH, options.messages)
        finally:
            server.close()
    (cpu, wall), (cpu_alone, wall_alone), (cpu_floor, wall_floor) = together, alone, floor
    rows = [
        Row("1 row a message: CPU", "us/row", cpu * 1e6, cpu_alone * 1e6, "one by one", cpu_floor * 1e6),
        Row("1 row a message: rate", "rows/s", 1 / wall, 1 / wall_alone, "one by one", 1 / wall_floor, more=True),
    ]
    report("stream", rows, options.json)
    print(Limit("rows/s together over one by one", wall_alone / wall, least=5))


def least(server: Server, home: Path, code: str, batch: int, messages: int) -> tuple[float, float]:
    """CPU and wall seconds a message, the least of some rounds."""
    found = []
    for _ in range(ROUNDS):
        server.client.flushall()
        fill(server.client, "warm", 10)
        fill(server.client, "in", messages)
        command = [sys.executable, "-c", code, str(home), server.url, str(batch)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        found.append([seconds / messages for seconds in json.loads(done.stdout)])
    return min(each[0] for each in found), min(each[1] for each in found)


def fill(client: Redis, name: str, count: int) -> None:
    """Add messages of one row each."""
    rows = ours.rows(1_000)
    with client.pipeline() as pipe:
        for number in range(count):
            row = dict(zip(ours.NAMES, rows[number % len(rows)], strict=True)) | {"key": "abc"[number % 3]}
            pipe.xadd(name, {"data": json.dumps(row), "key": str(number)})
        pipe.execute()


if __name__ == "__main__":
    main()
