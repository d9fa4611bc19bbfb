"""A fleet of LightGBM models (2,000 rows x 20 features, 50 trees of 15 leaves each) over the bare fits, beside MLflow.

    python bench/fleet.py [--json FILE] [--members 1000] [--full] [--no-peer]

Ours: reading the spine's parts, the point-in-time join of a view with five of the features, the training set (encode,
order, hash, write), every fit in two worker processes, scores with intervals on the held-out rows, export and its
proof, latency, importance, versions with lineage in the store, gates and rollouts. One candidate, no search. The first
line is a controller that runs; a line of its own adds starting the store and the workers. The floor is
LGBMClassifier.fit on the same training rows in one warm process; how the machine itself bears as many such loops at
once as there are workers is a line too. The peer adds to that fit what MLflow's client needs to log parameters, scores
and the model with pinned requirements.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from harness import Row, cpu, peer, report, tree

from argosy.engine.local import Local
from argosy.features.join import join
from argosy.features.source import Source
from argosy.features.trainingset import Columns, TrainingSet, build
from argosy.model.signature import infer_signature
from argosy.registry.evidence import choice, evidence
from argosy.registry.gate import judge, verdict
from argosy.registry.rollout import Chosen, start
from argosy.spec.estimator import Estimator
from argosy.spec.fleet import POOLED, Fleet
from argosy.spec.gate import Gate
from argosy.spec.rollout import Immediate
from argosy.spec.search import Candidate
from argosy.store import Store, verdicts, versions
from argosy.training.fleet import preload, train
from argosy.training.request import TrainReport, TrainRequest
from argosy.training.rows import Member

ROWS, FEATURES, WORKERS = 2_000, 20, 2
NAMES = [f"f{i}" for i in range(FEATURES)]
VIEW = Source("view", ("member",), "event", None, tuple(NAMES[15:]))
NOW = datetime(2025, 6, 1, tzinfo=UTC)
TREES: dict[str, Any] = {"n_estimators": 50, "num_leaves": 15}
FLEET = Fleet(
    name="bench", spine="rows", label="label", features=NAMES, by=("member",),
    candidates=(Candidate(Estimator("lightgbm:LGBMClassifier", TREES)),),
    gates=(Gate("roc_auc", minimum=0.6), Gate("roc_auc", beats="champion"), Gate("latency_p99_ms", maximum=5)),
)  # fmt: skip
PEER_MODELS, WARMING = 30, 20
_PART = 1_000_000
REQUIREMENTS = ("mlflow==3.7.0", "lightgbm==4.6.0", "scikit-learn<1.8", "sqlalchemy<2.1")
PEER = """
import logging, sys, time, warnings
import numpy as np, mlflow
from lightgbm import LGBMClassifier
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
warnings.simplefilter("ignore"); logging.disable(logging.WARNING)
folder, count = sys.argv[1], int(sys.argv[2])
data = np.load(folder + "/peer.npz")
mlflow.set_tracking_uri("sqlite:///" + folder + "/mlflow.db")
mlflow.set_experiment("bench")
def one(member, log):
    x, y, cut = data["x"][member], data["y"][member], int(data["cut"])
    model = LGBMClassifier(n_estimators=50, num_leaves=15, n_jobs=1, verbosity=-1).fit(x[:cut], y[:cut])
    if log:
        p = model.predict_proba(x[cut:])[:, 1]
        with mlflow.start_run():
            mlflow.log_params({"member": member, "n_estimators": 50, "num_leaves": 15})
            mlflow.log_metrics({"roc_auc": roc_auc_score(y[cut:], p), "log_loss": log_loss(y[cut:], p),
                                "brier": brier_score_loss(y[cut:], p)})
            mlflow.lightgbm.log_model(model, name="model", pip_requirements=["lightgbm==4.6.0"])
one(0, True)
for log in (False, True):
    begun = time.process_time()
    for member in range(count): one(member, log)
    print((time.process_time() - begun) / count)
"""


def make(folder: Path, members: int) -> None:
    """Write the spine of a fleet and the view that holds its last features, twenty spine rows to one of the view."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(members * ROWS, FEATURES - len(VIEW.columns)))
    labels = matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + rng.normal(size=len(matrix)) > 0
    minutes = pl.Series(np.tile(np.arange(ROWS), members) * 50)
    spine = pl.DataFrame(matrix, schema=NAMES[: matrix.shape[1]]).with_columns(
        member=pl.Series(np.repeat(np.arange(members), ROWS)).cast(pl.String), label=pl.Series(labels),
        at=pl.lit(datetime(2025, 1, 1, tzinfo=UTC)) + pl.duration(minutes=pl.lit(minutes)),
    )  # fmt: skip
    for number, part in enumerate(spine.iter_slices(_PART)):
        part.write_parquet(folder / f"spine-{number:03}.parquet", compression="zstd", compression_level=1)
    view = spine.gather_every(20).select("member", "at")
    values = pl.DataFrame(rng.normal(size=(view.height, len(VIEW.columns))), schema=list(VIEW.columns))
    view.hstack(values).rename({"at": "event"}).write_ipc(folder / "view.arrow")


