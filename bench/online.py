"""Online features: reads of 1 and of 100 entities and writes, beside a bare LMDB read as the floor.

    python bench/online.py [--json FILE] [--rows 300000]

Ten values per entity from one view, an entity at random; a write is one batch of new rows, then one of rows that
take their place among others. CPU time.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import lmdb
import msgspec
import numpy as np
from harness import Row, best, report
from pit import SOURCE, tables

from argosy.features.online import Online


def main() -> None:
    """Write, read, print the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--json", type=Path)
    options.add_argument("--rows", type=int, default=300_000)
    given = options.parse_args()
    features, _ = tables(given.rows, 1)
    at = features["event"].to_list()[-1]
    features = features.sample(fraction=1.0, shuffle=True, seed=1)
    half = given.rows // 2
    ids = np.random.default_rng(1).integers(0, given.rows // 10, 10_000).tolist()
    hundreds = [ids[i : i + 100] for i in range(0, len(ids), 100)]
    with tempfile.TemporaryDirectory() as name, Online(Path(name)) as online:
        first, second = (
            best(partial(online.write, SOURCE, part), rounds=1).cpu for part in (features[:half], features[half:])
        )
        reader = online.reader([SOURCE])
        one = best(lambda: [reader.one({"entity": i}, at) for i in ids])
        many = best(lambda: [reader.rows({"entity": part}, at) for part in hundreds])
        frames = best(lambda: [reader.frame({"entity": part}, at) for part in hundreds])
    floor_one, floor_many = _floor(ids, hundreds)
    rows = [
        Row("read 1 entity", "CPU us", one.cpu / len(ids) * 1e6, floor=floor_one),
        Row("read 100 entities, rows", "CPU us", many.cpu / len(hundreds) * 1e6, floor=floor_many),
        Row("read 100 entities, frame", "CPU us", frames.cpu / len(hundreds) * 1e6, floor=floor_many),
        Row("write, first batch", "rows/CPU s", half / first),
        Row("write, second batch", "rows/CPU s", half / second),
    ]
    report("online", rows, given.json)


def _floor(ids: list[int], hundreds: list[list[int]]) -> tuple[float, float]:
    """CPU microseconds to get and unpack one row by its key, alone and a hundred in one transaction."""
    decode = msgspec.msgpack.decode
    row = msgspec.msgpack.encode([0.5] * 8 + [1, "kind 1"])
    with tempfile.TemporaryDirectory() as name, lmdb.open(name, map_size=1 << 32) as env:
        with env.begin(write=True) as txn:
            for i in range(max(ids) + 1):
                txn.put(i.to_bytes(8, "big"), row)

        def read(part: list[int]) -> list[list[object]]:
            with env.begin() as txn:
                return [decode(txn.get(i.to_bytes(8, "big"), b""), type=list[object]) for i in part]

        alone = best(lambda: [read([i]) for i in ids])
        together = best(lambda: [read(part) for part in hundreds])
    return alone.cpu / len(ids) * 1e6, together.cpu / len(hundreds) * 1e6


if __name__ == "__main__":
    main()
