"""Point-in-time join of 1M feature rows to 100k spine rows x 10 features, beside Feast's DuckDB offline store.

    python bench/pit.py [--json FILE] [--rows 1000000] [--spine 100000]

Of the rows, 15 % are known up to three days late and 10 % are corrections of others. Both sides read the features from
one Parquet file and take the spine from memory; importing libraries is left out. Wrong rows are counted against brute
force on a sample. The peer runs with its defaults, which look at event times alone, and told to filter by known time.
The floor is a bare as-of join on event times.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
from harness import Row, best, peer, report

from argosy.features.join import Source, join

REQUIREMENTS = ("feast[duckdb]==0.67.0", "duckdb<2")
VALUES = (*(f"f{i}" for i in range(8)), "count", "kind")
TTL = timedelta(days=10)
SOURCE = Source("view", ("entity",), "event", "known", VALUES, TTL)
DAY = 86_400
SAMPLE = 2_000
PEER = """
import json, sys, time, warnings
from datetime import timedelta
from pathlib import Path
import pandas as pd, pyarrow as pa, pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

warnings.simplefilter("ignore")  # after the imports, which set filters of their own
folder = Path(sys.argv[1])
store = FeatureStore(config=RepoConfig(
    project="bench", provider="local", registry=str(folder / "registry.db"), offline_store={"type": "duckdb"},
    online_store={"type": "sqlite", "path": str(folder / "online.db")}, entity_key_serialization_version=3))
entity = Entity(name="entity", join_keys=["entity"], value_type=ValueType.INT64)
types = {"count": Int64, "kind": String}
names = [*(f"f{i}" for i in range(8)), "count", "kind"]
view = FeatureView(
    name="view", entities=[entity], ttl=timedelta(days=10),
    schema=[Field(name=name, dtype=types.get(name, Float64)) for name in names],
    source=FileSource(path=str(folder / "rows.parquet"), timestamp_field="event", created_timestamp_column="known"))
store.apply([entity, view])
spine = pq.read_table(folder / "spine.parquet").rename_columns(["line", "entity", "event_timestamp"]).to_pandas()
told = {}
for case, options in (("default", {}), ("filtered", {"filter_by_created_timestamp": True})):
    costs = []
    for _ in range(5):
        cpu, wall = time.process_time(), time.perf_counter()
        result = store.get_historical_features(
            entity_df=spine, features=[f"view:{name}" for name in names], **options).to_arrow()
        costs.append((time.process_time() - cpu, time.perf_counter() - wall))
    told[case] = [min(cpu for cpu, _ in costs), min(wall for _, wall in costs)]
    pq.write_table(result, folder / f"{case}.parquet")
print(json.dumps(told))
"""


def tables(rows: int, spine: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Feature rows in order of event time, and the spine; entities are a tenth as many as rows."""
    random = np.random.default_rng(7)
    entities, corrected = max(rows // 10, 1), rows // 10
    start = 1_700_000_000
    event = start + random.integers(0, 30 * DAY, rows)
    late = np.where(random.random(rows) < 0.15, random.integers(1, 3 * DAY, rows), 0)
    entity = random.integers(0, entities, rows)
    source = random.integers(0, rows - corrected, corrected)
    event[-corrected:], entity[-corrected:] = event[source], entity[source]
    known = event + late
    known[-corrected:] = known[source] + random.integers(1, 5 * DAY, corrected)
    values = {f"f{i}": random.normal(size=rows) for i in range(8)}
    counted = random.integers(0, 1_000, rows)
    features = pl.DataFrame({"entity": entity, "event": event, "known": known, **values, "count": counted})
    features = features.with_columns(
        _seconds("event"), _seconds("known"), kind=pl.format("kind {}", pl.col("count") % 50)
    )
    asked = {"entity": random.integers(0, entities, spine), "at": start + random.integers(0, 30 * DAY, spine)}
    return features.sort("event"), pl.DataFrame(asked).select(pl.row_index("line"), "entity", _seconds("at"))


def truth(features: pl.DataFrame, spine: pl.DataFrame) -> list[float | None]:
    """The value of `f0` for each spine row, by looking at every row of its entity."""
    columns = [features[name].to_physical().to_numpy() for name in ("event", "known", "f0")]
    places = dict(features.with_row_index("place").group_by("entity").agg("place").iter_rows())
    found: list[float | None] = []
    for entity, at in spine.select("entity", pl.col("at").to_physical()).iter_rows():
        event, known, value = (column[places.get(entity, [])] for column in columns)
        counts = np.flatnonzero((event <= at) & (known <= at))
        best_row = max(counts, key=lambda i: (event[i], known[i], i), default=None)
        fresh = best_row is not None and at - event[best_row] <= TTL // timedelta(microseconds=1)
        found.append(float(value[best_row]) if fresh else None)
    return found


def wrong(result: pl.DataFrame, features: pl.DataFrame, spine: pl.DataFrame) -> float:
    """Percent of a sample of spine rows for which `f0` is not what brute force finds; a lost row is wrong too."""
    sample = spine.sample(min(SAMPLE, spine.height), seed=1)
    got = sample.select("line").join(result.select("line", "f0"), on="line", how="left", maintain_order="left")["f0"]
    differ = [mine != true for mine, true in zip(got.to_list(), truth(features, sample), strict=True)]
    return 100.0 * differ.count(True) / sample.height


def main() -> None:
    """Run both sides and print the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--json", type=Path)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--spine", type=int, default=100_000)
    given = options.parse_args()
    python = peer("feast", REQUIREMENTS)
    features, spine = tables(given.rows, given.spine)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features.write_parquet(folder / "rows.parquet")
        spine.write_parquet(folder / "spine.parquet")
        lazy = pl.scan_parquet(folder / "rows.parquet")
        ours = best(lambda: join(spine, "at", [(SOURCE, lazy)]))
        bare = lazy.drop("known")
        floor = best(
            lambda: (
                spine.lazy()
                .sort("at")
                .join_asof(bare.sort("event"), left_on="at", right_on="event", by="entity", check_sortedness=False)
                .collect()
            )
        )
        done = subprocess.run([python, "-c", PEER, name], stdout=subprocess.PIPE, text=True, check=True)
        costs = json.loads(done.stdout.splitlines()[-1])
        ours_wrong = wrong(join(spine, "at", [(SOURCE, lazy)]), features, spine)
        rows = []
        for case, title in (("default", "Feast DuckDB"), ("filtered", "Feast DuckDB, filtered")):
            peer_wrong = wrong(pl.read_parquet(folder / f"{case}.parquet"), features, spine)
            cpu, wall = costs[case]
            rows += [
                Row("join", "CPU s", ours.cpu, cpu, title, floor.cpu),
                Row("join", "wall s", ours.wall, wall, title, floor.wall),
                Row("wrong rows", "%", ours_wrong, peer_wrong, title),
            ]
    report("pit", sorted(rows, key=lambda row: ("CPU s", "wall s", "%").index(row.unit)), given.json)


def _seconds(name: str) -> pl.Expr:
    return (pl.col(name) * 1_000_000).cast(pl.Datetime("us", "UTC"))


if __name__ == "__main__":
    main()