def cold(folder: Path) -> dict[str, Any]:
    """Train the fleet, workers and their imports included; again with nothing changed, and with one member changed."""
    begun, wall = cpu(), time.perf_counter()
    with Store.open(folder / "home") as store:
        with Local(WORKERS, preload=preload([FLEET])) as engine:
            data = _built(folder, "set")
            first = _trained(store, engine, data)
        spent, took = cpu() - begun, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with Local(WORKERS, preload=preload([FLEET])) as engine:
            wall = time.perf_counter()
            again = _trained(store, engine, data)
            idle = time.perf_counter() - wall
            one = pl.when(pl.int_range(pl.len()) == 7).then(0.0).otherwise("f0")
            changed = _trained(store, engine, _built(folder, "other", f0=one))
    broken = [*first.failed.values(), *changed.failed.values()][:3]
    held = {"broken": broken, "versions": len(first.versions), "again": len(again.versions)}
    return {"cpu": spent, "wall": took, "peak": peak, "idle": idle, "changed": len(changed.versions), **held}


def warm(folder: Path, small: Path) -> dict[str, float]:
    """Train the fleet as a controller that runs does: it has trained the few members of `small` before."""
    with Store.open(folder / "warm") as store, Local(WORKERS, preload=preload([FLEET])) as engine:
        _trained(store, engine, _built(small, "before"))
        begun, wall = tree(os.getpid()), time.perf_counter()
        _trained(store, engine, _built(folder, "warm-set"))
        return {"cpu": tree(os.getpid()) - begun, "wall": time.perf_counter() - wall}


def bare(folder: Path, count: int) -> dict[str, float]:
    """CPU and wall seconds per fit of the training rows of `count` members, one after another, warm."""
    from lightgbm import LGBMClassifier

    data = TrainingSet.open(folder / "set")
    lines = [line for line in data.members.select("member", "start").iter_rows() if line[0] != POOLED][:count]
    cut = _cut(data)

    def fit(first: int) -> None:
        rows = data.span(first, cut)
        LGBMClassifier(**TREES, n_jobs=1, verbosity=-1).fit(rows.matrix, rows.labels)

    fit(0)
    begun, wall = time.process_time(), time.perf_counter()
    for _, first in lines:
        fit(first)
    return {"cpu": (time.process_time() - begun) / len(lines), "wall": (time.perf_counter() - wall) / len(lines)}


def _cut(data: TrainingSet) -> int:
    times = data.span(0, ROWS).times
    return int(np.searchsorted(times, times[-1] - 14 * 86_400_000_000, side="right"))


def _built(folder: Path, name: str, **changes: pl.Expr) -> TrainingSet:
    spine = pl.scan_parquet(sorted(folder.glob("spine-*.parquet"))).with_columns(**changes).collect()
    frame = join(spine, "at", [(VIEW, pl.scan_ipc(folder / "view.arrow"))])
    del spine
    signature = infer_signature(frame, NAMES, task="binary", label="label")
    return build(frame, signature, Columns(("member",), "at", "label"), folder / name)


def _trained(store: Store, engine: Local, data: TrainingSet) -> TrainReport:
    lines = data.members.filter(pl.col("member") != POOLED).select("member", "start", "rows", "digest")
    request = TrainRequest(
        fleet=FLEET, signature=data.signature, members=tuple(Member(*line) for line in lines.iter_rows()), data=data,
        code="bench", environment="bench", inputs=(("dataset", "rows@1"), ("training set", data.digest)),
    )  # fmt: skip
    report = train(store, engine, request, NOW)
    if report.versions:
        _gated(store, report)
    return report


def _gated(store: Store, report: TrainReport) -> None:
    with store.write() as tx:
        found = list(versions.get(tx, report.versions.values()).values())
        rulings = {version.id: judge(FLEET.gates, evidence(version)) for version in found}
        verdicts.add(tx, [
            verdicts.NewVerdict(version_id=id, gate=r.gate, passed=r.passed, at=NOW, message=r.message,
                                evidence=r.evidence)
            for id, all_of in rulings.items() for r in all_of
        ])  # fmt: skip
        passed = [Chosen(version, *choice(version)) for version in found if verdict(rulings[version.id])]
        start(tx, FLEET.name, Immediate(), passed, NOW, "bench")


