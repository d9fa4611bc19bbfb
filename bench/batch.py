"""Rows by the million, of a fleet of many members, against LightGBM's own `Booster.predict` on the same models.

    python bench/batch.py [--json FILE] [--rows N] [--members N]

Ours routes each row to its member, encodes it and answers it with version and route; `Booster.predict` is called for
each member in a loop on rows that were grouped by member and are a matrix already, and once for as many rows of one
model, which no routing could beat. The whole command reads a Parquet file and writes another. Models are of 50 trees.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
from harness import Cost, Row, best, report

from argosy.cli import main as command
from argosy.model.signature import Feature, Signature
from argosy.serving.bulk.scorer import BulkScorer
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.snapshot import Source
from argosy.spec import document
from argosy.spec.dataset import Dataset
from argosy.spec.fleet import Fleet, Label
from argosy.spec.search import Candidate
from argosy.spec.source import Parquet
from argosy.store import Store, aliases, artifacts, datasets, declarations, executions, members, versions

WIDTH, TREES, ROUNDS, DISTINCT = 20, 50, 3, 20
NAMES = tuple(f"x{i}" for i in range(WIDTH))
NOW = datetime(2013, 4, 1, tzinfo=UTC)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=1_000)
    options = parser.parse_args()
    keys = [f"m{i:05d}" for i in range(options.members)]
    texts = [_model(seed) for seed in range(DISTINCT)]
    rows = _rows(keys, options.rows)
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        root = Path(name)
        with Store.open(root / "home") as store:
            _fill(store, keys, texts)
            ours = _scored(store, rows)
        whole = _command(root, rows)
    loop, one = _loop(keys, texts, rows), _one(texts[0], rows)
    case, count = f"{options.rows:,} rows, {options.members:,} members", options.rows
    told = (("Booster.predict per member", loop), ("one Booster.predict", one))
    lines = []
    for what, cost in ((case, ours), (f"{case}, file to file", whole)):
        for name, peer in told:
            lines.append(Row(what, "rows/s", count / cost.wall, count / peer.wall, name, more=True))
            lines.append(Row(what, "CPU us/row", cost.cpu / count * 1e6, peer.cpu / count * 1e6, name))
    report("batch", lines, options.json)


def _model(seed: int) -> str:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(2_000, WIDTH))
    late = rows[:, 0] + rows[:, 1] * rows[:, 2] + rng.normal(size=2_000) > 0
    data = lightgbm.Dataset(rows, late, params={"verbose": -1})
    options = {"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1}
    return str(lightgbm.train(options, data, TREES).model_to_string())


def _rows(keys: Sequence[str], count: int) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    values = pl.DataFrame(rng.normal(size=(count, WIDTH)), schema=list(NAMES))
    return values.with_columns(key=pl.Series(keys).gather(rng.integers(0, len(keys), count)))


def _fill(store: Store, keys: Sequence[str], texts: Sequence[str]) -> None:
    """A store as training leaves it: a fleet whose members have one version each."""
    from sklearn.linear_model import LogisticRegression

    fleet = Fleet(
        "bench", spine="rows", label=Label("late"), features=NAMES, candidates=(Candidate(LogisticRegression()),),
        by=("key",),
    )  # fmt: skip
    spine = Dataset("rows", time="t", source=Parquet("rows.parquet"))
    signature = Signature(tuple(Feature(name, "number") for name in NAMES), "binary", "late")
    types = {"t": "Datetime(time_unit='us', time_zone='UTC')", "key": "String"} | dict.fromkeys(NAMES, "Float64")
    slots = store.blobs.pack([f"{texts[i % len(texts)]}\n{key}".encode() for i, key in enumerate(keys)])
    store.blobs.put(signature.to_json())
    with store.write() as tx:
        declared = [
            declarations.NewDeclaration(
                kind=document.kind(each), name=each.name, fingerprint=document.fingerprint(each),
                body=json.loads(document.encode(each)), at=NOW, actor="bench",
            )
            for each in (spine, fleet)
        ]  # fmt: skip
        declarations.add(tx, declared)
        datasets.commit(tx, datasets.NewVersion(dataset="rows", at=NOW, parts=[], columns=types))
        artifacts.add(tx, artifacts.of_slots(slots, "model", NOW))
        ids = members.ensure(tx, "bench", keys, NOW)
        runs = executions.record(
            tx,
            [
                executions.NewExecution(
                    key=key, kind="train", subject=key, started_at=NOW, ended_at=NOW, member_id=ids[key]
                )
                for key in keys
            ],
        )
        made = versions.add(
            tx,
            [
                versions.NewVersion(
                    fleet="bench", member_id=ids[key], key=key, artifact=slot.digest, format="lightgbm",
                    execution_id=run, at=NOW, rows=2_000, signature=signature.digest,
                )
                for key, slot, run in zip(keys, slots, runs, strict=True)
            ],
        )  # fmt: skip
        moves = [
            aliases.Move(
                fleet="bench", member_id=each.member_id, alias="champion", target="own", at=NOW, actor="bench",
                version_id=each.id,
            )
            for each in made
        ]  # fmt: skip
        aliases.move(tx, moves)


def _scored(store: Store, rows: pl.DataFrame) -> Cost:
    """Ours, from a frame to a frame, with warm models."""
    routing = Source(store)()
    assert routing is not None
    with BulkScorer(routing.endpoint("bench"), ModelCache(blob_loader(store.blobs), 2 << 30), None, NOW) as bulk:
        assert bulk.score(rows, NOW)["reason"].null_count() == rows.height
        return best(lambda: bulk.score(rows, NOW), ROUNDS)


def _command(root: Path, rows: pl.DataFrame) -> Cost:
    """The whole command, loading of the models included."""
    rows.write_parquet(root / "rows.parquet")
    call = ["predict", "bench", "--file", str(root / "rows.parquet"), "--to", str(root / "scored.parquet"), "--force"]

    def work() -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            assert command([*call, "--home", str(root / "home")]) == 0

    return best(work, ROUNDS)


def _loop(keys: Sequence[str], texts: Sequence[str], rows: pl.DataFrame) -> Cost:
    """`Booster.predict` once a member, on its rows as a matrix."""
    boosters = [lightgbm.Booster(model_str=text) for text in texts]
    parts = rows.partition_by("key", as_dict=True)
    given = [
        (boosters[i % len(boosters)], parts[(key,)].select(NAMES).to_numpy(order="c"))
        for i, key in enumerate(keys)
        if (key,) in parts
    ]

    def work() -> None:
        for booster, matrix in given:
            booster.predict(matrix)

    return best(work, ROUNDS)


def _one(text: str, rows: pl.DataFrame) -> Cost:
    """`Booster.predict` of all rows by one model."""
    booster, matrix = lightgbm.Booster(model_str=text), rows.select(NAMES).to_numpy(order="c")
    return best(lambda: booster.predict(matrix), ROUNDS)


if __name__ == "__main__":
    main()
