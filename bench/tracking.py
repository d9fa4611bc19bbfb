"""Experiment tracking and the registry over MLflow's protocol, beside the stock `mlflow server`, both on SQLite.

    python bench/tracking.py [--json FILE] [--only CASE ...] [--postgres] [--quick] [--soak SECONDS] [--no-peer]

One client of raw, kept-alive HTTP with TCP_NODELAY asks both servers the same; what it costs is not counted. CPU is
that of the server's process tree, all threads and workers, until it is quiet; on PostgreSQL, that of the database
stands apart. The stock server runs with four workers and without its consumers of jobs; it sets no TCP_NODELAY, so that
with one thread its latency is that of delayed acknowledgements: compare CPU. Cases take turns, the least CPU of some
rounds is told. What was written is read back, and a search must find the runs that the filter means. Runs to search in
are put into both stores past the servers; the peer is asked about the first number of them alone. Limits: what was
promised. All of it takes about half an hour.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from harness import ROOT, Limit, Row, report
from tracker import calls
from tracker.artifacts import artifacts, disk
from tracker.load import Figure
from tracker.search import SHAPES, search, title
from tracker.server import PEER, Database, Server, argosy, mlflow
from tracker.size import QUICK, Size
from tracker.soak import WRITERS, soak
from tracker.start import Launch, start

sys.path.insert(0, str(ROOT))  # the database that tests use

from tests import postgres

Key = tuple[str, str]
Found = dict[Key, Figure]


@dataclass(frozen=True)
class Case:
    """What is asked of a running server, in so many rounds."""

    ask: Callable[[Server, Size], Iterator[Figure]]
    rounds: int = 2


CASES = {
    "create_run": Case(calls.create_run), "log_metric": Case(calls.log_metric), "log_param": Case(calls.log_param),
    "log_batch": Case(calls.log_batch), "history": Case(calls.history), "register": Case(calls.register, 1),
    "artifacts": Case(artifacts), "search": Case(search, 1), "soak": Case(soak, 1),
}  # fmt: skip
START = "start"


@dataclass(frozen=True)
class Promise:
    """What a figure of ours may come to: at `most`, at `least`, or so many `times` better than the peer's."""

    case: str
    unit: str
    most: float | None = None
    least: float | None = None
    times: float | None = None

    def limit(self, row: Row) -> Limit | None:
        """How it stands with a row; None where that has no peer to compare with."""
        if self.times is None:
            return Limit(f"{self.case}, {self.unit}", row.ours or 0.0, self.most, self.least)
        if row.ratio is None:
            return None
        return Limit(f"{self.case}, {self.unit}, times less than the peer", row.ratio, least=self.times)


def promises(size: Size, disk_rate: float) -> Iterator[Promise]:
    """What was promised, with the names that the figures of such a size have."""
    for name in ("create_run", "log_metric", "log_param"):
        for threads in ("1 thread", "8 threads"):
            yield Promise(f"{name}, {threads}", "CPU ms", times=8)
        yield Promise(f"{name}, 1 thread", "p50 ms", most=2)
    for what in ("1 key x 1,000 steps", "1,000 keys"):
        yield Promise(f"log_batch of 1,000, {what}", "CPU ms", most=10)
    yield Promise(f"history of {size.points:,} points", "CPU ms", times=10)
    yield Promise(f"register {size.versions:,} versions", "CPU ms", times=10)
    for count, most in zip(size.runs, (30, 60), strict=True):
        yield from (Promise(title(count, shape), "p95 ms", most=most) for shape in SHAPES)
    for way in ("up", "down"):
        case = f"artifact of {size.artifact >> 20:,} MiB {way}"
        if way == "up":
            yield Promise(case, "MB/s", least=min(300, disk_rate))
        yield Promise(case, "MiB above rest", most=64)
    yield Promise("start to the first answer", "s", most=1)
    yield Promise("idle memory of the tree", "MiB", most=120)
    for what in ("errors", "lines in the log", "acknowledged and lost"):
        yield Promise(f"{WRITERS} writers, {size.soak:g} s", what, most=0)


def measure(names: list[str], size: Size, *, on_postgres: bool, with_peer: bool) -> tuple[list[Row], list[Limit]]:
    """The rows of the chosen cases, and how it stands with what was promised of them."""
    launches: dict[str, Launch] = {"argosy": argosy, PEER: mlflow} if with_peer else {"argosy": argosy}
    found: dict[str, Found] = {name: {} for name in launches}
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argosy-bench-")))
        databases = {name: _database(stack) if on_postgres else None for name in launches}
        disk_rate = disk(root, size) if "artifacts" in names else 0.0
        if START in names:
            for name, launch in launches.items():
                _keep(found[name], name, start(launch, databases[name]))
        servers = [
            stack.enter_context(launch(folder, base.make() if base else str(folder / "facts"), base))
            for name, launch in launches.items()
            for folder, base in [(root / name.split()[0], databases[name])]
        ]
        for case in (CASES[name] for name in names if name != START):
            for _ in range(case.rounds):
                for server in servers:
                    _keep(found[server.name], server.name, case.ask(server, size))
    rows = [_row(key, found, disk_rate) for key in found["argosy"]]
    known = {(row.case, row.unit): row for row in rows}
    asked = ((promise, known.get((promise.case, promise.unit))) for promise in promises(size, disk_rate))
    limits = [promise.limit(row) for promise, row in asked if row is not None]
    return rows, [limit for limit in limits if limit is not None]


def _database(stack: ExitStack) -> Database:
    running = stack.enter_context(postgres.server())
    return Database(running.url, running.pid)


def _keep(found: Found, name: str, figures: Iterable[Figure]) -> None:
    """Keep the better one of each figure, and tell of each as it comes: all of them take half an hour."""
    for figure in figures:
        print(f"{name}: {figure.case}: {figure.value:,.2f} {figure.unit}", file=sys.stderr, flush=True)
        key = (figure.case, figure.unit)
        choose = max if figure.more else min
        found[key] = choose(found.get(key, figure), figure, key=lambda each: each.value)


def _row(key: Key, found: dict[str, Found], disk_rate: float) -> Row:
    ours, theirs = found["argosy"][key], found.get(PEER, {}).get(key)
    floor = disk_rate if ours.unit == "MB/s" and ours.case.endswith("up") else None
    value, name = (theirs.value, PEER) if theirs else (None, None)
    return Row(ours.case, ours.unit, ours.value, value, name, floor, ours.more)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="+", choices=[START, *CASES], default=[START, *CASES], metavar="CASE",
                        help=f"some of {START}, {', '.join(CASES)}")  # fmt: skip
    parser.add_argument("--postgres", action="store_true", help="both on PostgreSQL, each on a server of its own")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all of it works")
    parser.add_argument("--soak", type=float, help="seconds of the eight writers")
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    size = QUICK if given.quick else Size()
    if given.soak is not None:
        size = replace(size, soak=given.soak)
    rows, limits = measure(given.only, size, on_postgres=given.postgres, with_peer=not given.no_peer)
    report("tracking", rows, given.json)
    print("\n".join(map(str, limits)))


if __name__ == "__main__":
    main()