def _child(*arguments: object) -> Any:
    """Run a part of this bench in a process of its own, and give back what it prints."""
    command = [sys.executable, __file__, "--part", *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _peer(folder: Path) -> tuple[float, float]:
    """CPU seconds per model of the peer's environment: its bare fit, and the fit with the client's logging."""
    python = peer("mlflow-fleet", REQUIREMENTS)
    data = TrainingSet.open(folder / "set")
    slices = [data.span(member * ROWS, ROWS) for member in range(PEER_MODELS)]
    np.savez(folder / "peer.npz", x=[s.matrix for s in slices], y=[s.labels for s in slices], cut=_cut(data))
    done = subprocess.run(
        [python, "-c", PEER, folder, str(PEER_MODELS)], check=True, stdout=subprocess.PIPE, text=True, cwd=folder
    )
    plain, logged = map(float, done.stdout.split()[-2:])
    return plain, logged


def _side_by_side(folder: Path, count: int) -> dict[str, float]:
    """The bare fits in as many processes as there are workers, at once: CPU and wall seconds per fit of all of them."""
    command = [sys.executable, __file__, "--part", "bare", str(folder), str(count)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)]
    found = [json.loads(each.communicate()[0]) for each in running]
    mean = {name: sum(each[name] for each in found) / WORKERS for name in ("cpu", "wall")}
    return {"cpu": mean["cpu"], "wall": mean["wall"] / WORKERS}


def measure(members: int, small: Path, with_peer: bool) -> list[Row]:
    """The lines of a fleet of so many members. The floor is taken before and after, as other work may come and go."""
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        folder = Path(name)
        _child("make", folder, members)
        _child("build", folder)
        few = min(members, 500)
        fits = [_child("bare", folder, few)]
        first = _child("cold", folder)
        fits.append(_child("bare", folder, few))
        second = _child("warm", folder, small)
        fits.append(_child("bare", folder, few))
        if first["broken"] or first["again"] or first["versions"] != members:
            raise SystemExit(f"not a measurement: {first}")
        alone, both = _mean(fits), _side_by_side(folder, few)
        floor, serial = alone["cpu"] * members, alone["wall"] * members
        size = (folder / "set" / "matrix.npy").stat().st_size / 2**20
        case = f"{members:,} members"
        rows = [
            Row(f"{case}: training", "CPU-s", second["cpu"], floor=floor),
            Row(f"{case}: training, and starting the workers", "CPU-s", first["cpu"], floor=floor),
            Row(f"{case}: only the bare fits, {WORKERS} loops at once", "CPU-s", both["cpu"] * members, floor=floor),
            Row(f"{case}: training, {WORKERS} workers against a serial loop", "wall-s", second["wall"], floor=serial),
            Row(f"{case}: the same, and starting the workers", "wall-s", first["wall"], floor=serial),
            Row(f"{case}: only the bare fits, {WORKERS} loops at once", "wall-s", both["wall"] * members, floor=serial),
            Row(f"{case}: parent's peak memory over 1.5 x set + 300", "MB", first["peak"], floor=1.5 * size + 300),
            Row(f"{case}: again, nothing changed", "s", first["idle"], floor=1.0),
            Row(f"{case}: one member's rows changed", "fits", first["changed"], floor=1),
        ]
        if with_peer:
            plain, logged = _peer(folder)
            each = second["cpu"] / members
            rows.append(
                Row("a model: all of training", "CPU-ms", each * 1e3, logged * 1e3, "MLflow client", plain * 1e3)
            )
            rows.append(Row("a model: on top of its bare fit", "CPU-ms", (each - alone["cpu"]) * 1e3,
                            (logged - plain) * 1e3, "MLflow client"))  # fmt: skip
    return rows


def _mean(costs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: sum(each[name] for each in costs) / len(costs) for name in ("cpu", "wall")}


def _build(folder: Path) -> None:
    _built(folder, "set")


def main() -> None:
    """Run the bench, or one part of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--full", action="store_true", help="also 5,000 members")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        name, *rest = given.part
        parts: dict[str, Any] = {"make": make, "build": _build, "cold": cold, "warm": warm, "bare": bare}
        arguments = [int(each) if each.isdigit() else Path(each) for each in rest]
        print(json.dumps(parts[name](*arguments)))
        return
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        small = Path(name)
        _child("make", small, WARMING)
        for size in sorted({100, given.members, *((5_000,) if given.full else ())}):
            rows += measure(size, small, with_peer=size == given.members and not given.no_peer)
    report("fleet", rows, given.json)


if __name__ == "__main__":
    main()
