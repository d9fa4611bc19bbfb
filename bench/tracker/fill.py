"""Many finished runs put into a store past its server: to log them one by one would take the stock server an hour."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from random import Random

from argosy.store import Store
from argosy.store.tracking import metrics, runs, texts
from argosy.store.tracking.changes import Hand
from tracker.server import Server, mlflow_python

START_MS, APART_MS = 1_700_000_000_000, 60_000
MODELS = ("ridge", "forest", "boosting", "network")
_AT_ONCE = 2_000
PEER = """
import json, sys
from sqlalchemy import create_engine, insert
from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
engine, experiment = create_engine(sys.argv[1]), int(sys.argv[2])
def flush(runs):
    rows = {table: [] for table in (SqlRun, SqlMetric, SqlLatestMetric, SqlParam, SqlTag)}
    for run in runs:
        id = f"{experiment:08x}{run['number']:024x}"
        rows[SqlRun].append(dict(
            run_uuid=id, name=f"run {run['number']}", user_id="bench", status="FINISHED", start_time=run["start"],
            end_time=run["start"] + 1000, lifecycle_stage="active", experiment_id=experiment, source_type="LOCAL",
            artifact_uri=f"mlflow-artifacts:/{experiment}/{id}/artifacts"))
        for key, value in run["metrics"].items():
            point = dict(key=key, value=value, timestamp=run["start"], step=1, is_nan=False, run_uuid=id)
            rows[SqlMetric].append(point)
            rows[SqlLatestMetric].append(point)
        rows[SqlParam] += [dict(key=key, value=value, run_uuid=id) for key, value in run["params"].items()]
        rows[SqlTag] += [dict(key=key, value=value, run_uuid=id) for key, value in run["tags"].items()]
    with engine.begin() as connection:
        for table, found in rows.items():
            connection.execute(insert(table), found)
for line in sys.stdin:
    flush(json.loads(line))
"""


@dataclass(frozen=True)
class Made:
    """A finished run as it is put there; `start` in milliseconds since 1970, each run has one of its own."""

    number: int
    start: int
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]


def made(count: int) -> Iterator[Made]:
    """The same runs for every server: five metrics, evenly spread from 0 to 1, four parameters, two tags."""
    random = Random(count)
    places = list(range(count))
    random.shuffle(places)
    for number, place in enumerate(places):
        yield Made(
            number,
            START_MS + place * APART_MS,
            {key: random.random() for key in ("accuracy", "loss", "f1", "auc", "seconds")},
            {
                "number": str(number), "depth": str(random.randint(1, 10)), "model": random.choice(MODELS),
                "rate": f"{random.random():.3f}",
            },
            {"team": random.choice("abcdefgh"), "mlflow.runName": f"run {number}"},
        )  # fmt: skip


def fill(server: Server, experiment: str, wanted: Sequence[Made]) -> None:
    """Put runs into an experiment of the server."""
    if server.name == "argosy":
        _ours(server, int(experiment), wanted)
    else:
        _peers(server, experiment, wanted)
    server.analyse()


def _ours(server: Server, experiment: int, wanted: Sequence[Made]) -> None:
    blobs = server.folder / "blobs" if server.database else None
    with Store.open(server.facts, blobs=blobs, create=False) as store:
        for some in _batched(wanted):
            hand = Hand("bench", datetime.now(UTC))
            with store.write() as tx:
                for each in some:
                    start = datetime.fromtimestamp(each.start / 1e3, UTC)
                    run = runs.create(tx, experiment, f"run {each.number}", start, hand, tags=each.tags)
                    runs.change(tx, run, hand, status=runs.SUCCEEDED, ended_at=start)
                    texts.put(tx, texts.PARAMETER, run.id, experiment, each.params, hand)
                    points = [metrics.Point(key, value, 1, each.start) for key, value in each.metrics.items()]
                    metrics.log(tx, run.id, experiment, points)


def _peers(server: Server, experiment: str, wanted: Sequence[Made]) -> None:
    command = [str(mlflow_python()), "-c", PEER, server.facts, experiment]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    with process.stdin:
        for some in _batched(wanted):
            process.stdin.write(json.dumps([asdict(each) for each in some]) + "\n")
    if process.wait():
        raise SystemExit(f"{server.name}: its store was not filled")


def _batched(wanted: Sequence[Made]) -> Iterator[Sequence[Made]]:
    return (wanted[first : first + _AT_ONCE] for first in range(0, len(wanted), _AT_ONCE))
