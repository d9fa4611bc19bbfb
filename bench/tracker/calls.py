"""The calls of a training script: runs, metrics, parameters, batches, history, versions of a model."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

from tracker.client import Client
from tracker.load import Figure, drive
from tracker.server import Server
from tracker.size import Size

Metrics = Callable[[int], list[dict[str, object]]]
THREADS = (1, 8)
BATCH = 1_000
_WARM_CALLS, _PER_RUN = 64, 100
_START_MS = 1_700_000_000_000


def create_run(server: Server, size: Size) -> Iterator[Figure]:
    """Runs are made in the first experiment."""
    _warm(server)
    for threads in THREADS:
        load = drive(server, threads, size.calls, lambda client, number: client.run(run_name=f"run {number}"))
        yield from load.figures(_title("create_run", threads), server)


def log_metric(server: Server, size: Size) -> Iterator[Figure]:
    """One point each, of a metric of a run of the thread's own."""
    _warm(server)
    for threads in THREADS:
        runs = _runs(server, threads)

        def work(client: Client, number: int, runs: list[str] = runs) -> None:
            run, step = runs[number % len(runs)], number // len(runs)
            client.post("runs/log-metric", run_id=run, key="loss", value=1 / (1 + step), timestamp=_at(step), step=step)

        load = drive(server, threads, size.calls, work)
        with Client(server) as client:
            found = sum(len(_history(client, run, "loss")) for run in runs)
        _same(server, "points of log_metric", found, size.calls)
        yield from load.figures(_title("log_metric", threads), server)


def log_param(server: Server, size: Size) -> Iterator[Figure]:
    """One parameter each, a hundred in a run."""
    _warm(server)
    for threads in THREADS:
        runs = _runs(server, -(-size.calls // _PER_RUN))

        def work(client: Client, number: int, runs: list[str] = runs) -> None:
            run = runs[number // _PER_RUN]
            client.post("runs/log-parameter", run_id=run, key=f"p{number % _PER_RUN}", value=str(number))

        load = drive(server, threads, size.calls, work)
        with Client(server) as client:
            found = sum(len(client.get("runs/get", run_id=run)["run"]["data"]["params"]) for run in runs)
        _same(server, "parameters", found, size.calls)
        yield from load.figures(_title("log_param", threads), server)


def log_batch(server: Server, size: Size) -> Iterator[Figure]:
    """A thousand metrics in one call: a thousand steps of one key, or one step of a thousand keys."""
    _warm(server)
    for title, metrics in (("1 key x 1,000 steps", _steps), ("1,000 keys", _keys)):
        [run] = _runs(server, 1)

        def work(client: Client, number: int, run: str = run, metrics: Metrics = metrics) -> None:
            client.post("runs/log-batch", run_id=run, metrics=metrics(number))

        load = drive(server, 1, size.batches, work)
        yield from load.figures(f"log_batch of 1,000, {title}", server, rate="batches/s")


def history(server: Server, size: Size) -> Iterator[Figure]:
    """Every point of one metric in one answer."""
    [run] = _runs(server, 1)
    with Client(server) as client:
        for number in range(size.points // BATCH):
            client.post("runs/log-batch", run_id=run, metrics=_steps(number))
        _same(server, "points of a history", len(_history(client, run, "loss")), size.points)
    load = drive(server, 1, size.batches, lambda client, _: _history(client, run, "loss"))
    yield from load.figures(f"history of {size.points:,} points", server)


def register(server: Server, size: Size) -> Iterator[Figure]:
    """Versions of one model, one after another, each from a run."""
    _warm(server)
    [run] = _runs(server, 1)
    name = f"model {secrets.token_hex(4)}"
    with Client(server) as client:
        client.post("registered-models/create", name=name)
        source = client.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"] + "/model"
    load = drive(
        server, 1, size.versions,
        lambda client, _: client.post("model-versions/create", name=name, source=source, run_id=run),
    )  # fmt: skip
    with Client(server) as client:
        [latest] = client.post("registered-models/get-latest-versions", name=name, stages=["None"])["model_versions"]
    _same(server, "versions", int(latest["version"]), size.versions)
    yield from load.figures(f"register {size.versions:,} versions", server, rate="versions/s")


def _warm(server: Server) -> None:
    """Have every worker of the server answer a few calls first."""
    drive(server, 8, _WARM_CALLS, lambda client, _: client.run())


def _runs(server: Server, count: int) -> list[str]:
    with Client(server) as client:
        return [client.run() for _ in range(count)]


def _history(client: Client, run: str, key: str) -> list[object]:
    asked = {"run_id": run, "metric_key": key, "max_results": 25_000}
    found: list[object] = client.get("metrics/get-history", **asked).get("metrics", [])
    return found


def _steps(number: int) -> list[dict[str, object]]:
    steps = range(number * BATCH, (number + 1) * BATCH)
    return [{"key": "loss", "value": 1 / (1 + step), "timestamp": _at(step), "step": step} for step in steps]


def _keys(number: int) -> list[dict[str, object]]:
    return [
        {"key": f"metric {key}", "value": key / (1 + number), "timestamp": _at(number), "step": number}
        for key in range(BATCH)
    ]  # fmt: skip


def _at(step: int) -> int:
    return _START_MS + step


def _title(case: str, threads: int) -> str:
    return f"{case}, {threads} thread{'s' if threads > 1 else ''}"


def _same(server: Server, what: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise SystemExit(f"{server.name}: {found:,} {what} came back of {wanted:,}")
