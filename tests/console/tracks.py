"""A home of tracked runs: classifiers that were really trained, with the curves that they were seen to have."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from argosy.store import Store
from argosy.store.models import logged, readings
from argosy.store.tracking import experiments, files, inputs, metrics, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.inputs import Input, Source
from argosy.store.tracking.metrics import Point

NOW = datetime(2026, 5, 4, 15, tzinfo=UTC)
EVIL = '<script>document.title="owned"</script>'
HAND = Hand("ada", NOW - timedelta(hours=8))
_ROUNDS = 60
_GRID = [
    {"num_leaves": leaves, "learning_rate": rate, "min_child_samples": least}
    for leaves in (3, 7, 15) for rate in (0.03, 0.1, 0.3) for least in (5, 20)
]  # fmt: skip


def home(root: Path) -> Store:
    """A store under `root` with the experiment `tumours` of a sweep below one run, an empty and a deleted one."""
    store = Store.open(root / "home")
    fill(store)
    return store


def fill(store: Store) -> None:
    """The same in an empty store."""
    with store.write() as tx:
        experiments.ensure_default(tx)
        tumours = experiments.create(tx, "tumours", HAND, tags={"mlflow.note.content": f"benign or not {EVIL}"})
        gone = experiments.create(tx, "gone", HAND)
        experiments.delete(tx, gone, HAND)
        sweep = runs.create(tx, tumours, "sweep", HAND.at - timedelta(minutes=1), HAND, owner="ada")
        for place, options in enumerate(_GRID):
            _track(store, tx, tumours, sweep.run, place, options)
        runs.change(tx, sweep, HAND, status=runs.SUCCEEDED, ended_at=HAND.at + timedelta(hours=1))
        runs.create(tx, tumours, "under way", NOW - timedelta(minutes=4), HAND, owner="bo")
        broken = runs.create(tx, tumours, f"broken {EVIL}", NOW - timedelta(hours=2), HAND, owner="bo")
        runs.change(tx, broken, HAND, status=runs.FAILED, ended_at=NOW - timedelta(hours=1))
        lost = runs.create(tx, tumours, "lost", NOW - timedelta(hours=3), HAND)
        runs.delete(tx, lost.run, HAND)


def put(store: Store, tx: Any, path: str, data: bytes) -> None:
    """A file of a client."""
    files.put(tx, path, store.blobs.put(data), len(data), HAND)


def _track(store: Store, tx: Any, experiment: int, parent: str, place: int, options: dict[str, Any]) -> None:
    began = HAND.at + timedelta(minutes=3 * place)
    tags = {
        "mlflow.parentRunId": parent, "mlflow.source.name": "train.py", "mlflow.source.git.commit": f"{place:040x}",
        "team": "vision",
    }  # fmt: skip
    run = runs.create(tx, experiment, f"leaves {options['num_leaves']}", began, HAND, owner="ada", tags=tags)
    curves, importance = _train(options)
    milliseconds = int(began.timestamp() * 1000)
    for name, values in curves.items():
        points = [Point(name, value, step, milliseconds + 500 * step) for step, value in enumerate(values)]
        metrics.log(tx, run.id, experiment, points)
    best = int(np.argmin(curves["validation_loss"]))
    metrics.log(tx, run.id, experiment, [Point("best_round", float(best), 0, milliseconds)])
    given = {name: str(value) for name, value in options.items()} | {"objective": "binary", "seed": "7"}
    texts.put(tx, texts.PARAMETER, run.id, experiment, given, HAND, run=run.run)
    source = Source("breast_cancer", "5c8a91fe", "sklearn", "{}", '{"columns": 30}')
    inputs.log(tx, run.id, experiment, [Input(source, {"mlflow.data.context": "train"})])
    run = runs.change(tx, run, HAND, status=runs.SUCCEEDED, ended_at=began + timedelta(seconds=40 + place))
    if place == 0:
        _files(store, tx, f"{experiment}/{run.run}/artifacts", importance)
        model = logged.create(
            tx, experiment, "classifier", HAND, type="agent", run=run.run, parameters=given, tags={"team": "vision"}
        )  # fmt: skip
        logged.flow(tx, run.id, logged.OUT, [(model.model, 0)])
        for step, value in enumerate(curves["validation_auc"][:3]):
            point = Point("auc", value, step, milliseconds)
            readings.log(tx, [readings.Reading(model.model, run.run, "breast_cancer", "5c8a91fe", point)])
        logged.finish(tx, model.model, logged.READY, HAND)
        _files(store, tx, f"{experiment}/models/{model.model}/artifacts", importance)
        runs.set_tags(tx, run, {"team": "pathology", "mlflow.runName": "the first"}, Hand("bo", NOW))


def _train(options: dict[str, Any]) -> tuple[dict[str, list[float]], str]:
    x, y = load_breast_cancer(return_X_y=True)
    x, held, y, truth = train_test_split(x, y, random_state=7, test_size=0.4)
    seen: dict[str, Any] = {}
    model = lightgbm.LGBMClassifier(n_estimators=_ROUNDS, n_jobs=1, random_state=7, verbose=-1, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(
            x, y, eval_set=[(x, y), (held, truth)], eval_names=["training", "validation"],
            eval_metric=["binary_logloss", "auc"], callbacks=[lightgbm.record_evaluation(seen)],
        )  # fmt: skip
    curves = {
        f"{part}_{name.replace('binary_logloss', 'loss')}": list(values)
        for part, each in seen.items() for name, values in each.items()
    }  # fmt: skip
    rows = [f"{place},{value}" for place, value in enumerate(model.feature_importances_)]
    return curves, "\n".join(["feature,importance", *rows])


def _files(store: Store, tx: Any, root: str, importance: str) -> None:
    for path, data in {
        "notes.md": f"# What was seen\n\nIt *overfits* after a while. {EVIL}\n".encode(),
        "importance.csv": importance.encode(),
        "model/MLmodel": b"flavors:\n  lightgbm: {}\n",
        "model/requirements.txt": b"lightgbm==4.6.0\nscikit-learn==1.8.0\n",
        "model/model.bin": bytes(range(256)) * 80,
        "report/page.html": b"<h1>Its own</h1><script>parent.document.title='owned'</script>",
        "report/plot.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='80' height='40'><script>1</script>"
                           b"<rect width='80' height='40' fill='teal'/></svg>",
        "report/scores.json": b'{"columns": ["fold", "auc"], "data": [[0, 0.98], [1, 0.99]]}',
        "report/settings.json": b'{"depth": {"most": 6}}',
    }.items():  # fmt: skip
        put(store, tx, f"{root}/{path}", data)
