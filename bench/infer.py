"""Inference over HTTP against other inference servers, on the same LightGBM model.

    python bench/infer.py [--json FILE] [--requests N] [--peer NAME]... [--no-peers]

CPU per request of the server's process tree is the figure, the least of some rounds in which every server has its
turn, so that all meet the same load; latencies stand beside it. Ours routes each row to its member, one of three, and
records every answer; the peers do neither. The fleet "timed" derives two of its features from the time in the request
by Polars expressions. A peer that cannot be had is told and left out.

The floor is our wire under an application that reads the same request, takes the columns that the model wants by their
names, asks it and writes its answers: it has no check, no routes and no record. What names and tensors cost is told by
a floor below it, which reads bare rows of numbers; the wire alone says "ok" to those.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from harness import Limit, Row, report
from scorer import ours
from scorer.load import Figure, drive
from scorer.peers import PEERS
from scorer.target import Target

ROUNDS, ROWS, CONNECTIONS = 4, (1, 32), (1, 16)
OURS, TIMED, WIRE, BARE, FLOOR = "ours", "timed", "wire", "bare", "floor"
_OWN = (OURS, TIMED, WIRE, BARE, FLOOR)
_LEAST = 1000
"""Requests in which the CPU of a floor can be told from the clock's ticks."""
Case = tuple[int, int]
"""Rows of a request, and connections."""
Figures = dict[Case, Figure]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--requests", type=int, default=3000, help="in each round; a quarter of them to the peers")
    parser.add_argument("--peer", action="append", choices=list(PEERS), help="only these peers")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name, ExitStack() as stack:
        root = Path(name)
        text = ours.model(root)
        ours.fill(root / "home", text, {fleet: ("a", "b", "c") for fleet in ("bench", "timed")})
        batches = {count: ["b"] * count for count in ROWS}
        running = {
            OURS: stack.enter_context(ours.argosy(root / "home", "bench", batches)),
            TIMED: stack.enter_context(ours.argosy(root / "home", "timed", batches)),
            WIRE: stack.enter_context(ours.floor(ROWS, "nothing")),
            BARE: stack.enter_context(ours.floor(ROWS, "plain", root / "model.txt")),
            FLOOR: stack.enter_context(ours.floor(ROWS, "named", root / "model.txt")),
        }
        running |= _peers([] if options.no_peers else options.peer or list(PEERS), root, stack)
        found = _measure(running, options.requests)
    rows = list(_rows(found))
    report("infer", rows, options.json)
    for limit in _limits(found[OURS], found[FLOOR]):
        print(limit)


def _peers(names: list[str], root: Path, stack: ExitStack) -> dict[str, Target]:
    found = {}
    for name in names:
        try:
            found[name] = stack.enter_context(PEERS[name](root, ROWS))
        except (subprocess.CalledProcessError, RuntimeError, OSError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr, flush=True)
    return found


def _measure(targets: Mapping[str, Target], requests: int) -> dict[str, Figures]:
    """By server and case, the round that cost the least CPU."""
    own = max(requests, _LEAST)
    share = {name: own if name in _OWN else requests // 4 for name in targets}
    best: dict[str, Figures] = {name: {} for name in targets}
    for turn in range(ROUNDS + 1):
        for rows in ROWS:
            for connections in CONNECTIONS:
                for name, target in targets.items():
                    figure = drive(target.pid, target.port, target.requests[rows], connections, share[name])
                    if turn:  # the first warms up
                        before = best[name].get((rows, connections), figure)
                        best[name][rows, connections] = min(before, figure, key=lambda each: each.cpu)
    return best


def _rows(found: Mapping[str, Figures]) -> Iterator[Row]:
    peers = [name for name in found if name not in _OWN]
    for case, figure in found[OURS].items():
        where, floor = _case(case), found[FLOOR][case].cpu
        yield Row(f"{where}: CPU", "ms", figure.cpu, floor=floor)
        yield Row(f"{where}: CPU, 2 request features", "ms", found[TIMED][case].cpu, floor=floor)
        yield Row(f"{where}: CPU of the floor", "ms", floor, floor=found[BARE][case].cpu)
        yield Row(f"{where}: CPU of the floor of bare numbers", "ms", found[BARE][case].cpu)
        yield Row(f"{where}: CPU of the wire alone", "ms", found[WIRE][case].cpu)
        yield Row(f"{where}: p50", "ms", figure.p50, floor=found[FLOOR][case].p50)
        yield Row(f"{where}: p99", "ms", figure.p99, floor=found[FLOOR][case].p99)
        for name in peers:
            theirs = found[name][case]
            yield Row(f"{where}: CPU", "ms", figure.cpu, theirs.cpu, name)
            yield Row(f"{where}: p50", "ms", figure.p50, theirs.p50, name)
            yield Row(f"{where}: p99", "ms", figure.p99, theirs.p99, name)
            yield Row(f"{where}: answers", "1/s", figure.rate, theirs.rate, name, more=True)


def _limits(figures: Figures, floor: Figures) -> Iterator[Limit]:
    yield Limit("1 row: CPU ms", min(figures[1, each].cpu for each in CONNECTIONS), 0.08)
    yield Limit("32 rows: CPU ms", min(figures[32, each].cpu for each in CONNECTIONS), 0.2)
    yield Limit("1 row, 16 connections: p99 over p50", figures[1, 16].p99 / figures[1, 16].p50, 3)
    for rows in ROWS:
        over = min(figures[rows, each].cpu / floor[rows, each].cpu for each in CONNECTIONS)
        yield Limit(f"{rows} row{'s' * (rows > 1)}: CPU over the floor's", over, 1.25)


def _case(case: Case) -> str:
    rows, connections = case
    return f"{rows} row{'s' * (rows > 1)}, {connections} connection{'s' * (connections > 1)}"


if __name__ == "__main__":
    main()
